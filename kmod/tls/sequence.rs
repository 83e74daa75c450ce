// SPDX-License-Identifier: GPL-2.0-only
//! What lies where in a direction's sequence space: a short history of runs, so that bytes sent again get the type of
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

/// What a run of bytes belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    Unknown = 0,
    ChangeCipherSpec,
    Alert,
    Handshake,
    /// A handshake record of TLS 1.3, application_data on the wire.
    EncryptedHandshake,
    ApplicationData,
    Heartbeat,
    /// Handshake of TLS 1.3 or data, application_data on the wire.
    InDoubt,
}

impl Kind {
    /// What a record of that wire type carries if nothing else is known.
    pub(super) fn of_wire(byte: u8) -> Option<Kind> {
        match byte {
            20 => Some(Kind::ChangeCipherSpec),
            21 => Some(Kind::Alert),
            22 => Some(Kind::Handshake),
            23 => Some(Kind::ApplicationData),
            24 => Some(Kind::Heartbeat),
            _ => None,
        }
    }

    /// Whether bytes of that kind have to come again as they came first.
    pub(super) fn is_compared(self) -> bool {
        !matches!(self, Kind::Unknown | Kind::ApplicationData)
    }

    /// Whether a rule that holds data lets it pass. What is in doubt is held too, by rules that are strict.
    #[inline(always)]
    pub(super) fn passes(self) -> bool {
        matches!(
            self,
            Kind::ChangeCipherSpec | Kind::Alert | Kind::Handshake | Kind::EncryptedHandshake
        )
    }

    /// By its number.
    pub(super) fn of(number: u32) -> Kind {
        match number & 0xf {
            1 => Kind::ChangeCipherSpec,
            2 => Kind::Alert,
            3 => Kind::Handshake,
            4 => Kind::EncryptedHandshake,
            5 => Kind::ApplicationData,
            6 => Kind::Heartbeat,
            7 => Kind::InDoubt,
            _ => Kind::Unknown,
        }
    }

    /// What rules are told of bytes of this kind.
    pub(super) fn types(self) -> PacketTypes {
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
            Kind::InDoubt => PacketTypes {
                content: Types::IN_DOUBT,
                wire: Types::APPLICATION_DATA,
            },
        }
    }
}

/// Runs kept. Handshakes have no more in a direction, and afterwards there is one long run.
const RUNS: usize = 6;

/// How far back types are known at least: no receive window is larger (RFC 7323 2.3). What is much older must not be
/// taken for something to come when the numbers wrap.
const REACH: u32 = 1 << 30;
/// How often that is looked after, in bytes.
const TRIM_EVERY: u32 = 1 << 28;

/// The last runs of a direction, without gaps. Acknowledged ones stay until there is no room: the acknowledgement may
/// be lost on its way from here, and what is then sent again has to pass for the sender to hear of it.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct History {
    /// The sequence number after the last byte known.
    end: u32,
    /// What the runs are, four bits each, newest lowest.
    kinds: u32,
    /// Where they start, newest first.
    starts: [u32; RUNS],
}

impl History {
    /// Bytes at its end that a run which goes on does not touch.
    pub(super) const COLD: usize = size_of::<[u32; RUNS]>();

    /// Nothing known, and `first` comes next.
    pub(super) fn new(first: u32) -> Self {
        History {
            end: first,
            starts: [first; RUNS],
            kinds: 0,
        }
    }

    /// The sequence number after the last byte that is known.
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
        let mut kinds = self.kinds;
        for &start in &self.starts {
            if start != end && !before(seq, start) {
                return (Kind::of(kinds), end);
            }
            end = start;
            kinds >>= 4;
        }
        (Kind::Unknown, end)
    }

    /// Appends bytes.
    #[inline(always)]
    pub(super) fn extend(&mut self, bytes: u32, kind: Kind) {
        if bytes == 0 {
            return;
        }
        if self.kinds & 0xf != kind as u32 {
            self.begin(kind);
        }
        let end = self.end.wrapping_add(bytes);
        if end / TRIM_EVERY != self.end / TRIM_EVERY {
            self.trim(end);
        }
        self.end = end;
    }

    /// Forgets what is out of reach of `end`.
    #[cold]
    fn trim(&mut self, end: u32) {
        for start in &mut self.starts {
            if end.wrapping_sub(*start) > REACH {
                *start = end.wrapping_sub(REACH);
            }
        }
    }

    /// Puts a run in front; the oldest falls out.
    #[cold]
    fn begin(&mut self, kind: Kind) {
        let [start0, start1, start2, start3, start4, _] = self.starts;
        self.starts = [self.end, start0, start1, start2, start3, start4];
        self.kinds = (self.kinds << 4) | kind as u32;
    }

    /// Makes all bytes from `seq` on unknown.
    #[cold]
    pub(super) fn unknown_from(&mut self, seq: u32) {
        let seq = later(seq, self.oldest());
        let bytes = self.end.wrapping_sub(seq);
        if !before(seq, self.end) {
            return;
        }
        for _ in 0..RUNS {
            let [start0, start1, start2, start3, start4, start5] = self.starts;
            if before(start0, seq) {
                break;
            }
            self.starts = [start1, start2, start3, start4, start5, start5];
            self.kinds >>= 4;
        }
        self.end = seq;
        self.extend(bytes, Kind::Unknown);
    }

    /// Makes bytes from `seq` to `end` unknown, if those from `end` on are all of one kind.
    #[cold]
    pub(super) fn unknown_between(&mut self, seq: u32, end: u32) {
        let (kind, run_end) = self.run(end);
        let last = self.end;
        if !before(end, last) || run_end != last {
            return self.unknown_from(seq);
        }
        self.unknown_from(seq);
        if self.kinds & 0xf != Kind::Unknown as u32 || before(self.end, end) {
            return;
        }
        // The run of the unknown ends there.
        self.end = end;
        self.extend(last.wrapping_sub(end), kind);
    }

    /// The types of `len` bytes from `seq` on.
    #[inline(always)]
    pub(super) fn types(&self, seq: u32, len: u32) -> PacketTypes {
        let end = seq.wrapping_add(len);
        let [newest, ..] = self.starts;
        if before(seq, self.end) && !before(seq, newest) && !before(self.end, end) {
            return Kind::of(self.kinds).types();
        }
        self.types_of_runs(seq, end)
    }

    /// Those where after the end so many bytes of a header have come that tells its wire type, and not yet what the
    /// record carries.
    pub(super) fn types_with_header(
        &self,
        seq: u32,
        len: u32,
        header: u32,
        wire: Types,
    ) -> PacketTypes {
        let end = seq.wrapping_add(len);
        let header_end = self.end.wrapping_add(header);
        if !before(self.end, end) || !before(seq, header_end) {
            return self.types(seq, len);
        }
        let mut types = PacketTypes {
            content: Types::UNKNOWN,
            wire,
        };
        if before(seq, self.end) {
            types = types.union(self.types(seq, self.end.wrapping_sub(seq)));
        }
        if before(header_end, end) {
            types = types.union(Kind::Unknown.types());
        }
        types
    }

    fn types_of_runs(&self, seq: u32, end: u32) -> PacketTypes {
        let unknown = Kind::Unknown.types();
        if !before(seq, self.end) {
            return unknown;
        }
        let mut types = PacketTypes::both(Types::EMPTY);
        if before(self.end, end) {
            types = types.union(unknown);
        }
        let mut run_end = self.end;
        let mut kinds = self.kinds;
        for &start in &self.starts {
            if start != run_end && before(start, end) {
                types = types.union(Kind::of(kinds).types());
            }
            run_end = start;
            kinds >>= 4;
            if !before(seq, start) {
                return types;
            }
        }
        types.union(unknown)
    }
}
