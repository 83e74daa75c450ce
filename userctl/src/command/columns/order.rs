// SPDX-License-Identifier: GPL-2.0-only

//! Connections in the order of a column.

use std::{cmp::Ordering, net::SocketAddr};

use serde_json::Value;

use super::{cells, Column};
use crate::{
    model::{Connection, Version},
    time::Time,
};

impl Column {
    /// Sorts by it; what is not known comes first.
    pub(super) fn sort(self, connections: &mut [Connection], end: Time) {
        connections.sort_by_cached_key(|connection| self.key(connection, end));
    }

    fn key(self, connection: &Connection, end: Time) -> Key {
        let Self(name, ..) = self;
        let number = self.number(connection, end).map(Key::Number);
        number.unwrap_or_else(|| match name {
            "src" => Key::Address(connection.src),
            "dst" => Key::Address(connection.dst),
            "cipher" => cells::cipher(connection).map_or(Key::Unknown, Key::Text),
            "version" => connection.version.map_or(Key::Unknown, Key::Version),
            "offered" => connection.offered.map_or(Key::Unknown, Key::Version),
            "time" => Self("first", "", 0).key(connection, end),
            _ => Key::of(&serde_json::to_value(connection).unwrap_or_default()[name]),
        })
    }
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
