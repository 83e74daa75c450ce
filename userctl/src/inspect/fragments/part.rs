// SPDX-License-Identifier: GPL-2.0-only

//! A packet whose fragments are coming, as ip_frag_queue, nf_ct_frag6_queue and inet_frag_queue_insert of the kernel judge them:
//! where two overlap the packet is dropped (RFC 5722), one that has come already changes nothing.

use std::collections::BTreeMap;

use etherparse::IpNumber;

use super::{Age, Fragment};

/// No packet has more octets, header and all (IPv4), or behind its header (IPv6).
const LONGEST: usize = u16::MAX as usize;

/// Fragments but the last are multiples of so many octets.
const UNIT: usize = 8;

/// IPv4's shortest header.
const SHORTEST_HEADER: usize = 20;

/// A packet whose fragments are coming.
pub(super) struct Part {
    pub(super) age: Age,
    pub(super) pieces: BTreeMap<usize, Vec<u8>>,
    /// Where what lies end to end begins and ends, as the kernel keeps it: what fills a gap is on its own.
    runs: BTreeMap<usize, usize>,
    /// Octets that have come.
    pub(super) come: usize,
    /// Fragments that have come, those that came again too.
    pub(super) fragments: u64,
    /// Where the last of its fragments ends, of those that have come.
    reach: usize,
    /// That one ends the packet.
    has_end: bool,
    /// What the first fragment is of.
    pub(super) number: Option<IpNumber>,
    is_ipv6: bool,
}

/// What has become of a fragment.
pub(super) enum Taken {
    /// So many octets are new.
    New(usize),
    /// It changes nothing.
    Nothing,
    /// It fits to nothing else: there will be no packet.
    Spoilt,
}

impl Part {
    pub(super) fn begin(age: Age, is_ipv6: bool) -> Self {
        Self {
            age,
            pieces: BTreeMap::new(),
            runs: BTreeMap::new(),
            come: 0,
            fragments: 0,
            reach: 0,
            has_end: false,
            number: None,
            is_ipv6,
        }
    }

    pub(super) fn take(&mut self, fragment: &Fragment<'_>) -> Taken {
        let from = fragment.offset;
        let mut end = from + fragment.octets.len();
        // IPv6 drops a fragment that makes no sense, IPv4 all that has come of the packet.
        let senseless = match self.is_ipv6 {
            true => Taken::Nothing,
            false => Taken::Spoilt,
        };
        if self.is_ipv6 && end > LONGEST {
            return senseless;
        }
        if !fragment.more {
            if end < self.reach || self.has_end && end != self.reach {
                return senseless;
            }
            (self.has_end, self.reach) = (true, end);
        } else {
            if end % UNIT != 0 {
                if self.is_ipv6 {
                    return Taken::Spoilt;
                }
                // IPv4 cuts off what is over.
                end -= end % UNIT;
            }
            if end > self.reach {
                if self.has_end {
                    return senseless;
                }
                self.reach = end;
            }
        }
        if end <= from {
            return senseless;
        }
        self.insert(fragment, end)
    }

    /// A fragment up to `end`, if nothing of it has come.
    fn insert(&mut self, fragment: &Fragment<'_>, end: usize) -> Taken {
        let from = fragment.offset;
        let before = self.runs.range(..end).next_back();
        if let Some((start, run_end)) = before.filter(|(_, run_end)| **run_end > from) {
            return match *start <= from && end <= *run_end {
                true => Taken::Nothing,
                false => Taken::Spoilt,
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
        let octets = fragment.octets.get(..end - from);
        let octets = octets.unwrap_or(fragment.octets);
        self.come += octets.len();
        self.pieces.insert(from, octets.into());
        Taken::New(octets.len())
    }

    /// Nothing overlaps, so that octets can be counted.
    pub(super) fn is_whole(&self) -> bool {
        self.has_end && self.come == self.reach
    }

    /// No length in a header says so much.
    pub(super) fn is_too_long(&self) -> bool {
        !self.is_ipv6 && self.reach > LONGEST - SHORTEST_HEADER
    }
}
