// SPDX-License-Identifier: GPL-2.0-only

//! What was asked for.

/// What holds for all connections of a capture.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// That of the engine's digests.
    pub(crate) secret: [u64; 2],
    /// A ClientHello opens a connection whose SYN-ACK was not captured.
    pub(crate) loose: bool,
    /// It is told by which rules records were told from data.
    pub(crate) explain: bool,
    /// Seconds for which a connection may be idle; by its state, if none are given.
    pub(crate) timeout: Option<u32>,
}
