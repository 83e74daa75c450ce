// SPDX-License-Identifier: GPL-2.0-only
//! What lies where in a direction's sequence space: a short history of runs, so that octets sent again get the type of
//! their place in the stream.

use super::types::{PacketTypes, Types};

/// Whether `a` comes before `b` in a space that wraps: no more than 2^31 apart (RFC 9293 3.4).
pub(super) fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// The one that comes later.
pub(super) fn later(a: u32, b: u32) -> u32 {
    match before(a, b) {
        true => b,
        false => a,
    }
}

/// What a run of octets belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Unknown,
    ChangeCipherSpec,
    Alert,
    Handshake,
    /// A handshake record of TLS 1.3, application_data on the wire.
    EncryptedHandshake,
    ApplicationData,
    Heartbeat,
}

impl Kind {
    /// What a record of that wire type carries if nothing else is known.
    pub(super) fn of_wire(octet: u8) -> Option<Kind> {
        match octet {
            20 => Some(Kind::ChangeCipherSpec),
            21 => Some(Kind::Alert),
            22 => Some(Kind::Handshake),
            23 => Some(Kind::ApplicationData),
            24 => Some(Kind::Heartbeat),
            _ => None,
        }
    }

    /// Whether octets of that kind have to come again as they came first.
    pub(super) fn is_compared(self) -> bool {
        !matches!(self, Kind::Unknown | Kind::ApplicationData)
    }

    fn types(self) -> PacketTypes {
        match self {
            Kind::Unknown => PacketTypes::both(Types::UNKNOWN),
            Kind::ChangeCipherSpec => PacketTypes::both(Types::CHANGE_CIPHER_SPEC),
            Kind::Alert => PacketTypes::both(Types::ALERT),
            Kind::Handshake => PacketTypes::both(Types::HANDSHAKE),
            Kind::ApplicationData => PacketTypes::both(Types::APPLICATION_DATA),
            Kind::Heartbeat => PacketTypes::both(Types::HEARTBEAT),
            Kind::EncryptedHandshake => PacketTypes {
                content: Types::HANDSHAKE,
                wire: Types::APPLICATION_DATA,
            },
        }
    }
}

/// Runs kept. Handshakes have no more in a direction, and afterwards there is one long run.
const RUNS: usize = 6;

/// How far back types are known: no receive window is larger (RFC 7323 2.3), and what is older must not be taken for
/// something to come when the numbers wrap.
const REACH: u32 = 1 << 30;

/// The last runs of a direction, without gaps. Acknowledged ones stay until there is no room: the acknowledgement may
/// be lost behind us, and what is then sent again has to pass for the sender to hear of it.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// The sequence number behind the last octet known.
    end: u32,
    /// Where the runs start, newest first.
    starts: [u32; RUNS],
    kinds: [Kind; RUNS],
}

impl History {
    /// Nothing known, and `first` comes next.
    pub(super) fn new(first: u32) -> Self {
        History {
            end: first,
            starts: [first; RUNS],
            kinds: [Kind::Unknown; RUNS],
        }
    }

    pub(super) fn end(&self) -> u32 {
        self.end
    }

    /// From where on runs are known.
    pub(super) fn oldest(&self) -> u32 {
        let [.., oldest] = self.starts;
        oldest
    }

    /// What the run at `seq` is, and where it ends.
    pub(super) fn run(&self, seq: u32) -> (Kind, u32) {
        let mut end = self.end;
        for (&start, &kind) in self.starts.iter().zip(&self.kinds) {
            if start != end && !before(seq, start) {
                return (kind, end);
            }
            end = start;
        }
        (Kind::Unknown, end)
    }

    /// Appends octets.
    pub(super) fn extend(&mut self, octets: u32, kind: Kind) {
        if octets == 0 {
            return;
        }
        if self.kinds.first() != Some(&kind) {
            self.begin(kind);
        }
        self.end = self.end.wrapping_add(octets);
        for start in &mut self.starts {
            if self.end.wrapping_sub(*start) > REACH {
                *start = self.end.wrapping_sub(REACH);
            }
        }
    }

    /// Puts a run in front; the oldest falls out.
    fn begin(&mut self, kind: Kind) {
        let mut newer = (self.end, kind);
        for (start, kind) in self.starts.iter_mut().zip(&mut self.kinds) {
            newer = (
                core::mem::replace(start, newer.0),
                core::mem::replace(kind, newer.1),
            );
        }
    }

    /// The types of `len` octets from `seq` on.
    pub(super) fn types(&self, seq: u32, len: u32) -> PacketTypes {
        let unknown = Kind::Unknown.types();
        if !before(seq, self.end) {
            return unknown;
        }
        let end = seq.wrapping_add(len);
        let mut types = PacketTypes::both(Types::EMPTY);
        if before(self.end, end) {
            types = types.union(unknown);
        }
        let mut run_end = self.end;
        for (&start, kind) in self.starts.iter().zip(&self.kinds) {
            if start != run_end && before(start, end) {
                types = types.union(kind.types());
            }
            run_end = start;
            if !before(seq, start) {
                return types;
            }
        }
        types.union(unknown)
    }
}
