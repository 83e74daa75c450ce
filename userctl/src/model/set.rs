// SPDX-License-Identifier: GPL-2.0-only

//! Sets of server names.

use serde::Serialize;

/// A set.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Set {
    pub(crate) name: String,
    /// How many names it has.
    pub(crate) size: u64,
    /// Bytes of kernel memory.
    pub(crate) memory: u64,
    /// Packets that rules found in it.
    pub(crate) hits: u64,
    /// Rules and armed pins that ask it.
    pub(crate) rules: u64,
    pub(crate) pins: u64,
}

/// A name of a set.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) hits: u64,
}
