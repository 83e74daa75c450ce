// SPDX-License-Identifier: GPL-2.0-only

//! Fragments of IP packets, put together as conntrack's defragmentation does it (RFC 791 3.2, RFC 8200 4.5): where two overlap
//! the packet is dropped (RFC 5722), one that has come already changes nothing, and what is missing is waited for 30 seconds.

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

/// When a packet's first fragment came, and how many packets had begun before.
type Age = (Time, u64);

/// A packet whose fragments are coming.
struct Part {
    age: Age,
    pieces: BTreeMap<usize, Vec<u8>>,
    /// Where what lies end to end begins and ends, as the kernel keeps it: what fills a gap is on its own.
    runs: BTreeMap<usize, usize>,
    /// Octets that have come.
    come: usize,
    /// Fragments that have come, those that came again too.
    fragments: u64,
    /// Where it ends, if the last fragment has come.
    end: Option<usize>,
    /// What the first fragment is of.
    number: Option<IpNumber>,
}

/// Packets whose fragments are coming.
#[derive(Default)]
pub(super) struct Fragments {
    parts: HashMap<Key, Part>,
    /// The packets, the one that has waited longest first.
    ages: BTreeMap<Age, Key>,
    /// Packets that have begun so far.
    begun: u64,
    cost: usize,
    passed_over: u64,
}

impl Fragments {
    /// Fragments of which no packet was made so far.
    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Takes a fragment in; the packet if it is whole with it.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>, now: Time) -> Option<Whole> {
        while let Some(key) = self.oldest(|since| now - since > LIFE) {
            self.remove(key);
        }
        let key = fragment.key;
        let part = self.parts.entry(key).or_insert_with(|| {
            let age = (now, self.begun);
            self.begun += 1;
            self.ages.insert(age, key);
            Part::begin(age)
        });
        part.fragments += 1;
        self.passed_over += 1;
        match part.take(fragment) {
            Taken::Again => return None,
            Taken::Overlaps => {
                self.remove(key);
                return None;
            }
            Taken::New => self.cost += fragment.octets.len() + COST,
        }
        if !part.is_whole() {
            while self.cost > MOST {
                let oldest = self.oldest(|_| true)?;
                self.remove(oldest);
            }
            return None;
        }
        let part = self.remove(key)?;
        self.passed_over = self.passed_over.saturating_sub(part.fragments);
        Some(Whole {
            key,
            number: part.number?,
            octets: part.pieces.into_values().flatten().collect(),
        })
    }

    /// The packet that has waited longest, if it has waited as long as is asked for.
    fn oldest(&self, is_meant: impl FnOnce(Time) -> bool) -> Option<Key> {
        let ((since, _), key) = self.ages.first_key_value()?;
        is_meant(*since).then_some(*key)
    }

    fn remove(&mut self, key: Key) -> Option<Part> {
        let part = self.parts.remove(&key)?;
        self.ages.remove(&part.age);
        let cost = part.come + part.pieces.len() * COST;
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
    fn begin(age: Age) -> Self {
        Self {
            age,
            pieces: BTreeMap::new(),
            runs: BTreeMap::new(),
            come: 0,
            fragments: 0,
            end: None,
            number: None,
        }
    }

    /// As ip_frag_queue and inet_frag_queue_insert of the kernel judge it.
    fn take(&mut self, fragment: &Fragment<'_>) -> Taken {
        let (from, end) = (fragment.offset, fragment.offset + fragment.octets.len());
        let is_beyond = self
            .end
            .is_some_and(|known| end > known || !fragment.more && end != known);
        let highest = self.runs.last_key_value().map(|(_, end)| *end);
        let is_cut = !fragment.more && highest.is_some_and(|highest| highest > end);
        let is_empty =
            fragment.octets.is_empty() || fragment.more && fragment.octets.len() % 8 != 0;
        if is_beyond || is_cut || is_empty || end >= LONGEST {
            return Taken::Overlaps;
        }
        if !fragment.more {
            self.end = Some(end);
        }
        let before = self.runs.range(..end).next_back();
        if let Some((start, run_end)) = before.filter(|(_, run_end)| **run_end > from) {
            return match *start <= from && end <= *run_end {
                true => Taken::Again,
                false => Taken::Overlaps,
            };
        }
        if from == 0 {
            self.number = Some(fragment.number);
        }
        match self.runs.last_entry() {
            Some(mut last) if *last.get() == from => *last.get_mut() = end,
            _ => {
                self.runs.insert(from, end);
            }
        }
        self.come += fragment.octets.len();
        self.pieces.insert(from, fragment.octets.into());
        Taken::New
    }

    /// Nothing overlaps, so that octets can be counted.
    fn is_whole(&self) -> bool {
        self.end == Some(self.come)
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
            assert_eq!((fragments.parts.len(), fragments.ages.len()), (1, 1));
            assert_eq!(fragments.cost, 8 + COST);
        }
    }

    #[test]
    fn what_overlaps_is_none() {
        for (range, more) in [
            (288..700, false),
            (0..304, true),
            (288..304, true),
            (0..700, false),
            (296..300, true),
            (8..16, false),
        ] {
            let mut fragments = Fragments::default();
            assert_eq!(add(&mut fragments, 7, 0..296, true, 0), None);
            assert_eq!(add(&mut fragments, 7, range, more, 0), None);
            assert_eq!((fragments.passed_over(), fragments.cost), (2, 0));
            assert_eq!(add(&mut fragments, 7, 296..700, false, 0), None);
        }
    }

    #[test]
    fn what_has_come_already_changes_nothing() {
        for (range, more) in [
            (0..296, true),
            (8..16, true),
            (288..296, true),
            (0..8, true),
        ] {
            let mut fragments = Fragments::default();
            assert_eq!(add(&mut fragments, 7, 0..152, true, 0), None);
            assert_eq!(add(&mut fragments, 7, 152..296, true, 0), None);
            for _ in 0..2 {
                assert_eq!(add(&mut fragments, 7, range.clone(), more, 0), None);
            }
            assert_eq!(fragments.passed_over(), 4);
            let whole = add(&mut fragments, 7, 296..700, false, 0);
            assert_eq!(whole.map(|octets| octets.len()), Some(700), "{range:?}");
            // A packet was made of all of them.
            assert_eq!((fragments.passed_over(), fragments.cost), (0, 0));
        }
        // What fills a gap begins a run of its own, and a fragment in two runs overlaps.
        let mut fragments = Fragments::default();
        for range in [296..600, 0..296] {
            assert_eq!(add(&mut fragments, 7, range, true, 0), None);
        }
        assert_eq!(add(&mut fragments, 7, 288..304, true, 0), None);
        assert_eq!((fragments.passed_over(), fragments.cost), (3, 0));
    }

    #[test]
    fn many_packets_take_no_longer_each() {
        let mut fragments = Fragments::default();
        let began = std::time::Instant::now();
        for id in 0..200_000 {
            assert_eq!(add(&mut fragments, id, 0..8, true, id.into()), None);
            assert_eq!(fragments.passed_over(), u64::from(id) + 1);
        }
        let took = began.elapsed();
        assert!(took < std::time::Duration::from_secs(30), "{took:?}");
        // What is too old goes at the next one.
        assert!(fragments.parts.len() > 1000);
        assert_eq!(add(&mut fragments, 0, 0..8, true, 2 * LIFE), None);
        assert_eq!((fragments.parts.len(), fragments.ages.len()), (1, 1));
        assert_eq!(fragments.cost, 8 + COST);
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
