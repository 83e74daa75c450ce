// SPDX-License-Identifier: GPL-2.0-only

//! The rows as values.

use tlsconn_facts as facts;

/// A row that has a number and a sentence.
pub(crate) struct Row {
    pub(crate) constant: &'static str,
    pub(crate) word: &'static str,
    pub(crate) means: &'static str,
}

/// A reason, with the counter of its connections.
pub(crate) struct Reason {
    pub(crate) row: Row,
    pub(crate) state: &'static str,
    pub(crate) remedy: &'static str,
    pub(crate) counter: &'static str,
}

/// A counter; the reason whose connections it counts, or nothing.
pub(crate) struct Counter {
    pub(crate) row: Row,
    pub(crate) remedy: &'static str,
    pub(crate) reason: &'static str,
}

/// An option of the match; what it is and how it is read as in its row.
pub(crate) struct Opt {
    pub(crate) condition: &'static str,
    pub(crate) word: &'static str,
    pub(crate) kind: &'static str,
    /// The fields of the rule.
    pub(crate) fields: &'static [&'static str],
    pub(crate) is_detail: bool,
    pub(crate) value: &'static str,
    pub(crate) means: &'static str,
    pub(crate) more: &'static str,
}

impl Opt {
    /// The words that its value is made of.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        let of = |rows: Vec<Row>| rows.iter().map(|row| row.word).collect();
        match self.kind {
            "types" => of(types()),
            "states" => of(states()),
            "versions" => versions(),
            _ => Vec::new(),
        }
    }
}

macro_rules! option_rows {
    ($({
        $variant:ident $condition:ident $word:literal [$kind:ident $($field:ident)*] [$answer:ident $($of:ident)*]
        $value:literal $means:literal $more:literal
    })+) => {
        vec![$(Opt {
            condition: stringify!($condition),
            word: $word,
            kind: stringify!($kind),
            fields: &[$(stringify!($field)),*],
            is_detail: stringify!($answer) == "detail",
            value: $value,
            means: $means,
            more: $more,
        },)+]
    };
}

macro_rules! rows {
    ($({ $variant:ident $constant:ident $word:literal $means:literal $($more:tt)* })+) => {
        vec![$(Row { constant: stringify!($constant), word: $word, means: $means },)+]
    };
}

macro_rules! words {
    ($({ $variant:ident $word:literal })+) => { vec![$($word,)+] };
}

macro_rules! version_words {
    ($({ $variant:ident $number:literal $word:literal })+) => { vec![$($word,)+] };
}

macro_rules! reason_rows {
    ($({ $variant:ident $constant:ident $word:literal $means:literal $remedy:literal $state:literal })+) => {
        vec![$(Reason {
            row: Row { constant: stringify!($constant), word: $word, means: $means },
            state: $state,
            remedy: $remedy,
            counter: counter_of(stringify!($variant)),
        },)+]
    };
}

macro_rules! counter_rows {
    ($({ $variant:ident $constant:ident $word:literal $means:literal $remedy:literal $($of:ident $reason:ident)? })+) => {
        vec![$(Counter {
            row: Row { constant: stringify!($constant), word: $word, means: $means },
            remedy: $remedy,
            reason: concat!("" $(, stringify!($reason))?),
        },)+]
    };
}

/// The enumerations of the netlink family by their names there, and what stands before the first row.
pub(crate) fn enumerations() -> [(&'static str, Option<Row>, Vec<Row>); 8] {
    let none = Row {
        constant: "TLSCONN_REASON_NONE",
        word: "none",
        means: "It is none of these.",
    };
    [
        ("state", None, facts::states! { rows }),
        ("side", None, facts::sides! { rows }),
        ("resumption", None, facts::resumptions! { rows }),
        ("reason", Some(none), facts::reasons! { rows }),
        ("pin-state", None, facts::pin_states! { rows }),
        ("release", None, facts::releases! { rows }),
        ("set-change", None, facts::set_changes! { rows }),
        ("event", None, facts::events! { rows }),
    ]
}

pub(crate) fn states() -> Vec<Row> {
    facts::states! { rows }
}

pub(crate) fn types() -> Vec<Row> {
    facts::record_types! { rows }
}

pub(crate) fn resumptions() -> Vec<Row> {
    facts::resumptions! { rows }
}

pub(crate) fn events() -> Vec<Row> {
    facts::events! { rows }
}

pub(crate) fn pin_states() -> Vec<Row> {
    facts::pin_states! { rows }
}

pub(crate) fn releases() -> Vec<Row> {
    facts::releases! { rows }
}

pub(crate) fn versions() -> Vec<&'static str> {
    facts::versions! { version_words }
}

pub(crate) fn capture_reasons() -> Vec<&'static str> {
    facts::capture_reasons! { words }
}

pub(crate) fn reasons() -> Vec<Reason> {
    facts::reasons! { reason_rows }
}

pub(crate) fn options() -> Vec<Opt> {
    facts::match_options! { option_rows }
}

pub(crate) fn counters() -> Vec<Counter> {
    facts::counters! { counter_rows }
}

/// The word of the counter of a reason's connections: each reason has one.
fn counter_of(reason: &str) -> &'static str {
    let mut counters = counters().into_iter();
    let found = counters.find(|counter| counter.reason == reason);
    found.map_or("", |counter| counter.row.word)
}
