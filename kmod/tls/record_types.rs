// SPDX-License-Identifier: GPL-2.0-only
//! Record types, as sets and as numbers of records. Their numbers are those of the user-space interface.

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
    /// Octets whose record cannot be known.
    pub const UNKNOWN: Types = Types(32);
    /// The packet has no payload.
    pub const NONE: Types = Types(64);

    /// What may be handshake or data, by its place and its length. No wire type.
    pub const IN_DOUBT: Types = Types(128);

    /// All of them.
    pub const ALL: Types = Types(255);

    /// The type that a record header's first octet stands for.
    pub fn of_wire(octet: u8) -> Option<Types> {
        match octet {
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

/// The types of a packet's payload octets.
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

/// What one side has sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Payload octets, without those sent again.
    pub bytes: u64,
    /// Complete records, by wire type 20 to 24.
    pub records: [u64; 5],
}
