// SPDX-License-Identifier: GPL-2.0-only

//! Columns by the names that JSON has for them, and connections in their order.

#[cfg(test)]
mod shown;

use std::{cmp::Ordering, net::SocketAddr, str::FromStr};

use serde_json::Value;

use super::super::list;
use crate::{
    model::{Connection, Version},
    table::{self, Cell, Table},
    time::Time,
};

/// What a table may show: the names in JSON and the headings, and how much of a column has to stay.
const COLUMNS: [(&str, &str, usize); 32] = [
    ("id", "ID", 0),
    ("src", "SOURCE", 16),
    ("dst", "DESTINATION", 16),
    ("client", "CLIENT", 0),
    ("state", "STATE", 0),
    ("confirmed", "CONFIRMED", 0),
    ("version", "TLS", 0),
    ("offered", "OFFERED", 0),
    ("cipher", "CIPHER", 0),
    ("sni", "SNI", 8),
    ("alpn", "ALPN", 0),
    ("client_random", "CLIENT RANDOM", 0),
    ("server_random", "SERVER RANDOM", 0),
    ("session_id", "SESSION ID", 0),
    ("server_session_id", "SERVER SESSION ID", 0),
    ("resumed", "RESUMED", 0),
    ("resumption", "RESUMPTION", 0),
    ("resumes", "RESUMES", 0),
    ("early_data", "EARLY DATA", 0),
    ("ech", "ECH", 0),
    ("hello_retry", "HELLO RETRY", 0),
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

const ADDRESSES: [&str; 2] = ["src", "dst"];

/// A column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Column(&'static str, &'static str, usize);

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = COLUMNS.into_iter().find(|(name, ..)| *name == text);
        let names = || COLUMNS.map(|(name, ..)| name).join(" ");
        found
            .map(|(name, title, least)| Self(name, title, least))
            .ok_or_else(|| format!("one of: {}", names()))
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

    fn cell(self, connection: &Connection, json: &Value, end: Time) -> Cell {
        let Self(name, ..) = self;
        match name {
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

    fn key(self, connection: &Connection, end: Time) -> Key {
        let Self(name, ..) = self;
        let number = self.number(connection, end).map(Key::Number);
        number.unwrap_or_else(|| match name {
            "src" => Key::Address(connection.src),
            "dst" => Key::Address(connection.dst),
            "cipher" => list::cipher(connection).map_or(Key::Unknown, Key::Text),
            "version" => connection.version.map_or(Key::Unknown, Key::Version),
            "offered" => connection.offered.map_or(Key::Unknown, Key::Version),
            "time" => Self("first", "", 0).key(connection, end),
            _ => Key::of(&serde_json::to_value(connection).unwrap_or_default()[name]),
        })
    }
}

/// Sorts by a column; what is not known comes first.
pub(super) fn sort(connections: &mut [Connection], by: Column, end: Time) {
    connections.sort_by_cached_key(|connection| by.key(connection, end));
}

/// Connections as a table.
pub(super) fn table(connections: &[Connection], columns: &[Column], end: Time) -> Table {
    let mut table = Table::new(columns.iter().map(|column| column.head()).collect());
    for connection in connections {
        let json = serde_json::to_value(connection).unwrap_or_default();
        let cells = columns
            .iter()
            .map(|column| column.cell(connection, &json, end));
        table.row(cells.collect());
    }
    table
}

#[derive(PartialEq)]
enum Key {
    Number(f64),
    Address(SocketAddr),
    Version(Version),
    Text(String),
    Unknown,
}

impl Key {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Unknown,
            Value::Bool(is) => Self::Number(f64::from(u8::from(*is))),
            Value::Number(number) => number.as_f64().map_or(Self::Unknown, Self::Number),
            Value::String(text) => Self::Text(text.clone()),
            other => Self::Text(other.to_string()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Unknown => 0,
            _ => 1,
        }
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Address(a), Self::Address(b)) => a.cmp(b),
            (Self::Version(a), Self::Version(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{tests::connection, Bytes, Captured, Reason};

    fn captured(first: u64, last: u64, bytes: u64) -> Connection {
        Connection {
            id: first,
            bytes: Bytes::ByPart {
                client: bytes,
                server: 0,
            },
            captured: Some(Captured {
                first: Time(first * 1_000_000_000),
                last: Time(last * 1_000_000_000),
                loose: None,
            }),
            marking: None,
            ..connection()
        }
    }

    fn shown(columns: &str, connections: &[Connection]) -> String {
        let columns: Result<Vec<Column>, _> = columns.split(',').map(str::parse).collect();
        let columns = columns.expect("there are such");
        table(connections, &columns, Time(6_000_000_000)).render(true, None, false)
    }

    #[test]
    fn every_column_has_something_to_show() {
        let connection = captured(1, 3, 500);
        for (name, title, _) in COLUMNS {
            let text = shown(name, std::slice::from_ref(&connection));
            let (heading, cell) = text.split_once('\n').expect("two lines");
            assert_eq!(heading, title);
            let is_known = !matches!(name, "reason" | "loose");
            assert_eq!(cell != "-\n", is_known, "{name}: {cell}");
        }
        let text = shown(
            "id,time,age,idle,rate,bytes,records,cipher",
            &[connection, captured(2, 5, 3)],
        );
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
        assert_eq!(
            rows[1],
            ["1", "00:00:01", "5.0s", "3.0s", "250", "500/0", "3/4", cipher]
        );
        assert_eq!(
            rows[2],
            ["2", "00:00:02", "4.0s", "1.0s", "1", "3/0", "3/4", cipher]
        );
        assert!("nothing".parse::<Column>().is_err());
    }

    #[test]
    fn sorted_by_what_a_column_means() {
        let order = |by: &str, connections: &[Connection]| -> Vec<u64> {
            let mut connections = connections.to_vec();
            sort(
                &mut connections,
                by.parse().expect("a column"),
                Time(9_000_000_000),
            );
            connections.iter().map(|connection| connection.id).collect()
        };
        let mut connections = [captured(1, 9, 100), captured(2, 3, 20), captured(3, 4, 3)];
        connections[0].src = "10.0.10.2:1".parse().expect("an address");
        connections[1].src = "10.0.9.2:1".parse().expect("an address");
        connections[2].src = "10.0.9.2:2".parse().expect("an address");
        connections[1].reason = Some(Reason::Hole);
        connections[2].sni = None;
        connections[0].version = Some(Version::Tls10);
        connections[1].version = None;
        connections[2].version = Some(Version::Ssl3);
        assert_eq!(order("bytes", &connections), [3, 2, 1]);
        assert_eq!(order("src", &connections), [2, 3, 1]);
        assert_eq!(order("idle", &connections), [1, 3, 2]);
        assert_eq!(order("time", &connections), [1, 2, 3]);
        // What is not known comes first.
        assert_eq!(order("reason", &connections), [1, 3, 2]);
        assert_eq!(order("sni", &connections), [3, 1, 2]);
        assert_eq!(order("version", &connections), [2, 3, 1]);
    }
}
