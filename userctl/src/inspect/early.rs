// SPDX-License-Identifier: GPL-2.0-only

//! Packets that were captured before what was sent before them: they wait until that has come.

use std::collections::{BTreeSet, VecDeque};

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
    /// When each was captured, and its frame.
    times: BTreeSet<(Time, u64)>,
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
        self.times.insert((kept.at.time, kept.at.frame));
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
        self.times.remove(&(kept.at.time, kept.at.frame));
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
        self.times.clear();
        all
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Kept> {
        self.sides.iter().flatten().map(|(_, kept)| kept)
    }

    /// What waits, and since when the one that was captured first does; `seconds` are taken off the time that it may.
    pub(crate) fn waiting(&self, seconds: Time) -> Waiting {
        let first = self.times.first();
        Waiting {
            cost: self.cost,
            since: first.map(|(since, _)| since.saturating_sub(seconds * SECOND)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn time_is_counted_from_the_packet_that_was_captured_first() {
        let end = SocketAddr::from(([10, 0, 0, 1], 443));
        let tcp = |ack| Tcp {
            src: end,
            dst: end,
            seq: 1,
            ack: Some(ack),
            syn: false,
            fin: false,
            rst: false,
            urgent: false,
            payload: &[],
            len: 0,
        };
        let mut early = Early::default();
        // What acknowledges more was captured before what was sent before it.
        for (frame, time, ack) in [(1, 10, 900), (2, 20, 800), (3, 30, 700)] {
            early.keep(0, &tcp(ack), At { frame, time });
        }
        for (since, frame) in [(10, 3), (10, 2), (10, 1)] {
            assert_eq!(early.waiting(0).since, Some(since));
            let first = early.take_first(0).expect("one waits");
            assert_eq!(first.at.frame, frame);
        }
        assert_eq!(early.waiting(0).since, None);
        early.keep(0, &tcp(1), At { frame: 4, time: 40 });
        assert_eq!(early.take_all().len(), 1);
        assert_eq!(early.waiting(0).since, None);
    }
}
