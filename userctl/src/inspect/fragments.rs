// SPDX-License-Identifier: GPL-2.0-only

//! Fragments of IP packets, put together as conntrack's defragmentation does it (RFC 791 3.2, RFC 8200 4.5): what is missing is
//! waited for 30 seconds.

mod part;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use etherparse::IpNumber;

use self::part::{Part, Taken};
use super::{
    interface::{Time, SECOND},
    tunnel::Tunnel,
};

/// Octets that are kept at most of all packets together, with what keeping a packet or a fragment costs.
const MOST: usize = 1 << 22;
const COST: usize = 128;

const LIFE: Time = 30 * SECOND;

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
            self.cost += COST;
            Part::begin(age, key.src.is_ipv6())
        });
        part.fragments += 1;
        self.passed_over += 1;
        match part.take(fragment) {
            Taken::Nothing => {}
            Taken::Spoilt => {
                self.remove(key);
                return None;
            }
            Taken::New(octets) => {
                self.cost += octets + COST;
                if part.is_whole() {
                    return self.whole(key);
                }
            }
        }
        while self.cost > MOST {
            let oldest = self.oldest(|_| true)?;
            self.remove(oldest);
        }
        None
    }

    fn whole(&mut self, key: Key) -> Option<Whole> {
        let part = self.remove(key)?;
        if part.is_too_long() {
            return None;
        }
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
        let cost = part.come + (1 + part.pieces.len()) * COST;
        self.cost = self.cost.saturating_sub(cost);
        Some(part)
    }
}
