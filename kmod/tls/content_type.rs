// SPDX-License-Identifier: GPL-2.0-only
//! What a run of octets belongs to: the type of its record, by content.

use super::record_types::{PacketTypes, Types};

/// What a run of octets belongs to.
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

    /// Its types, by content and on the wire.
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
