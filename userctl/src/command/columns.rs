// SPDX-License-Identifier: GPL-2.0-only

//! Columns by the names that JSON has for them, and connections in their order.

mod cells;
mod options;
mod order;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod usual;

use std::{cell::LazyCell, fmt, ops::Deref, str::FromStr};

use serde_json::Value;

pub(crate) use self::{
    cells::{cipher, colour, pin},
    options::Shown,
};
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
            ("src", "SOURCE", 15),
            ("dst", "DESTINATION", 15),
            $((stringify!($opening), $opening_title, $opening_least),)+
            ("state", "STATE", 0),
            $($((stringify!($field), $title, $least),)+)+
            ("resumes", "RESUMES", 0),
            ("records", "RECORDS", 0),
            ("bytes", "BYTES", 0),
            ("ja4", "JA4", 0),
            ("waiting", "WAITING", 0),
            ("pin", "PIN", 8),
            ("mark", "MARK", 0),
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

/// What only one of them has.
const OF_CAPTURES: &[&str] = &["loose"];
const OF_LIVE: &[&str] = &["waiting", "pin", "mark"];

/// Whose connections they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Of {
    /// This machine's.
    Live,
    /// A capture's.
    Capture,
}

/// A column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Column(&'static str, &'static str, usize);

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

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Column {
    /// Whether these connections have it.
    fn is_of(self, of: Of) -> bool {
        let others = match of {
            Of::Live => OF_CAPTURES,
            Of::Capture => OF_LIVE,
        };
        !others.contains(&self.0)
    }

    fn names(of: Of) -> Vec<&'static str> {
        let all = COLUMNS
            .iter()
            .map(|&(name, title, least)| Self(name, title, least));
        all.filter(|column| column.is_of(of))
            .map(|column| column.0)
            .collect()
    }

    fn of(names: &[&str]) -> Vec<Self> {
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// What is shown where nothing else was asked for. Reasons only where there are any.
    pub(crate) fn usual(of: Of, connections: &[Connection], verbose: bool) -> Vec<Self> {
        let (first, then, more): (&[&str], &[&str], &[&str]) = match of {
            Of::Live => (
                &["id"],
                &["pin"],
                &["mark", "alpn", "client_random", "cipher"],
            ),
            Of::Capture => (
                &["id", "time"],
                &[],
                &["alpn", "client_random", "cipher", "ja4"],
            ),
        };
        let both = ["src", "dst", "state", "version", "sni", "resumed"];
        let mut names = [first, &both, then].concat();
        if connections.iter().any(cells::has_reason) {
            names.push("reason");
        }
        if verbose {
            names.extend(more);
        }
        Self::of(&names)
    }

    pub(crate) fn head(self) -> table::Column {
        let Self(name, title, least) = self;
        match least {
            0 => table::Column::new(title),
            least if name == "sni" => table::Column::cut_last(title, least),
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
            "state" => Cell::coloured(connection.state, cells::colour(connection.state)),
            "version" => Cell::new(cells::version(connection)),
            "cipher" => Cell::or_dash(cells::cipher(connection)),
            "reason" => Cell::new(cells::reason(connection)),
            "pin" => Cell::or_dash(connection.marking.as_ref().and_then(cells::pin)),
            "waiting" => Cell::or_dash(connection.marking.as_ref().map(|marking| {
                let (one, other) = marking.waiting.both();
                format!("{one}/{other}")
            })),
            "time" => Cell::or_dash(connection.times.as_ref().map(|of| of.first.of_day())),
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
        let sum = |(one, other): (u64, u64)| one.saturating_add(other) as f64;
        let bytes = sum(connection.bytes.both());
        let times = connection.times.as_ref();
        let since = |from: Time, to: Time| to.0.saturating_sub(from.0) as f64 / 1e9;
        match name {
            "bytes" => Some(bytes),
            "waiting" => Some(sum(connection.marking.as_ref()?.waiting.both())),
            "records" => {
                let records = connection.records.as_ref()?;
                Some((records.client.all() + records.server.all()) as f64)
            }
            "mark" => Some(connection.marking.as_ref()?.mark.into()),
            "age" => Some(since(times?.first, end)),
            "idle" => Some(since(times?.last, end)),
            "rate" => {
                let times = times?;
                Some(bytes / since(times.first, times.last)).filter(|rate| rate.is_finite())
            }
            _ => None,
        }
    }

    /// Of each connection; `end` is up to when age is counted.
    pub(crate) fn cells(columns: &[Self], connection: &Connection, end: Time) -> Vec<Cell> {
        let json = LazyCell::new(|| serde_json::to_value(connection).unwrap_or_default());
        let cells = columns
            .iter()
            .map(|column| column.cell(connection, &json, end));
        cells.collect()
    }
}

/// Connections as a table.
pub(crate) fn table(connections: &[Connection], columns: &[Column], end: Time) -> Table {
    let mut table = Table::new(columns.iter().map(|column| column.head()).collect());
    for connection in connections {
        table.row(Column::cells(columns, connection, end));
    }
    table
}

/// Connections of this machine as a table with the usual columns.
pub(crate) fn live(connections: &[Connection], verbose: bool) -> Table {
    let columns = Column::usual(Of::Live, connections, verbose);
    table(connections, &columns, Time::now())
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
