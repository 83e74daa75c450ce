// SPDX-License-Identifier: GPL-2.0-only

//! What a connection up to TLS 1.2 issued for sessions to be continued by, and which one it continues.

use crate::sys::{
    memory::Cache,
    sessions::{self, Record},
};

/// The sessions of a network namespace.
pub use crate::sys::sessions::Index as Sessions;

/// What a connection issued and continues.
pub type Links = sessions::Links<Answer>;

/// Memory for that.
pub static LINKS: Cache<Record<Answer>> = Cache::unmade();

/// How far a server's answer to the client's Finished has come.
#[derive(Clone, Copy)]
pub struct Answer {
    /// The sequence number that it has to acknowledge.
    pub after: u32,
    /// The server's records so far, without alerts.
    pub records: u64,
}
