// SPDX-License-Identifier: GPL-2.0-only

//! What is kept of a tracked connection.

use crate::{
    counters::Counter,
    fingerprint,
    handshakes::{Budget, Slot},
    holes::{Holes, Limits, Portion},
    moment::LongAgo,
    packet::Packet,
    pins::Progress,
    rare::Rare,
    sys::{conntrack::Conntrack, memory::charged, packed::Packed},
    tls::{self, IdentityRef, SegmentOutcome, Sessions},
};
use kernel::{prelude::*, sync::aref::ARef};

/// A tracked connection, under its entry's lock. In the order of how often packets touch it.
#[repr(C)]
pub struct Tracked {
    /// What the engine keeps for its life.
    pub connection: tls::Connection,
    /// Its conntrack entry.
    pub ct: ARef<Conntrack>,
    /// What is to be remembered of it.
    pub flags: Flags,
    /// Whether an armed pin may be meant for it.
    pub progress: Progress,
    /// What listeners know of it.
    pub told: Told,
    /// When its first packet came.
    pub first: LongAgo,
    /// What the engine needs while there is a handshake.
    pub handshake: Slot,
    /// What is left of it then.
    identity: Option<Packed>,
    /// What most connections have nothing of.
    pub rare: Rare,
}

/// Bits that are set or not. No `bool`s: the compiler would show in one of them that the whole is gone, far from what packets
/// touch.
#[derive(Clone, Copy)]
pub struct Flags(u8);

impl Flags {
    /// A pin may be bound to it: whoever ends the connection looks.
    pub const PINNED: Self = Self(1);
    /// All is known of the sessions that it issued and continues.
    pub const LINKED: Self = Self(2);
    /// The table has it marked as young (`EntryMark::YOUNG`).
    pub const YOUNG: Self = Self(4);
    /// The table has it marked as holding memory for a handshake.
    pub const HANDSHAKE: Self = Self(8);
    /// The table knows that it keeps segments after a hole.
    pub const HOLES: Self = Self(16);
    /// Its handshake was completed once.
    pub const COMPLETED: Self = Self(32);
    /// That data waits was told, or a pin was on it when the first came; not so any longer once it is unpinned.
    pub const WAITING_TOLD: Self = Self(64);
    /// What is left of its handshake begins with JA4.
    pub const JA4: Self = Self(128);

    /// Whether they are set.
    pub fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Sets some.
    pub fn set(&mut self, flags: Self) {
        self.0 |= flags.0;
    }

    /// Clears some.
    pub fn clear(&mut self, flags: Self) {
        self.0 &= !flags.0;
    }
}

/// What has been counted, and told to listeners, of a connection.
pub struct Told {
    /// Where it stood.
    pub state: tls::State,
    /// Directions that had found their way back.
    pub resynchronised: u8,
}

impl Tracked {
    /// With nothing known of a handshake yet.
    pub fn new(connection: tls::Connection, ct: ARef<Conntrack>) -> Self {
        Self {
            connection,
            ct,
            flags: Flags(0),
            progress: Progress::Early,
            told: Told {
                state: tls::State::New,
                resynchronised: 0,
            },
            first: LongAgo::now(),
            handshake: Slot::empty(),
            identity: None,
            rare: Rare::default(),
        }
    }

    /// Whether there is no more to its packets than their place in the stream: no handshake needs them, no hole waits for
    /// them, and no armed pin may be meant for it.
    fn is_quiet(&self) -> bool {
        self.progress == Progress::Over && !self.has_handshake() && self.rare.holes().is_none()
    }

    /// Has the packets that come next take the slow path where there is more to them, those with payload where somebody is
    /// to be told that data waits; after each one that has taken it.
    pub fn choose_path(&mut self) {
        if !self.is_quiet() {
            self.connection.take_slow_path();
        } else if !self.flags.has(Flags::WAITING_TOLD) {
            self.connection.take_slow_path_with_payload();
        }
    }

    /// Whether bytes have come of types that are held.
    pub fn has_waiting(&self) -> bool {
        let mut sides = [tls::Side::Src, tls::Side::Dst].into_iter();
        sides.any(|side| self.connection.waiting(side) > 0)
    }

    /// Takes in a packet, and with it what was kept and has no hole before it any longer. Any context.
    #[inline]
    pub fn take_in(&mut self, packet: &Packet<'_>, limits: &Limits<'_>) {
        if self.rare.holes().is_some() {
            return self.take_in_turn(packet, limits);
        }
        if self.segment(packet, packet.segment(), limits) == SegmentOutcome::AfterHole {
            self.keep(packet, limits, &mut Portion::of_a_packet());
        }
    }

    fn segment(
        &mut self,
        packet: &Packet<'_>,
        segment: tls::Segment,
        limits: &Limits<'_>,
    ) -> SegmentOutcome {
        let payload = &packet.tcp.payload;
        limits.take_in(&mut self.connection, &mut self.handshake, &segment, payload)
    }

    /// What waits for its turn was sent before.
    #[cold]
    fn take_in_turn(&mut self, packet: &Packet<'_>, limits: &Limits<'_>) {
        let mut portion = Portion::of_a_packet();
        self.fill(limits, &mut portion);
        let mut segment = packet.segment();
        if let Some(holes) = self.rare.holes_mut() {
            if holes.is_first_to_come(&self.connection, &segment) {
                if self.connection.is_after_hole(packet.from, packet.tcp.end()) {
                    return self.keep(packet, limits, &mut portion);
                }
                holes.acknowledge_later(&segment);
                segment.ack = None;
            }
        }
        match self.segment(packet, segment, limits) {
            SegmentOutcome::AfterHole => self.keep(packet, limits, &mut portion),
            SegmentOutcome::New | SegmentOutcome::Nothing => self.fill(limits, &mut portion),
        }
    }

    /// Keeps a packet, or gives up waiting for what is missing where there is no room.
    #[cold]
    fn keep(&mut self, packet: &Packet<'_>, limits: &Limits<'_>, portion: &mut Portion) {
        let holes = self.rare.make().and_then(|rare| {
            if rare.holes.is_none() {
                rare.holes = KBox::new(Holes::none(), charged()).ok();
            }
            rare.holes.as_mut()
        });
        if holes.is_some_and(|holes| holes.keep(&self.connection, packet, limits)) {
            limits.counters.count(Counter::Kept);
        } else {
            limits.counters.count(Counter::Dropped);
            self.connection.give_up(packet.from);
            self.fill(limits, portion);
            self.segment(packet, packet.segment(), limits);
        }
    }

    /// Takes in what has no hole before it any longer, as far as the portion goes.
    #[cold]
    fn fill(&mut self, limits: &Limits<'_>, portion: &mut Portion) {
        if let Some(holes) = self.rare.holes_mut() {
            holes.fill(&mut self.connection, &mut self.handshake, limits, portion);
            if holes.is_empty() {
                self.rare.take_holes();
            }
        }
    }

    /// Gives up waiting for what has been missing for too long, and takes in what waits for its turn, as much as a packet
    /// may; whether more does. Any context.
    pub fn age(&mut self, limits: &Limits<'_>) -> bool {
        let Some(holes) = self.rare.holes() else {
            return false;
        };
        if let Some(side) = holes.aged(&self.connection, limits.engine.hole_seconds) {
            self.connection.give_up(side);
        }
        self.fill(limits, &mut Portion::of_a_packet());
        let holes = self.rare.holes();
        holes.is_some_and(|holes| holes.has_due(&self.connection))
    }

    /// Lets go of what is kept after holes, when the connection goes. Any context.
    pub fn clear_holes(&mut self, limits: &Limits<'_>) {
        if let Some(mut holes) = self.rare.take_holes() {
            holes.clear(limits.memory);
        }
    }

    /// What is known of its identity.
    pub fn identity(&self) -> IdentityRef<'_> {
        match (&self.identity, self.handshake.get()) {
            (Some(packed), _) => {
                let (ja4, hellos) = self.packed_ja4(packed.bytes());
                IdentityRef {
                    ja4,
                    ..tls::unpack(hellos).0
                }
            }
            (None, Some(handshake)) => IdentityRef {
                ja4: self.handshake.ja4(),
                ..handshake.identity.as_ref()
            },
            (None, None) => IdentityRef::default(),
        }
    }

    /// JA4, which is packed first where it is known, and the rest.
    fn packed_ja4<'a>(&self, packed: &'a [u8]) -> (Option<fingerprint::Text>, &'a [u8]) {
        match packed.split_first_chunk() {
            Some((ja4, rest)) if self.flags.has(Flags::JA4) => (Some(*ja4), rest),
            _ => (None, packed),
        }
    }

    /// Whether it still has a handshake.
    #[inline]
    pub fn has_handshake(&self) -> bool {
        self.handshake.is_used()
    }

    /// What its handshake says of sessions up to TLS 1.2.
    pub fn sessions(&self) -> Sessions {
        self.handshake
            .get()
            .map_or_else(Sessions::default, |handshake| Sessions {
                continues: handshake.continues(),
                issued: handshake.issued(),
            })
    }

    /// The id of the connection whose session it continues.
    pub fn resumes(&self) -> Option<u64> {
        self.rare.links()?.resumes()
    }

    /// Gives the handshake's memory back if it is needed no longer, and keeps the identity. Any context.
    pub fn settle(&mut self, budget: &Budget) {
        if let Some(handshake) = self.handshake.get() {
            if self.connection.has_settled(handshake) {
                self.pack(budget);
            }
        }
    }

    /// The same whether it is needed or not.
    #[cold]
    pub fn pack(&mut self, budget: &Budget) {
        if let (None, Some(handshake)) = (&self.identity, self.handshake.get()) {
            let mut octets = [0; Packed::MOST];
            let ja4 = self.handshake.ja4();
            let place = octets.split_first_chunk_mut().zip(ja4);
            let begins = match place {
                Some(((place, _), ja4)) => {
                    *place = ja4;
                    ja4.len()
                }
                None => 0,
            };
            let hellos = octets.get_mut(begins..).unwrap_or_default();
            let len = begins.saturating_add(tls::pack(handshake, hellos));
            self.identity = octets
                .get(..len)
                .and_then(|octets| Packed::new(octets, charged()));
            if self.identity.is_none() {
                // The handshake keeps it until there is memory.
                return;
            }
            if ja4.is_some() {
                self.flags.set(Flags::JA4);
            }
        }
        self.handshake.release(budget);
    }
}
