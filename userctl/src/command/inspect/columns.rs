// SPDX-License-Identifier: GPL-2.0-only

//! Columns by the names that JSON has for them, and connections in their order.

mod order;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod tests;

use std::{cell::LazyCell, ops::Deref, str::FromStr};

use serde_json::Value;

pub(super) use self::order::sort;
use super::super::list;
use crate::{
    model::Connection,
    table::{self, Cell, Table},
    time::Time,
};

macro_rules! columns {
    (
        [$({ $opening:ident $opening_kind:tt $opening_attribute:ident $opening_label:literal
            $opening_title:literal $opening_least:literal $opening_means:literal })+]
        $([$({ $field:ident $kind:tt $attribute:ident $label:literal $title:literal $least:literal $means:literal })+])+
    ) => {
        /// What a table may show: the names in JSON and the headings, and how much of a column has to stay.
        const COLUMNS: &[(&str, &str, usize)] = &[
            ("id", "ID", 0),
            ("src", "SOURCE", 16),
            ("dst", "DESTINATION", 16),
            $((stringify!($opening), $opening_title, $opening_least),)+
            ("state", "STATE", 0),
            $($((stringify!($field), $title, $least),)+)+
            ("resumes", "RESUMES", 0),
            ("records", "RECORDS", 0),
            ("bytes", "BYTES", 0),
            ("ja4", "JA4", 0),
            ("first", "FIRST", 0),
            ("last", "LAST", 0),
            ("time", "TIME", 0),
            ("age", "AGE", 0),
            ("idle", "IDLE", 0),
            ("rate", "RATE", 0),
            ("reason", "REASON", 0),
            ("loose", "LOOSE", 0),
        ];
    };
}

crate::identity_fields! { columns }

const ADDRESSES: [&str; 2] = ["src", "dst"];

/// A column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Column(&'static str, &'static str, usize);

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = COLUMNS.iter().find(|(name, ..)| *name == text);
        let names: Vec<_> = COLUMNS.iter().map(|(name, ..)| *name).collect();
        found
            .map(|&(name, title, least)| Self(name, title, least))
            .ok_or_else(|| format!("one of: {}", names.join(" ")))
    }
}

impl Column {
    fn of(names: &[&str]) -> Vec<Self> {
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// What is shown where nothing else was asked for. Reasons only where there are any.
    pub(super) fn usual(connections: &[Connection], verbose: bool) -> Vec<Self> {
        let mut columns = Self::of(&[
            "id", "time", "src", "dst", "state", "version", "sni", "resumed",
        ]);
        if connections.iter().any(has_reason) {
            columns.extend(Self::of(&["reason"]));
        }
        if verbose {
            columns.extend(Self::of(&["alpn", "client_random", "cipher", "ja4"]));
        }
        columns
    }

    fn head(self) -> table::Column {
        let Self(name, title, least) = self;
        match least {
            0 => table::Column::new(title),
            least if ADDRESSES.contains(&name) => table::Column::endpoints(title, least),
            least => table::Column::cut(title, least),
        }
    }

    /// `json` is made only where a column has to look there.
    fn cell(self, connection: &Connection, json: &impl Deref<Target = Value>, end: Time) -> Cell {
        let Self(name, ..) = self;
        match name {
            "id" => Cell::new(connection.id),
            "src" => Cell::new(connection.src),
            "dst" => Cell::new(connection.dst),
            "sni" => connection
                .sni
                .as_ref()
                .map_or_else(|| Cell::new('-'), |sni| text(&sni.to_string().into())),
            "resumed" => text(&connection.resumed.into()),
            "state" => Cell::coloured(connection.state, list::colour(connection.state)),
            "version" => Cell::new(list::version(connection)),
            "cipher" => Cell::or_dash(list::cipher(connection)),
            "reason" => Cell::new(reason(connection)),
            "time" => Cell::or_dash(connection.captured.as_ref().map(|of| of.first.of_day())),
            "records" => Cell::or_dash(
                connection
                    .records
                    .as_ref()
                    .map(|records| format!("{}/{}", records.client.all(), records.server.all())),
            ),
            "bytes" => {
                let (one, other) = connection.bytes.both();
                Cell::new(format!("{one}/{other}"))
            }
            "age" | "idle" => Cell::or_dash(self.number(connection, end).map(seconds)),
            "rate" => Cell::or_dash(
                self.number(connection, end)
                    .map(|rate| format!("{rate:.0}")),
            ),
            _ => text(&json[name]),
        }
    }

    /// What is counted in it, if something is.
    fn number(self, connection: &Connection, end: Time) -> Option<f64> {
        let Self(name, ..) = self;
        let captured = connection.captured.as_ref()?;
        let since = |from: Time, to: Time| to.0.saturating_sub(from.0) as f64 / 1e9;
        let (one, other) = connection.bytes.both();
        let bytes = one.saturating_add(other) as f64;
        match name {
            "bytes" => Some(bytes),
            "records" => {
                let records = connection.records.as_ref()?;
                Some((records.client.all() + records.server.all()) as f64)
            }
            "age" => Some(since(captured.first, end)),
            "idle" => Some(since(captured.last, end)),
            "rate" => {
                Some(bytes / since(captured.first, captured.last)).filter(|rate| rate.is_finite())
            }
            _ => None,
        }
    }
}

/// Connections as a table.
pub(super) fn table(connections: &[Connection], columns: &[Column], end: Time) -> Table {
    let mut table = Table::new(columns.iter().map(|column| column.head()).collect());
    for connection in connections {
        let json = LazyCell::new(|| serde_json::to_value(connection).unwrap_or_default());
        let cells = columns
            .iter()
            .map(|column| column.cell(connection, &json, end));
        table.row(cells.collect());
    }
    table
}

fn has_reason(connection: &Connection) -> bool {
    connection.reason.is_some() || is_loose(connection)
}

fn is_loose(connection: &Connection) -> bool {
    let captured = connection.captured.as_ref();
    captured.is_some_and(|captured| captured.loose == Some(true))
}

/// The reason, and a mark where a ClientHello had to do for the start.
fn reason(connection: &Connection) -> String {
    match (&connection.reason, is_loose(connection)) {
        (Some(reason), false) => reason.to_string(),
        (Some(reason), true) => format!("{reason} (loose)"),
        (None, true) => "(loose)".into(),
        (None, false) => "-".into(),
    }
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1}s")
}

fn text(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::new('-'),
        Value::Bool(true) => Cell::new("yes"),
        Value::Bool(false) => Cell::new("no"),
        Value::String(text) if text.is_empty() => Cell::new("\"\""),
        Value::String(text) => Cell::new(text),
        other => Cell::new(other),
    }
}
