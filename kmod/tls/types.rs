// SPDX-License-Identifier: GPL-2.0-only
//! The small values that everything here speaks in. Numbers are those of the user-space interface.

/// An enumeration whose variants are rows of tlsconn's facts, numbered in their order: after those given, from 0 on.
macro_rules! numbered {
    (
        $(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $first:ident,)* }
        $({ $variant:ident $number:ident $word:literal $means:literal $($more:tt)* })+
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$note])* $first,)*
            $(#[doc = $means] $variant,)+
        }
    };
}

pub(super) use numbered;

crate::sides! { numbered
    /// A side of a TCP connection.
    Side {}
}

impl Side {
    /// The one on the other end.
    pub fn other(self) -> Self {
        match self {
            Side::Src => Side::Dst,
            Side::Dst => Side::Src,
        }
    }
}

/// One of something for each side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PerSide<T> {
    src: T,
    dst: T,
}

impl<T> PerSide<T> {
    /// That of a side, and the other.
    #[inline(always)]
    pub(super) fn both_mut(&mut self, side: Side) -> (&mut T, &mut T) {
        match side {
            Side::Src => (&mut self.src, &mut self.dst),
            Side::Dst => (&mut self.dst, &mut self.src),
        }
    }

    /// That of each.
    pub const fn new(src: T, dst: T) -> Self {
        PerSide { src, dst }
    }

    /// That of a side.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Src => &self.src,
            Side::Dst => &self.dst,
        }
    }

    /// That of a side.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Src => &mut self.src,
            Side::Dst => &mut self.dst,
        }
    }
}

crate::states! { numbered
    /// Where a connection stands.
    State {}
}

crate::reasons! { numbered
    /// Why a connection is lost, tainted or not TLS.
    Reason {
        /// It is none of these.
        None,
    }
}

/// A set of record types.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Types(pub u8);

impl Types {
    /// No type at all: what a union starts from.
    pub const EMPTY: Types = Types(0);
    /// change_cipher_spec, 20 on the wire.
    pub const CHANGE_CIPHER_SPEC: Types = Types(1);
    /// alert, 21 on the wire.
    pub const ALERT: Types = Types(2);
    /// handshake, 22 on the wire.
    pub const HANDSHAKE: Types = Types(4);
    /// application_data, 23 on the wire.
    pub const APPLICATION_DATA: Types = Types(8);
    /// heartbeat, 24 on the wire.
    pub const HEARTBEAT: Types = Types(16);
    /// Bytes whose record cannot be known.
    pub const UNKNOWN: Types = Types(32);
    /// The packet has no payload.
    pub const NONE: Types = Types(64);

    /// What may be handshake or data, by its place and its length. No wire type.
    pub const IN_DOUBT: Types = Types(128);

    /// All of them.
    pub const ALL: Types = Types(255);

    /// The type that a record header's first byte stands for.
    pub fn of_wire(byte: u8) -> Option<Types> {
        match byte {
            20 => Some(Types::CHANGE_CIPHER_SPEC),
            21 => Some(Types::ALERT),
            22 => Some(Types::HANDSHAKE),
            23 => Some(Types::APPLICATION_DATA),
            24 => Some(Types::HEARTBEAT),
            _ => None,
        }
    }

    /// The types of both sets.
    pub fn union(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    /// Whether every type of `other` is in this set.
    pub fn contains(self, other: Types) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the sets have a type in common.
    pub fn intersects(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }
}

/// The types of a packet's payload bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketTypes {
    /// What the records carry, as far as it can be known from outside.
    pub content: Types,
    /// What the record headers say.
    pub wire: Types,
}

impl PacketTypes {
    /// Both ways the same.
    pub const fn both(types: Types) -> Self {
        PacketTypes {
            content: types,
            wire: types,
        }
    }

    /// The types of both.
    pub fn union(self, other: PacketTypes) -> Self {
        PacketTypes {
            content: self.content.union(other.content),
            wire: self.wire.union(other.wire),
        }
    }
}

/// A packet's payload. The kernel reads it from a non-linear socket buffer, the host from a slice.
pub trait Payload {
    /// Bytes of payload.
    fn len(&self) -> u32;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes from `offset` on that lie in one piece and that nobody changes meanwhile, if they do. Others are looked at
    /// once, in a copy: what is in pages may be written to by whoever sent it.
    #[inline]
    fn slice(&self, _offset: u32, _len: u32) -> Option<&[u8]> {
        None
    }

    /// Fills `to` from `offset`; false if that is beyond the end.
    fn read(&self, offset: u32, to: &mut [u8]) -> bool;

    /// `N` bytes from `offset`; none if they reach beyond the end.
    #[inline]
    fn bytes<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.read(offset, &mut bytes).then_some(bytes)
    }
}

/// What a TCP header says of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The side that sent it.
    pub from: Side,
    /// Sequence number of the first payload byte: the header's, one more with SYN.
    pub seq: u32,
    /// The acknowledgement number, if the ACK flag is set.
    pub ack: Option<u32>,
    /// The FIN flag.
    pub fin: bool,
    /// The URG flag.
    pub urgent: bool,
}

/// What has become of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmentOutcome {
    /// Its new bytes were taken in. Segments that were kept may have no hole before them any longer.
    New,
    /// It has no new bytes.
    Nothing,
    /// Bytes before it are missing. Whoever can keeps it and hands it in once more when
    /// [`is_after_hole`](super::Connection::is_after_hole) says no. One that is already kept has to be kept too if its
    /// bytes are not the same: which of the two the receiver takes is not known here.
    AfterHole,
}

/// What the administrator can set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Bytes that may pass as a TLS 1.3 client's certificate flight.
    pub client_flight_budget: u32,
    /// Bytes of a connection that are kept after holes; with more, the direction is given up.
    pub hole_octets: u32,
    /// Seconds after which a direction is given up if its hole has not filled.
    pub hole_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            client_flight_budget: 40960,
            hole_octets: 65536,
            // By then a sender that is not held has sent again several times (RFC 6298 5.5).
            hole_seconds: 30,
        }
    }
}

/// What one side has sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Payload bytes, without those sent again.
    pub bytes: u64,
    /// Complete records, by wire type 20 to 24.
    pub records: [u64; 5],
}
