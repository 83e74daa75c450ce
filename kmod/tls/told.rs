// SPDX-License-Identifier: GPL-2.0-only
//! Who is told of a handshake what the engine does not keep.

#[cfg(feature = "explain")]
use super::decided::Decided;
#[cfg(not(MODULE))]
use super::decided::Decisions;
use super::types::Side;

/// One who listens.
pub trait Listener {
    /// The next bytes of the connection's first ClientHello, from its message header on, in their order in the stream. The last
    /// may be followed by what stands after it.
    fn client_hello(&self, bytes: &[u8]);
}

/// Who is told. Handed about by value.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// By which rules records are told from data.
    #[cfg(feature = "explain")]
    decisions: Option<&'a Decisions>,
    listener: Option<&'a dyn Listener>,
}

impl Told<'_> {
    /// Nobody.
    #[inline(always)]
    pub fn nobody() -> Self {
        Told {
            #[cfg(feature = "explain")]
            decisions: None,
            listener: None,
        }
    }

    /// Tells of bytes of a ClientHello.
    #[inline(always)]
    pub(super) fn client_hello(self, bytes: &[u8]) {
        if let Some(listener) = self.listener {
            listener.client_hello(bytes);
        }
    }

    /// Whether a side's first record after the handshake was not told of yet.
    #[inline(always)]
    pub(super) fn asks_for_data(self, from: Side) -> bool {
        #[cfg(feature = "explain")]
        return self
            .decisions
            .is_some_and(|decisions| decisions.asks_for_data(from));
        #[cfg(not(feature = "explain"))]
        {
            let _ = from;
            false
        }
    }
}

#[cfg(feature = "explain")]
impl Told<'_> {
    /// Tells of a decision.
    #[inline(always)]
    pub(super) fn decided(self, decided: impl FnOnce() -> Decided) {
        if let Some(decisions) = self.decisions {
            decisions.add(decided());
        }
    }

    /// Tells of data after the handshake, if it is the side's first.
    pub(super) fn first_data(self, from: Side, decided: impl FnOnce() -> Decided) {
        if let Some(decisions) = self.decisions {
            if decisions.asks_for_data(from) {
                decisions.has_told_of_data(from);
                decisions.add(decided());
            }
        }
    }
}

#[cfg(not(MODULE))]
impl<'a> From<&'a Decisions> for Told<'a> {
    fn from(decisions: &'a Decisions) -> Self {
        #[cfg(not(feature = "explain"))]
        let _ = decisions;
        Told {
            #[cfg(feature = "explain")]
            decisions: Some(decisions),
            ..Told::nobody()
        }
    }
}

impl<'a> From<&'a dyn Listener> for Told<'a> {
    fn from(listener: &'a dyn Listener) -> Self {
        Told::nobody().and(listener)
    }
}

impl<'a> Told<'a> {
    /// This listener too.
    pub fn and(mut self, listener: &'a dyn Listener) -> Self {
        self.listener = Some(listener);
        self
    }
}
