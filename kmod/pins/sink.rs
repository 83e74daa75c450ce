// SPDX-License-Identifier: GPL-2.0-only

//! Who is told what becomes of pins: the namespace. Pins know no more of it.

use super::pin::Pin;
use crate::bindings::{
    TLSCONN_RELEASE_CLOSED, TLSCONN_RELEASE_EXPIRED, TLSCONN_RELEASE_GONE,
    TLSCONN_RELEASE_REPLACED, TLSCONN_RELEASE_UNPINNED,
};

/// Why a pin was released (`enum tlsconn_release`).
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Release {
    /// Somebody asked for it.
    Unpinned = TLSCONN_RELEASE_UNPINNED as u8,
    /// The pin was bound to another connection.
    Replaced = TLSCONN_RELEASE_REPLACED as u8,
    /// Its time was over.
    Expired = TLSCONN_RELEASE_EXPIRED as u8,
    /// The connection has ended.
    Closed = TLSCONN_RELEASE_CLOSED as u8,
    /// Conntrack has dropped the connection's entry.
    Gone = TLSCONN_RELEASE_GONE as u8,
}

/// A namespace as its pins see it. Any context, under the pins' lock: what is told comes in the order of what happens.
pub trait Sink {
    /// A pin waits for a connection.
    fn armed(&self, pin: &Pin);
    /// A pin is on a connection.
    fn bound(&self, pin: &Pin);
    /// A pin was released, from a connection if it was on one.
    fn released(&self, pin: &Pin, from: Option<u64>, why: Release);
    /// Whether any pin waits, and whether one waits by both ends of its connection, for packets to see.
    fn note_armed(&self, any: bool, by_ends: bool);
    /// The time of a pin is over in so many nanoseconds.
    fn schedule_expiry(&self, nanoseconds: u64);
}
