// SPDX-License-Identifier: GPL-2.0-only
//! How many records one counts as of the [2,048](super::reader::RECORDS) that a packet may have: the dearer ones as more, so
//! that no packet costs more than it may.

use super::sequence::Kind;

/// Records that one counts as besides itself which takes longer: a plain-text alert, one of another type than the one before
/// it, one that is kept and not very short.
pub(super) const SINGLE: u16 = 1;

/// The same of one that only the rules for the flights of TLS 1.3 tell from data, with a body of that length. The smallest that
/// stacks make of a flight, with a `record_size_limit` of 64 (RFC 8449), fill a packet of 58 KB; long ones are few in a packet.
#[inline(always)]
pub(super) fn flight_besides(len: u16) -> u16 {
    match len {
        72..88 => 2,
        ..128 => 3,
        _ => 1,
    }
}

/// Records that a plain-text handshake record counts as besides itself where it follows one of another type, as nobody sends
/// many who takes turns so: each turn takes as long.
pub(super) const TURN: u16 = 4;

/// Bytes of a body from which on a record that is kept counts as one more: of as many as a packet may have, its bytes cost as
/// much as its header.
const KEPT: u16 = 20;

/// Whether a record of that kind and length counts as more than one: its body is compared, and has at least `KEPT` bytes.
#[inline(always)]
pub(super) fn is_more(kind: Kind, len: u16) -> bool {
    len >= KEPT && kind.is_compared()
}

/// How many records one of that kind and length counts as, if nothing else makes it more.
#[inline(always)]
pub(super) fn counts_as(kind: Kind, len: u16) -> u16 {
    u16::from(is_more(kind, len)).wrapping_add(1)
}
