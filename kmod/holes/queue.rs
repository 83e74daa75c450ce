// SPDX-License-Identifier: GPL-2.0-only

//! One direction's segments after a hole, in the order of their places in the stream.

use super::same::{is_same, Compared};
use crate::{
    packet::{Packet, SkbPayload},
    sys::{self, memory::charged, skb::OwnedSkb},
    tls::Segment,
};
use kernel::{
    prelude::*,
    rbtree::{RBTree, RBTreeNode},
};

/// What keeping a segment costs a connection beside its bytes, so that many small ones are bounded too.
const COST: u32 = 64;

/// Segments kept at one place at most. The same segment with the same bytes is kept once: these differ.
const AT_ONE_PLACE: u32 = 4;

/// The place of the first segment that is kept. Others come before and after it.
const MIDDLE: u64 = 1 << 63;

/// A place in a stream, in a space that does not wrap; where several segments begin there, which of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    position: u64,
    copy: u8,
}

struct Kept {
    segment: Segment,
    skb: OwnedSkb,
    /// Where its payload is in there.
    payload: (u32, u32),
    /// Bytes of it that were taken in.
    taken: u32,
    /// When it came, in seconds.
    since: u32,
    cost: Cost,
}

impl Kept {
    fn payload(&self) -> SkbPayload<'_> {
        SkbPayload::new(self.skb.as_skb(), self.payload)
    }

    fn left(&self) -> u32 {
        let (_, bytes) = self.payload;
        bytes.saturating_sub(self.taken)
    }

    /// What is left of it, as a segment of its own.
    fn segment(&self) -> Segment {
        Segment {
            seq: self.segment.seq.wrapping_add(self.taken),
            ..self.segment
        }
    }
}

/// What is kept, as it is bounded.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    /// How many segments.
    pub segments: u32,
    /// Their bytes, and `COST` for each.
    pub bytes: u32,
    /// Bytes of memory.
    pub memory: u32,
}

impl Cost {
    /// What both cost.
    pub fn plus(self, other: Self) -> Self {
        Self {
            segments: self.segments.saturating_add(other.segments),
            bytes: self.bytes.saturating_add(other.bytes),
            memory: self.memory.saturating_add(other.memory),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            segments: self.segments.saturating_sub(other.segments),
            bytes: self.bytes.saturating_sub(other.bytes),
            memory: self.memory.saturating_sub(other.memory),
        }
    }
}

/// A direction's segments. Looking for one and taking the lowest take steps as the logarithm of their number.
pub struct Queue {
    kept: RBTree<Place, Kept>,
    cost: Cost,
    /// Since when the hole before them has been there, in seconds.
    since: u32,
    /// The next of those that a namespace has discarded.
    pub next: Option<KBox<Queue>>,
}

/// Where a segment is to be kept.
pub enum Room {
    /// The same one is there.
    IsKept,
    /// Nowhere: too many others are there.
    None,
    /// Here.
    At(At),
}

/// A place without a segment.
pub struct At(Place);

impl Queue {
    /// Nothing kept. None when there is no memory.
    pub fn new() -> Option<KBox<Self>> {
        let queue = Self {
            kept: RBTree::new(),
            cost: Cost::default(),
            since: sys::seconds(),
            next: None,
        };
        KBox::new(queue, charged()).ok()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What it costs.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Whether the hole has been there for so many seconds.
    pub fn is_aged(&self, seconds: u32) -> bool {
        sys::seconds().wrapping_sub(self.since) >= seconds
    }

    /// What is left of the segment with the lowest number.
    pub fn lowest(&self) -> Option<Segment> {
        let cursor = self.kept.cursor_front()?;
        let (_, kept) = cursor.current();
        Some(kept.segment())
    }

    /// A sequence number's place. Right as long as all that are kept are less than 2^31 apart.
    fn position(&self, seq: u32) -> u64 {
        let Some(cursor) = self.kept.cursor_front() else {
            return MIDDLE;
        };
        let (lowest, kept) = cursor.current();
        let ahead = seq.wrapping_sub(kept.segment.seq) as i32;
        lowest.position.wrapping_add_signed(ahead.into())
    }

    /// Looks where a packet is to be kept. It is compared with those that begin where it does, which are few.
    pub fn room_for(&self, packet: &Packet<'_>) -> Room {
        let mut free = Place {
            position: self.position(packet.segment().seq),
            copy: 0,
        };
        let mut compared = Compared::none();
        for _ in 0..AT_ONE_PLACE {
            let Some((place, kept)) = self.at_or_after(&free) else {
                return Room::At(At(free));
            };
            if place.position != free.position {
                return Room::At(At(free));
            }
            if is_same(&kept.payload(), &packet.tcp.payload, &mut compared) {
                return Room::IsKept;
            }
            let Some(copy) = place.copy.checked_add(1) else {
                return Room::None;
            };
            free.copy = copy;
        }
        Room::None
    }

    fn at_or_after(&self, place: &Place) -> Option<(Place, &Kept)> {
        // The cursor would have to outlive what it shows.
        let place = *self.kept.cursor_lower_bound(place)?.current().0;
        Some((place, self.kept.get(&place)?))
    }

    /// Keeps a packet there, which `allow` is asked about when its cost is known; false where there is no room or memory.
    pub fn keep(
        &mut self,
        At(place): At,
        packet: &Packet<'_>,
        allow: impl FnOnce(Cost) -> bool,
        take_back: impl FnOnce(Cost),
    ) -> bool {
        let payload = packet.tcp.payload.place();
        let (_, bytes) = payload;
        let Some(skb) = packet.skb.to_owned() else {
            return false;
        };
        let cost = Cost {
            segments: 1,
            bytes: bytes.saturating_add(COST),
            memory: skb.memory().saturating_add(NODE),
        };
        if !allow(cost) {
            return false;
        }
        let kept = Kept {
            segment: packet.segment(),
            skb,
            payload,
            taken: 0,
            since: sys::seconds(),
            cost,
        };
        let Ok(node) = RBTreeNode::new(place, kept, charged()) else {
            take_back(cost);
            return false;
        };
        if self.is_empty() {
            self.since = sys::seconds();
        }
        self.kept.insert(node);
        self.cost = self.cost.plus(cost);
        true
    }

    /// Hands in the lowest, or so many bytes of it; gives how many they were, and what the segment has cost once all of
    /// it is taken in and gone.
    pub fn take(
        &mut self,
        most: u32,
        hand_in: impl FnOnce(&Segment, &SkbPayload<'_>),
    ) -> Option<(u32, Cost)> {
        let mut cursor = self.kept.cursor_front_mut()?;
        let (_, kept) = cursor.current_mut();
        let left = kept.left();
        let bytes = left.min(most);
        let (offset, _) = kept.payload;
        let segment = Segment {
            fin: kept.segment.fin && bytes == left,
            ..kept.segment()
        };
        let place = (offset.wrapping_add(kept.taken), bytes);
        hand_in(&segment, &SkbPayload::new(kept.skb.as_skb(), place));
        if bytes < left {
            kept.taken = kept.taken.wrapping_add(bytes);
            return Some((bytes, Cost::default()));
        }
        let cost = kept.cost;
        drop(cursor.remove_current());
        self.cost = self.cost.minus(cost);
        if let Some(cursor) = self.kept.cursor_front() {
            // What comes next has been waiting for its own hole.
            self.since = cursor.current().1.since;
        }
        Some((bytes, cost))
    }
}

/// Memory of a segment beside its packet's: the node of the tree.
const NODE: u32 = (size_of::<Kept>() + size_of::<Place>() + 3 * size_of::<usize>()) as u32;
