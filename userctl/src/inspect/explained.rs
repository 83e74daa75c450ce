// SPDX-License-Identifier: GPL-2.0-only

//! Why encrypted records of a TLS 1.3 handshake are what they are: the engine's decisions, by the names of its rules.

use serde::Serialize;
use tlsconn_tls::{Decided, Rule};

use super::describe;
use crate::model::Side;

/// Octets of a record's header.
const HEADER: u32 = 5;

/// A record, and the rule that told what it is.
#[derive(Debug, Serialize)]
pub(crate) struct Explained {
    /// The frame with which its header was complete.
    pub(crate) frame: u64,
    pub(crate) id: u64,
    pub(crate) from: Side,
    pub(crate) rule: &'static str,
    pub(crate) length: u16,
    pub(crate) with_header: u32,
    /// By how much its packet acknowledges more than what the rule looks at.
    pub(crate) acknowledged: Option<i32>,
    /// Bytes that are left of the bound.
    pub(crate) left: Option<u32>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<&'static str>,
    /// The handshake is over with it.
    pub(crate) ends: bool,
}

impl Explained {
    pub(super) fn new(decided: &Decided, frame: u64, id: u64) -> Self {
        Self {
            frame,
            id,
            from: describe::side(decided.from),
            rule: decided.rule.name(),
            length: decided.len,
            with_header: u32::from(decided.len) + HEADER,
            acknowledged: decided.acknowledged,
            left: decided.left.filter(|_| is_bounded(decided.rule)),
            kind: describe::type_name(decided.types),
            ends: decided.is_last,
        }
    }
}

/// Whether a rule has a bound on bytes.
fn is_bounded(rule: Rule) -> bool {
    use Rule::{C3, C4, S1, S2, S3, S4, S5};
    matches!(rule, S1 | S2 | S3 | S4 | S5 | C3 | C4)
}
