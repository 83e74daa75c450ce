// SPDX-License-Identifier: GPL-2.0-only

//! Segments behind a hole in their stream, kept until it has filled.

use crate::{
    counters::Counters,
    handshakes::{Budget, Slot},
    packet::{Packet, SkbPayload},
    sys::{self, memory::charged, skb::OwnedSkb},
    tls::{Connection, Payload, Segment, Side, Taken},
};
use core::iter::successors;
use kernel::{
    prelude::*,
    sync::atomic::{ordering::Relaxed, Atomic},
};

/// What keeping a segment costs a connection beside its octets, so that many small ones are bounded too.
const COST: u32 = 64;

/// What a namespace keeps, in octets of memory.
pub struct Total {
    octets: Atomic<u64>,
    max: u64,
}

impl Total {
    /// Nothing yet, and no more than `max`.
    pub fn new(max: u64) -> Self {
        Self {
            octets: Atomic::new(0),
            max,
        }
    }

    /// Octets of memory kept now.
    pub fn octets(&self) -> u64 {
        self.octets.load(Relaxed)
    }

    fn add(&self, octets: u32) -> bool {
        let octets = u64::from(octets);
        let fits = self.octets.fetch_add(octets, Relaxed).wrapping_add(octets) <= self.max;
        if !fits {
            self.octets.fetch_sub(octets, Relaxed);
        }
        fits
    }

    fn sub(&self, octets: u32) {
        self.octets.fetch_sub(u64::from(octets), Relaxed);
    }
}

/// How a connection's segments are kept.
pub struct Limits<'a> {
    /// How the engine follows it.
    pub engine: &'a crate::tls::Config,
    /// What its namespace keeps.
    pub total: &'a Total,
    /// What its namespace counts.
    pub counters: &'a Counters,
    /// Its namespace's handshakes.
    pub handshakes: &'a Budget,
}

struct Kept {
    segment: Segment,
    skb: OwnedSkb,
    /// Where its payload is in there.
    payload: (u32, u32),
    /// When it came, in seconds.
    since: u32,
    next: Option<KBox<Kept>>,
}

impl Kept {
    fn payload(&self) -> SkbPayload<'_> {
        SkbPayload::new(self.skb.as_skb(), self.payload)
    }

    fn cost(&self) -> u32 {
        let (_, octets) = self.payload;
        octets.saturating_add(COST)
    }
}

/// What a connection keeps, newest first. Under its entry's lock; whoever ends the connection while its namespace lives
/// clears it, so that the total is right.
pub struct Holes {
    newest: Option<KBox<Kept>>,
    cost: u32,
}

impl Holes {
    /// Nothing kept. No memory is taken.
    pub const fn none() -> Self {
        Self {
            newest: None,
            cost: 0,
        }
    }

    /// Whether nothing is kept.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.newest.is_none()
    }

    /// Keeps a packet that is behind a hole; false where there is no room for it. Any context.
    pub fn keep(&mut self, packet: &Packet<'_>, limits: &Limits<'_>) -> bool {
        let segment = packet.segment();
        let payload = packet.tcp.payload.place();
        if self.is_kept(&segment, &packet.tcp.payload) {
            return true;
        }
        let (_, octets) = payload;
        let cost = self.cost.saturating_add(octets).saturating_add(COST);
        if cost > limits.engine.hole_octets {
            return false;
        }
        let Some(skb) = packet.skb.to_owned() else {
            return false;
        };
        if !limits.total.add(skb.memory()) {
            return false;
        }
        let memory = skb.memory();
        let kept = Kept {
            segment,
            skb,
            payload,
            since: sys::seconds(),
            next: None,
        };
        let Ok(mut kept) = KBox::new(kept, charged()) else {
            limits.total.sub(memory);
            return false;
        };
        kept.next = self.newest.take();
        self.newest = Some(kept);
        self.cost = cost;
        true
    }

    fn kept(&self) -> impl Iterator<Item = &Kept> {
        successors(self.newest.as_deref(), |kept| kept.next.as_deref())
    }

    /// Takes out the newest that fits.
    fn remove(&mut self, total: &Total, fits: impl Fn(&Kept) -> bool) -> Option<KBox<Kept>> {
        let mut place = &mut self.newest;
        while !fits(place.as_deref()?) {
            place = &mut place.as_mut()?.next;
        }
        let mut kept = place.take()?;
        *place = kept.next.take();
        self.cost = self.cost.saturating_sub(kept.cost());
        total.sub(kept.skb.memory());
        Some(kept)
    }

    /// Whether the same segment with the same octets is kept already.
    fn is_kept(&self, segment: &Segment, payload: &SkbPayload<'_>) -> bool {
        let same = |kept: &Kept| {
            kept.segment.from == segment.from
                && kept.segment.seq == segment.seq
                && is_same(&kept.payload(), payload)
        };
        self.kept().any(same)
    }

    /// Takes in what has no hole in front of it any longer, the lowest number first.
    pub fn fill(&mut self, connection: &mut Connection, slot: &mut Slot, limits: &Limits<'_>) {
        while let Some(kept) = self.filled(connection, limits.total) {
            let taken = connection.segment(
                &mut slot.within(limits.handshakes),
                limits.engine,
                &kept.segment,
                &kept.payload(),
            );
            if taken == Taken::BehindHole {
                // It was not a moment ago.
                return;
            }
        }
    }

    fn filled(&mut self, connection: &Connection, total: &Total) -> Option<KBox<Kept>> {
        let mut lowest: Option<(Side, u32)> = None;
        for Segment { from, seq, .. } in self.kept().map(|kept| kept.segment) {
            let first = lowest.is_none_or(|(_, lowest)| (seq.wrapping_sub(lowest) as i32) < 0);
            if first && !connection.is_behind_hole(from, seq) {
                lowest = Some((from, seq));
            }
        }
        let lowest = lowest?;
        self.remove(total, |kept| {
            (kept.segment.from, kept.segment.seq) == lowest
        })
    }

    /// A side whose segments have waited for longer than `seconds`.
    pub fn aged(&self, seconds: u32) -> Option<Side> {
        let now = sys::seconds();
        let mut kept = self.kept();
        let old = kept.find(|kept| now.wrapping_sub(kept.since) >= seconds);
        old.map(|kept| kept.segment.from)
    }

    /// Lets go of all.
    pub fn clear(&mut self, total: &Total) {
        while self.remove(total, |_| true).is_some() {}
    }
}

impl Drop for Holes {
    /// One by one: they would be dropped one inside the other else, on a stack that is small.
    fn drop(&mut self) {
        while let Some(mut kept) = self.newest.take() {
            self.newest = kept.next.take();
        }
    }
}

fn is_same(a: &SkbPayload<'_>, b: &SkbPayload<'_>) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0_u32;
    while at < a.len() {
        let (mut of_a, mut of_b) = ([0; 64], [0; 64]);
        let count = a.len().saturating_sub(at).min(64);
        let (Some(from_a), Some(from_b)) = (
            of_a.get_mut(..count as usize),
            of_b.get_mut(..count as usize),
        ) else {
            return false;
        };
        if !a.read(at, from_a) || !b.read(at, from_b) || from_a != from_b {
            return false;
        }
        at = at.saturating_add(64);
    }
    true
}
