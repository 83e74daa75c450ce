// SPDX-License-Identifier: GPL-2.0-only
//! Where a connection stands, besides its two directions.

use super::state::{Reason, State};

/// Which way a connection's packets go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Path {
    /// The slow one.
    Slow,
    /// Data may go the fast one: the handshake is over and the identity confirmed, records are followed in both
    /// directions, no FIN was seen.
    Fast,
    /// None: no record is followed any longer, no FIN was seen.
    Bypass,
}

/// What is known of a connection as a whole.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Status {
    /// How far TLS is, if nothing below overrides it: new, in a hello, in a handshake or established; or over, not TLS or
    /// tainted.
    pub(super) progress: State,
    pub(super) tls13: bool,
    /// Its end was seen, or an alert that says so.
    pub(super) closed: bool,
    /// A direction was lost.
    pub(super) lost: bool,
    pub(super) ended: bool,
    /// The identity needs no confirmation any longer.
    pub(super) confirmed: bool,
    pub(super) reason: Reason,
    pub(super) path: Path,
}

impl Status {
    /// Nothing seen yet.
    pub(super) const NEW: Self = Status {
        progress: State::New,
        tls13: false,
        closed: false,
        lost: false,
        ended: false,
        confirmed: false,
        reason: Reason::None,
        path: Path::Slow,
    };

    /// Where the connection stands.
    #[inline]
    pub(super) fn state(&self) -> State {
        match self.progress {
            State::NotTls | State::Tainted => self.progress,
            _ if self.closed => State::Closed,
            _ if self.lost => State::Lost,
            progress => progress,
        }
    }

    /// Whether no record is followed any longer, in either direction.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        matches!(self.progress, State::NotTls | State::Tainted)
    }
}
