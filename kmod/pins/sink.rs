// SPDX-License-Identifier: GPL-2.0-only

//! Who is told what becomes of pins: the namespace. Pins know no more of it.

use super::pin::Pin;
use crate::bindings;

macro_rules! released {
    ($({ $why:ident $number:ident $word:literal $means:literal })+) => {
        /// Why a pin was released (`enum tlsconn_release`).
        #[derive(Clone, Copy)]
        #[repr(u8)]
        pub enum Release {
            $(#[doc = $means] $why = bindings::$number as u8,)+
        }
    };
}

crate::releases! { released }

/// A namespace as its pins see it. Any context, under the pins' lock: what is told comes in the order of what happens.
pub trait Sink {
    /// A pin waits for a connection.
    fn armed(&self, pin: &Pin);
    /// A pin is on a connection.
    fn bound(&self, pin: &Pin, on: u64);
    /// A pin was released, from a connection if it was on one.
    fn released(&self, pin: &Pin, from: Option<u64>, why: Release);
    /// Whether any pin waits, whether one waits by both ends of its connection, and whether one by JA4, for packets to see.
    fn note_armed(&self, any: bool, by_ends: bool, by_ja4: bool);
    /// The time of a pin is over in so many nanoseconds.
    fn schedule_expiry(&self, nanoseconds: u64);
}
