// SPDX-License-Identifier: GPL-2.0-only

//! What a namespace's tracker has seen, in numbers (`tlsconnctl stats`).

use crate::{
    bindings::{
        TLSCONN_A_STATS_ALLOCATION_FAILURES, TLSCONN_A_STATS_CONNECTIONS_FULL,
        TLSCONN_A_STATS_CONNECTIONS_MADE, TLSCONN_A_STATS_HANDSHAKE_IN_DOUBT,
        TLSCONN_A_STATS_LOST_HANDSHAKE_TIMEOUT, TLSCONN_A_STATS_LOST_HOLE,
        TLSCONN_A_STATS_LOST_MID_STREAM, TLSCONN_A_STATS_LOST_SYN_DATA,
        TLSCONN_A_STATS_LOST_TABLE_FULL, TLSCONN_A_STATS_LOST_TOO_MANY_RECORDS,
        TLSCONN_A_STATS_NOT_TLS, TLSCONN_A_STATS_OCTETS, TLSCONN_A_STATS_OUT_OF_ORDER_DROPPED,
        TLSCONN_A_STATS_OUT_OF_ORDER_KEPT, TLSCONN_A_STATS_PACKETS, TLSCONN_A_STATS_RESYNCHRONISED,
        TLSCONN_A_STATS_TAINTED_BAD_HEADER, TLSCONN_A_STATS_TAINTED_BEYOND_FIN,
        TLSCONN_A_STATS_TAINTED_MALFORMED, TLSCONN_A_STATS_TAINTED_RESENT_DIFFERENTLY,
        TLSCONN_A_STATS_TAINTED_SECOND_HELLO, TLSCONN_A_STATS_TAINTED_URGENT,
    },
    sys::percpu::PerCpu,
    tls::Reason,
};
use kernel::prelude::*;

/// What is counted. Packets and their bytes come first: they are counted together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Packets that were looked at.
    Packets = 0,
    /// Payload bytes of theirs.
    Octets,
    /// Connections that were tracked.
    Made,
    /// Packets that would have begun one, had there been room in the table.
    Full,
    /// Connections by what became of them.
    NotTls,
    /// Lost.
    MidStream,
    /// Lost.
    NoRoom,
    /// Lost.
    Hole,
    /// Tainted.
    BadHeader,
    /// Tainted.
    ResentDifferently,
    /// Tainted.
    Urgent,
    /// Tainted.
    SecondHello,
    /// Tainted.
    BeyondFin,
    /// Tainted.
    Malformed,
    /// Segments kept after a hole.
    Kept,
    /// Segments after a hole for which there was no room.
    Dropped,
    /// Directions that found their way back.
    Resynchronised,
    /// Memory that was not to be had.
    AllocationFailures,
    /// Bytes of encrypted records that were taken for handshake.
    InDoubt,
    /// Lost.
    TooManyRecords,
    /// Lost.
    SynData,
    /// Lost.
    HandshakeTimeout,
}

const COUNTERS: usize = 22;

/// Each by its attribute.
pub const ALL: [(Counter, u32); COUNTERS] = [
    (Counter::Packets, TLSCONN_A_STATS_PACKETS),
    (Counter::Octets, TLSCONN_A_STATS_OCTETS),
    (Counter::Made, TLSCONN_A_STATS_CONNECTIONS_MADE),
    (Counter::Full, TLSCONN_A_STATS_CONNECTIONS_FULL),
    (Counter::NotTls, TLSCONN_A_STATS_NOT_TLS),
    (Counter::MidStream, TLSCONN_A_STATS_LOST_MID_STREAM),
    (Counter::NoRoom, TLSCONN_A_STATS_LOST_TABLE_FULL),
    (Counter::Hole, TLSCONN_A_STATS_LOST_HOLE),
    (Counter::BadHeader, TLSCONN_A_STATS_TAINTED_BAD_HEADER),
    (
        Counter::ResentDifferently,
        TLSCONN_A_STATS_TAINTED_RESENT_DIFFERENTLY,
    ),
    (Counter::Urgent, TLSCONN_A_STATS_TAINTED_URGENT),
    (Counter::SecondHello, TLSCONN_A_STATS_TAINTED_SECOND_HELLO),
    (Counter::BeyondFin, TLSCONN_A_STATS_TAINTED_BEYOND_FIN),
    (Counter::Malformed, TLSCONN_A_STATS_TAINTED_MALFORMED),
    (Counter::Kept, TLSCONN_A_STATS_OUT_OF_ORDER_KEPT),
    (Counter::Dropped, TLSCONN_A_STATS_OUT_OF_ORDER_DROPPED),
    (Counter::Resynchronised, TLSCONN_A_STATS_RESYNCHRONISED),
    (
        Counter::AllocationFailures,
        TLSCONN_A_STATS_ALLOCATION_FAILURES,
    ),
    (Counter::InDoubt, TLSCONN_A_STATS_HANDSHAKE_IN_DOUBT),
    (
        Counter::TooManyRecords,
        TLSCONN_A_STATS_LOST_TOO_MANY_RECORDS,
    ),
    (Counter::SynData, TLSCONN_A_STATS_LOST_SYN_DATA),
    (
        Counter::HandshakeTimeout,
        TLSCONN_A_STATS_LOST_HANDSHAKE_TIMEOUT,
    ),
];

impl Counter {
    /// That of connections which have become lost, tainted or not TLS for a reason.
    pub fn of(reason: Reason) -> Option<Self> {
        Some(match reason {
            Reason::None => return None,
            Reason::NotTls => Self::NotTls,
            Reason::MidStream => Self::MidStream,
            Reason::TableFull => Self::NoRoom,
            Reason::Hole => Self::Hole,
            Reason::BadHeader => Self::BadHeader,
            Reason::ResentDifferently => Self::ResentDifferently,
            Reason::Urgent => Self::Urgent,
            Reason::SecondHello => Self::SecondHello,
            Reason::BeyondFin => Self::BeyondFin,
            Reason::Malformed => Self::Malformed,
            Reason::TooManyRecords => Self::TooManyRecords,
            Reason::SynData => Self::SynData,
            Reason::HandshakeTimeout => Self::HandshakeTimeout,
        })
    }
}

/// A namespace's counters.
pub struct Counters(PerCpu<COUNTERS>);

impl Counters {
    /// All 0. Process context.
    pub fn new() -> Result<Self> {
        Ok(Self(PerCpu::new()?))
    }

    /// Counts a packet with so many bytes of payload. Any context.
    #[inline]
    pub fn packet(&self, octets: u32) {
        self.0.add_pair(octets);
    }

    /// Counts one. Any context.
    pub fn count(&self, counter: Counter) {
        self.0.add(counter as usize, 1);
    }

    /// Counts some. Any context.
    pub fn add(&self, counter: Counter, number: u64) {
        self.0.add(counter as usize, number);
    }

    /// What was counted so far.
    pub fn sum(&self, counter: Counter) -> u64 {
        self.0.sum(counter as usize)
    }
}
