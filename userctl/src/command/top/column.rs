// SPDX-License-Identifier: GPL-2.0-only

//! The columns: what is in them, and how rows are sorted by them.

use std::{cmp::Ordering, cmp::Reverse, str::FromStr, time::Duration};

use super::row::{self, Row};
use crate::{command::columns, model::Connection, table::Colour, time::Time};

/// A column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Column {
    Age,
    Idle,
    SrcRate,
    DstRate,
    State,
    Sni,
    Pin,
    Reason,
    Src,
    Dst,
    Id,
}

use Column::{Age, Dst, DstRate, Id, Idle, Pin, Reason, Sni, Src, SrcRate, State};

impl Column {
    /// All of them, as they stand from left to right.
    pub(crate) const ALL: [Self; 11] = [
        Age, Idle, SrcRate, DstRate, State, Sni, Pin, Reason, Src, Dst, Id,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Age => "AGE",
            Idle => "IDLE",
            SrcRate => "SRC/s",
            DstRate => "DST/s",
            State => "STATE",
            Sni => "SNI",
            Pin => "PIN",
            Reason => "REASON",
            Src => "SOURCE",
            Dst => "DESTINATION",
            Id => "ID",
        }
    }

    /// Numbers stand at the right.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Age | Idle | SrcRate | DstRate | Id)
    }

    /// The one to the right, or to the left, if there is one.
    pub(crate) fn beside(self, right: bool) -> Self {
        let place = Self::ALL.iter().position(|column| *column == self);
        let place = place.unwrap_or_default();
        let next = match right {
            true => place + 1,
            false => place.saturating_sub(1),
        };
        Self::ALL.get(next).copied().unwrap_or(self)
    }

    /// What a row has in it.
    pub(crate) fn text(self, row: &Row, now: Duration) -> String {
        let connection = &row.connection;
        let dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        match self {
            Age => row.ago(|times| times.first, now),
            Idle => row.ago(|times| times.last, now),
            SrcRate => dash(row.rates.map(|[src, _]| row::short(src))),
            DstRate => dash(row.rates.map(|[_, dst]| row::short(dst))),
            State => connection.state.to_string(),
            Sni => dash(connection.sni.as_ref().map(ToString::to_string)),
            // No pin has such a name.
            Pin if row.waits() => "(waits)".into(),
            Pin => dash(connection.marking.as_ref().and_then(columns::pin)),
            Reason => dash(connection.reason.map(|reason| reason.to_string())),
            Src => connection.src.to_string(),
            Dst => connection.dst.to_string(),
            Id => connection.id.to_string(),
        }
    }

    pub(crate) fn colour(self, row: &Row) -> Colour {
        match self {
            State => columns::colour(row.connection.state),
            Pin if row.waits() => Colour::Yellow,
            Pin if row.is_pinned() => Colour::Green,
            _ => Colour::Plain,
        }
    }

    /// Which of two rows comes first: the younger, the one that sends more, and what is known before what is not.
    pub(crate) fn compare(self, one: &Row, other: &Row) -> Ordering {
        fn known_first<T: Ord>(one: Option<T>, other: Option<T>) -> Ordering {
            (one.is_none(), one).cmp(&(other.is_none(), other))
        }
        let (a, b) = (&one.connection, &other.connection);
        match self {
            // Ids count up.
            Age => b.id.cmp(&a.id),
            Idle => last(b).cmp(&last(a)),
            SrcRate => rate(one, 0).cmp(&rate(other, 0)),
            DstRate => rate(one, 1).cmp(&rate(other, 1)),
            State => a.state.cmp(&b.state),
            Sni => known_first(
                a.sni.as_ref().map(|name| &name.0),
                b.sni.as_ref().map(|name| &name.0),
            ),
            Pin => pin(one).cmp(&pin(other)),
            Reason => known_first(a.reason, b.reason),
            Src => a.src.cmp(&b.src),
            Dst => a.dst.cmp(&b.dst),
            Id => a.id.cmp(&b.id),
        }
    }
}

fn last(connection: &Connection) -> Option<Time> {
    connection.times.as_ref().map(|times| times.last)
}

fn rate(row: &Row, end: usize) -> Reverse<Option<u64>> {
    Reverse(row.rates.map(|rates| rates[end]))
}

/// What waits stands before names, and these before the rest.
fn pin(row: &Row) -> (u8, Option<&[u8]>) {
    let marking = row.connection.marking.as_ref();
    match marking.and_then(|marking| marking.pin.as_ref()) {
        _ if row.waits() => (0, None),
        Some(name) => (1, Some(&name.0)),
        None => (2, None),
    }
}

/// By its heading, in whatever case.
impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        let is_meant = |column: &Self| column.title().eq_ignore_ascii_case(text.trim());
        all.find(is_meant).ok_or_else(|| {
            let titles = Self::ALL.map(|column| column.title().to_lowercase());
            format!("one of: {}", titles.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_name_and_beside_each_other() {
        assert_eq!("sni".parse(), Ok(Sni));
        assert_eq!(" SRC/S ".parse(), Ok(SrcRate));
        let error = "name".parse::<Column>().expect_err("there is none");
        assert!(error.contains("sni, pin"), "{error}");
        assert_eq!(
            (Age.beside(false), Age.beside(true), Id.beside(true)),
            (Age, Idle, Id)
        );
    }
}
