// SPDX-License-Identifier: GPL-2.0-only
//! By which rule a record of a TLS 1.3 handshake was told from data, for those who ask why. Nobody asks in the kernel: what is
//! here compiles to nothing without the feature `explain`, which only user space has.

#[cfg(not(MODULE))]
use alloc::vec::Vec;
#[cfg(not(MODULE))]
use core::cell::{Cell, RefCell};

#[cfg(not(MODULE))]
use super::types::{Side, Types};

/// A rule, by the name that docs/tls.md gives it.
#[cfg_attr(not(feature = "explain"), allow(dead_code))]
#[cfg_attr(MODULE, allow(unreachable_pub))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rule {
    /// Of a server's flight, up to its Finished.
    S1,
    /// The server's Finished.
    S2,
    /// After the server's Finished.
    S3,
    /// Of a server, and more than may be handshake or in doubt.
    S4,
    /// Of a server that has some of the client's certificate flight.
    S5,
    /// The client's Finished, by its length.
    C1,
    /// The client's Finished, as it cannot have sent anything else.
    C2,
    /// Of a client's certificate flight.
    C3,
    /// Of a client, and not of its flight.
    C4,
    /// Before the ServerHello.
    E1,
    /// Early data that was accepted.
    E2,
    /// The client's Finished, after such.
    E3,
    /// EndOfEarlyData.
    E4,
    /// Early data that was not accepted.
    E5,
    /// After the client's Finished.
    A1,
}

#[cfg(not(MODULE))]
impl Rule {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::S1,
        Self::S2,
        Self::S3,
        Self::S4,
        Self::S5,
        Self::C1,
        Self::C2,
        Self::C3,
        Self::C4,
        Self::E1,
        Self::E2,
        Self::E3,
        Self::E4,
        Self::E5,
        Self::A1,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::S4 => "S4",
            Self::S5 => "S5",
            Self::C1 => "C1",
            Self::C2 => "C2",
            Self::C3 => "C3",
            Self::C4 => "C4",
            Self::E1 => "E1",
            Self::E2 => "E2",
            Self::E3 => "E3",
            Self::E4 => "E4",
            Self::E5 => "E5",
            Self::A1 => "A1",
        }
    }
}

#[cfg(not(MODULE))]
/// What was decided of a record of wire type application_data, and what of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decided {
    /// The rule that did.
    pub rule: Rule,
    /// Who sent it.
    pub from: Side,
    /// Bytes of the fragment.
    pub len: u16,
    /// The sequence number after it.
    pub end: u32,
    /// By how much its packet acknowledges more than what the rules look at: of a client's the end of the server's flight, its
    /// Finished if that has come; of a server's the beginning of the client's certificate flight. None where there is no such.
    pub acknowledged: Option<i32>,
    /// Bytes that are left of the flight's bound, or of that for what is in doubt.
    pub left: Option<u32>,
    /// What it is.
    pub types: Types,
    /// The handshake is over with it.
    pub is_last: bool,
}

#[cfg(not(MODULE))]
/// What was decided in a connection, in its order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decisions {
    all: RefCell<Vec<Decided>>,
    /// By side, whether data after the handshake was told of.
    data: Cell<[bool; 2]>,
}

#[cfg(not(MODULE))]
impl Decisions {
    /// What was decided so far.
    pub fn all(&self) -> Vec<Decided> {
        self.all.borrow().clone()
    }

    /// What was decided since it was taken last.
    pub fn take(&self) -> Vec<Decided> {
        self.all.take()
    }
}

#[cfg(feature = "explain")]
impl Decisions {
    /// One more.
    pub(super) fn add(&self, decided: Decided) {
        self.all.borrow_mut().push(decided);
    }

    /// Whether a side's first data after the handshake was not told of yet.
    pub(super) fn asks_for_data(&self, from: Side) -> bool {
        self.data.get().get(from as usize) != Some(&true)
    }

    /// It is told of now.
    pub(super) fn has_told_of_data(&self, from: Side) {
        let [src, dst] = self.data.get();
        self.data.set(match from {
            Side::Src => [true, dst],
            Side::Dst => [src, true],
        });
    }
}
