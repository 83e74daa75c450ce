// SPDX-License-Identifier: GPL-2.0-only

//! Fragments of IP packets, put together as conntrack's defragmentation does it (RFC 791 3.2, RFC 8200 4.5): where two overlap
//! the packet is dropped (RFC 5722), and what is missing is waited for 30 seconds.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use etherparse::IpNumber;

use super::{
    interface::{Time, SECOND},
    tunnel::Tunnel,
};

/// Octets that are kept at most of all packets together, with what keeping a fragment costs.
const MOST: usize = 1 << 22;
const COST: usize = 128;

const LIFE: Time = 30 * SECOND;

/// No packet is longer.
const LONGEST: usize = 1 << 16;

/// Which packet a fragment belongs to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key {
    pub(super) tunnel: Tunnel,
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) id: u32,
    /// IPv6 tells packets apart without it.
    pub(super) protocol: Option<IpNumber>,
}

/// A fragment.
pub(super) struct Fragment<'a> {
    pub(super) key: Key,
    pub(super) number: IpNumber,
    pub(super) offset: usize,
    pub(super) more: bool,
    pub(super) octets: &'a [u8],
}

/// A packet that is whole.
pub(super) struct Whole {
    pub(super) key: Key,
    pub(super) number: IpNumber,
    pub(super) octets: Vec<u8>,
}

/// A packet whose fragments are coming.
struct Part {
    since: Time,
    pieces: BTreeMap<usize, Vec<u8>>,
    /// Where it ends, if the last fragment has come.
    end: Option<usize>,
    /// What the first fragment is of.
    number: Option<IpNumber>,
}

/// Packets whose fragments are coming.
#[derive(Default)]
pub(super) struct Fragments {
    parts: HashMap<Key, Part>,
    cost: usize,
    /// Fragments of which no packet was made.
    passed_over: u64,
}

impl Fragments {
    /// Fragments of which no packet was made so far.
    pub(super) fn passed_over(&self) -> u64 {
        let waiting: usize = self.parts.values().map(|part| part.pieces.len()).sum();
        self.passed_over + waiting as u64
    }

    /// Takes a fragment in; the packet if it is whole with it.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>, now: Time) -> Option<Whole> {
        let key = fragment.key;
        let part = self.parts.entry(key).or_insert_with(|| Part {
            since: now,
            pieces: BTreeMap::new(),
            end: None,
            number: None,
        });
        if now - part.since > LIFE {
            self.drop_part(key);
            return self.add(fragment, now);
        }
        match part.take(fragment) {
            Taken::Again => {
                self.passed_over += 1;
                return None;
            }
            Taken::Overlaps => {
                self.passed_over += 1;
                self.drop_part(key);
                return None;
            }
            Taken::New => self.cost += fragment.octets.len() + COST,
        }
        if !part.is_whole() {
            while self.cost > MOST {
                let oldest = self.parts.iter().min_by_key(|(_, part)| part.since);
                let (key, _) = oldest?;
                self.drop_part(*key);
            }
            return None;
        }
        let part = self.remove(key)?;
        Some(Whole {
            key,
            number: part.number?,
            octets: part.pieces.into_values().flatten().collect(),
        })
    }

    fn drop_part(&mut self, key: Key) {
        if let Some(part) = self.remove(key) {
            self.passed_over += part.pieces.len() as u64;
        }
    }

    fn remove(&mut self, key: Key) -> Option<Part> {
        let part = self.parts.remove(&key)?;
        let cost: usize = part.pieces.values().map(|piece| piece.len() + COST).sum();
        self.cost = self.cost.saturating_sub(cost);
        Some(part)
    }
}

enum Taken {
    New,
    Again,
    Overlaps,
}

impl Part {
    fn take(&mut self, fragment: &Fragment<'_>) -> Taken {
        let (from, end) = (fragment.offset, fragment.offset + fragment.octets.len());
        if self
            .pieces
            .get(&from)
            .is_some_and(|piece| piece == fragment.octets)
        {
            return Taken::Again;
        }
        let before = self.pieces.range(..=from).next_back();
        let runs_in = before.is_some_and(|(start, piece)| start + piece.len() > from);
        let after = self.pieces.range(from..).next();
        let runs_over = after.is_some_and(|(start, _)| *start < end);
        let is_beyond = self
            .end
            .is_some_and(|known| end > known || !fragment.more && end != known);
        let last = self.pieces.last_key_value();
        let is_cut = !fragment.more && last.is_some_and(|(start, piece)| start + piece.len() > end);
        let is_empty =
            fragment.octets.is_empty() || fragment.more && fragment.octets.len() % 8 != 0;
        if runs_in || runs_over || is_beyond || is_cut || is_empty || end >= LONGEST {
            return Taken::Overlaps;
        }
        if !fragment.more {
            self.end = Some(end);
        }
        if from == 0 {
            self.number = Some(fragment.number);
        }
        self.pieces.insert(from, fragment.octets.into());
        Taken::New
    }

    /// Nothing overlaps, so that octets can be counted.
    fn is_whole(&self) -> bool {
        let come: usize = self.pieces.values().map(Vec::len).sum();
        self.end == Some(come)
    }
}

#[cfg(test)]
mod tests {
    use etherparse::ip_number;

    use super::*;

    fn key(id: u32) -> Key {
        Key {
            tunnel: 0,
            src: IpAddr::from([10, 0, 0, 1]),
            dst: IpAddr::from([10, 0, 0, 2]),
            id,
            protocol: Some(ip_number::TCP),
        }
    }

    fn add(
        fragments: &mut Fragments,
        id: u32,
        range: std::ops::Range<usize>,
        more: bool,
        now: Time,
    ) -> Option<Vec<u8>> {
        let octets: Vec<u8> = (0..=255).cycle().take(range.end).collect();
        let fragment = Fragment {
            key: key(id),
            number: ip_number::TCP,
            offset: range.start,
            more,
            octets: &octets[range],
        };
        fragments.add(&fragment, now).map(|whole| whole.octets)
    }

    #[test]
    fn in_any_order_and_among_others() {
        let expected: Vec<u8> = (0..=255).cycle().take(700).collect();
        let pieces = [(0..296, true), (296..600, true), (600..700, false)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
            let mut fragments = Fragments::default();
            let mut found = Vec::new();
            for place in order {
                let (range, more) = pieces[place].clone();
                assert_eq!(add(&mut fragments, 9, 0..8, true, 0), None);
                found.extend(add(&mut fragments, 7, range, more, 0));
            }
            assert_eq!(found, [expected.clone()], "{order:?}");
            // The other one, and its copies.
            assert_eq!(fragments.passed_over(), 3);
            assert_eq!(fragments.cost, 8 + COST);
        }
    }

    #[test]
    fn what_overlaps_is_none() {
        for (range, more) in [
            (288..700, false),
            (0..304, true),
            (8..16, true),
            (0..700, false),
            (296..300, true),
        ] {
            let mut fragments = Fragments::default();
            assert_eq!(add(&mut fragments, 7, 0..296, true, 0), None);
            assert_eq!(add(&mut fragments, 7, range, more, 0), None);
            assert_eq!((fragments.passed_over(), fragments.cost), (2, 0));
            assert_eq!(add(&mut fragments, 7, 296..700, false, 0), None);
        }
    }

    #[test]
    fn nothing_waits_for_long_or_takes_much() {
        let mut fragments = Fragments::default();
        assert_eq!(add(&mut fragments, 7, 0..296, true, 0), None);
        assert_eq!(add(&mut fragments, 7, 296..300, false, LIFE + 1), None);
        assert!(add(&mut fragments, 7, 0..296, true, LIFE + 2).is_some());
        for id in 0..10_000 {
            assert_eq!(add(&mut fragments, id, 0..1480, true, id.into()), None);
        }
        assert!(fragments.cost <= MOST);
        // The newest are still there.
        assert!(add(&mut fragments, 9_999, 1480..1500, false, 10_000).is_some());
        assert!(add(&mut fragments, 0, 1480..1500, false, 10_000).is_none());
    }
}
