// SPDX-License-Identifier: GPL-2.0-only

//! What the tracker knows of a packet, for the rules.

use crate::{
    sys::{packet_cache, skb::Skb},
    tls::{PacketTypes, State, Types},
};

/// What a packet is: bits of its types by content, by wire type from [`WIRE`](Self::WIRE) on (one type less, as none is in doubt
/// there), and its connection's state from [`STATE`](Self::STATE) on.
#[derive(Clone, Copy)]
pub struct Known(u32);

impl Known {
    const WIRE: u32 = 8;
    const STATE: u32 = 15;

    /// A packet of such types, in a connection of that state.
    #[inline(always)]
    pub fn new(types: PacketTypes, state: State) -> Self {
        const { assert!(Self::STATE + 4 == packet_cache::BITS) };
        let PacketTypes { content, wire } = types;
        Self(
            u32::from(content.0)
                | (u32::from(wire.0) << Self::WIRE)
                | ((state as u32) << Self::STATE),
        )
    }

    /// As one number, which is not 0, as no packet is without a type.
    pub fn number(self) -> u32 {
        self.0
    }

    /// From its number.
    #[inline(always)]
    pub fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// What is stored of a packet whose TCP header is at `tcp`, if it was this CPU's last. Any context.
    #[inline(always)]
    pub fn lookup(skb: Skb<'_>, tcp: u32) -> Option<Self> {
        packet_cache::lookup(skb, tcp).map(Self)
    }

    /// Stores it of the packet that this CPU is busy with. Any context.
    #[inline(always)]
    pub fn store(self, skb: Skb<'_>, seq: u32) {
        packet_cache::store(skb, seq, self.0);
    }

    /// The same of a packet of the same connection that has no payload.
    pub fn without_payload(self) -> Self {
        let types = (1 << Self::STATE) - 1;
        let none = Self::new(PacketTypes::both(Types::NONE), State::New);
        Self((self.0 & !types) | (none.0 & types))
    }

    /// The types of its payload by what its records carry.
    #[inline(always)]
    pub fn content(self) -> Types {
        Types(self.0 as u8 & Types::ALL.0)
    }

    /// Those by their headers.
    pub fn wire(self) -> Types {
        Types((self.0 >> Self::WIRE) as u8 & !Types::IN_DOUBT.0)
    }

    /// A bit for its connection's state when it was taken in: those of a rule's `states`.
    pub fn state(self) -> u16 {
        1 << ((self.0 >> Self::STATE) & 0xf)
    }
}
