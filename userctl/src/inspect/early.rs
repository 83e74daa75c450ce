// SPDX-License-Identifier: GPL-2.0-only

//! Packets that were captured before what was sent before them: they wait until that has come.

use std::collections::VecDeque;

use super::{
    interface::{Time, SECOND},
    packet::Tcp,
    reorder::Waiting,
};

/// What keeping a packet costs beside its octets.
const COST: u32 = 256;

/// Where a packet stands in the capture.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub(crate) frame: u64,
    pub(crate) time: Time,
}

/// A packet that waits.
pub(crate) struct Kept {
    tcp: Tcp<'static>,
    payload: Box<[u8]>,
    pub(crate) at: At,
}

impl Kept {
    pub(crate) fn tcp(&self) -> Tcp<'_> {
        Tcp {
            payload: &self.payload,
            ..self.tcp
        }
    }

    fn cost(&self) -> u32 {
        u32::try_from(self.payload.len())
            .unwrap_or(u32::MAX)
            .saturating_add(COST)
    }
}

/// How a side sent its packets: by what they acknowledge, which never goes back; in the order of capture where that is the same.
/// An RST comes last.
type Order = (i32, u64);

/// The packets of a connection that wait.
#[derive(Default)]
pub(crate) struct Early {
    sides: [VecDeque<(Order, Kept)>; 2],
    /// Where the numbers of acknowledgements are counted from, by side.
    base: [u32; 2],
    cost: u32,
}

impl Early {
    pub(crate) fn is_empty(&self) -> bool {
        self.sides.iter().all(VecDeque::is_empty)
    }

    pub(crate) fn len(&self) -> usize {
        self.sides.iter().map(VecDeque::len).sum()
    }

    pub(crate) fn cost(&self) -> u32 {
        self.cost
    }

    /// Keeps a packet of that side.
    pub(crate) fn keep(&mut self, side: usize, tcp: &Tcp<'_>, at: At) {
        self.put(
            side,
            Kept {
                tcp: Tcp {
                    payload: &[],
                    ..*tcp
                },
                payload: tcp.payload.into(),
                at,
            },
        );
    }

    pub(crate) fn put(&mut self, side: usize, kept: Kept) {
        let (Some(packets), Some(base)) = (self.sides.get_mut(side), self.base.get_mut(side))
        else {
            return;
        };
        if packets.is_empty() {
            *base = kept.tcp.ack.unwrap_or(0);
        }
        let order = match kept.tcp.ack {
            Some(ack) if !kept.tcp.rst => ack.wrapping_sub(*base) as i32,
            _ => i32::MAX,
        };
        self.cost = self.cost.saturating_add(kept.cost());
        let order = (order, kept.at.frame);
        let place = packets.partition_point(|(before, _)| *before < order);
        packets.insert(place, (order, kept));
    }

    /// The packet that a side sent first.
    pub(crate) fn first(&self, side: usize) -> Option<&Kept> {
        self.sides.get(side)?.front().map(|(_, kept)| kept)
    }

    /// Takes that out.
    pub(crate) fn take_first(&mut self, side: usize) -> Option<Kept> {
        let (_, kept) = self.sides.get_mut(side)?.pop_front()?;
        self.cost = self.cost.saturating_sub(kept.cost());
        Some(kept)
    }

    /// Takes all out, in the order of capture.
    pub(crate) fn take_all(&mut self) -> Vec<Kept> {
        let mut all: Vec<Kept> = self
            .sides
            .iter_mut()
            .flat_map(|packets| std::mem::take(packets).into_iter().map(|(_, kept)| kept))
            .collect();
        all.sort_unstable_by_key(|kept| kept.at.frame);
        self.cost = 0;
        all
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Kept> {
        self.sides.iter().flatten().map(|(_, kept)| kept)
    }

    /// What waits; `seconds` are taken off the time that it may.
    pub(crate) fn waiting(&self, seconds: Time) -> Waiting {
        let first = (0..2).filter_map(|side| Some(self.first(side)?.at.time));
        Waiting {
            cost: self.cost,
            since: first
                .min()
                .map(|since| since.saturating_sub(seconds * SECOND)),
        }
    }
}
