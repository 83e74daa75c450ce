// SPDX-License-Identifier: GPL-2.0-only

//! Data on SYNs (TCP Fast Open, RFC 7413), kept apart until a SYN-ACK says what has become of it.
//!
//! The entry of a first SYN is not confirmed: it belongs to its packet, so nothing is kept on it, and the sender may have
//! forged its address. The data is kept by what conntrack knows the connection by and the sequence number, bounded, the
//! oldest first out. Of what is let go of the end is remembered for a while, in a table of fixed size: a SYN-ACK that
//! acknowledges it opens a lost connection.

use crate::{
    packet::SkbPayload,
    sys::{
        self,
        conntrack::{Conntrack, Tuple},
        memory::charged,
    },
    tls::{PacketTypes, State, Types},
};
use gone::{Gone, CELLS};
use kernel::{
    prelude::*,
    rbtree::{RBTree, RBTreeNode, RBTreeNodeReservation},
    sync::Arc,
};
use packet::begins_with;

mod gone;
mod packet;
mod pending;

pub use pending::Pending;

/// SYNs with data that a namespace keeps, and bytes of memory for them.
const MAX_SYNS: u32 = 1024;
const MAX_MEMORY: u32 = 2 << 20;
/// What keeping one costs beside its bytes, rounded up: two nodes, the allocations' own.
const COST: u32 = 256;
/// Bytes on one SYN; more than a segment has anywhere.
const MAX_BYTES: u32 = 16_384;
/// For how many seconds one is kept.
const SECONDS: u32 = 60;
/// SYNs of one tuple that are looked through; with more, which one was answered is not known.
const MAX_OF_TUPLE: usize = 8;
/// The most that is let go of for one packet.
const MAX_LET_GO: u32 = 8;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    tuple: Tuple,
    /// Sequence number of the first byte of data.
    first: u32,
}

/// A SYN's data.
struct Syn {
    bytes: Arc<KVec<u8>>,
    /// What its packet carries.
    types: PacketTypes,
    state: State,
    since: u32,
    age: u64,
    urgent: bool,
    /// Another SYN of the tuple was seen: which of them the other side takes is not known.
    others: bool,
    /// It came again with other bytes.
    differs: bool,
}

/// What is known of the SYN that a SYN-ACK answers.
pub enum Answered {
    /// No SYN with data was seen.
    Plain,
    /// One with data, which the connection begins with.
    Data(SynData),
    /// It had data that is not kept any longer, and that the SYN-ACK acknowledges.
    Gone,
}

/// Data that a connection begins with.
pub struct SynData {
    first: u32,
    bytes: Arc<KVec<u8>>,
    urgent: bool,
    others: bool,
    differs: bool,
}

/// The SYNs with data of a namespace. Its lock comes after an entry's, and no other is taken after it.
pub struct Syns {
    kept: RBTree<Key, Syn>,
    /// The same by age, the oldest first.
    ages: RBTree<u64, Key>,
    next_age: u64,
    count: u32,
    memory: u32,
    gone: Gone,
}

impl Syns {
    /// None. No memory is taken.
    pub fn none() -> Self {
        Self {
            kept: RBTree::new(),
            ages: RBTree::new(),
            next_age: 0,
            count: 0,
            memory: 0,
            gone: Gone::none(),
        }
    }

    /// Whether it has room to remember what is let go of. Nobody takes that away again.
    pub fn is_prepared(&self) -> bool {
        !self.gone.cells.is_empty()
    }

    /// Room for [`prepare`](Self::prepare). Process context.
    pub fn room() -> Result<KVec<(u32, u32)>> {
        Ok(KVec::from_elem((0, 0), CELLS, GFP_KERNEL_ACCOUNT)?)
    }

    /// Remembers from now on what is let go of; gives the room back where there is some already.
    pub fn prepare(&mut self, room: KVec<(u32, u32)>) -> KVec<(u32, u32)> {
        match self.gone.cells.is_empty() {
            true => core::mem::replace(&mut self.gone.cells, room),
            false => room,
        }
    }

    /// Whether it remembers any that it has let go of.
    pub fn has_let_go(&self) -> bool {
        self.gone.any
    }

    /// How many are kept.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// What is kept of a SYN's data: the types of its bytes and the connection's state. Any context.
    pub fn known(&self, ct: &Conntrack, first: u32, len: u32) -> (PacketTypes, State) {
        let key = Key {
            tuple: ct.tuple(),
            first,
        };
        match self.kept.get(&key) {
            Some(syn) if syn.is_young() && syn.len() >= len => (syn.types(), syn.state()),
            _ => (PacketTypes::both(Types::UNKNOWN), State::Lost),
        }
    }

    /// What a SYN-ACK that acknowledges up to `ack` answers. Any context.
    pub fn answered(&self, ct: &Conntrack, ack: u32) -> Answered {
        let tuple = ct.tuple();
        let mut other = None;
        let mut next = self.kept.cursor_lower_bound(&Key { tuple, first: 0 });
        for _ in 0..MAX_OF_TUPLE {
            let Some(cursor) = next else {
                break;
            };
            let (key, syn) = cursor.current();
            if key.tuple != tuple {
                break;
            }
            let acked = ack.wrapping_sub(key.first);
            let fits = acked <= syn.len();
            if !syn.is_young() {
                // As if it had been let go of already.
                if fits && acked > 0 {
                    return Answered::Gone;
                }
            } else if fits || other.is_none() {
                let data = SynData {
                    first: key.first,
                    bytes: syn.bytes.clone(),
                    urgent: syn.urgent,
                    others: syn.others || !fits,
                    differs: syn.differs,
                };
                if fits {
                    return Answered::Data(data);
                }
                other = Some(data);
            }
            let following = cursor.peek_next().map(|(key, _)| *key);
            next = following.and_then(|key| self.kept.cursor_lower_bound(&key));
        }
        match other {
            Some(data) => Answered::Data(data),
            None if self.gone.has(&tuple, ack) => Answered::Gone,
            None => Answered::Plain,
        }
    }

    /// Forgets the SYNs of a tuple, which was answered. Any context.
    pub fn forget(&mut self, ct: &Conntrack) {
        let tuple = ct.tuple();
        for _ in 0..MAX_OF_TUPLE {
            let first = self.kept.cursor_lower_bound(&Key { tuple, first: 0 });
            let Some(key) = first
                .map(|cursor| *cursor.current().0)
                .filter(|key| key.tuple == tuple)
            else {
                return;
            };
            self.remove(&key);
        }
    }

    /// Lets go of those that are too old, a few of them, and says whether there may be more. Any context.
    pub fn age(&mut self) -> bool {
        for _ in 0..MAX_LET_GO {
            let oldest = self.oldest();
            let Some(key) =
                oldest.filter(|key| self.kept.get(key).is_none_or(|syn| !syn.is_young()))
            else {
                return false;
            };
            self.let_go(&key);
        }
        true
    }

    fn oldest(&self) -> Option<Key> {
        self.ages.cursor_front().map(|cursor| *cursor.current().1)
    }

    fn remove(&mut self, key: &Key) -> Option<Syn> {
        let syn = self.kept.remove(key)?;
        self.ages.remove(&syn.age);
        self.count = self.count.saturating_sub(1);
        self.memory = self.memory.saturating_sub(syn.cost());
        Some(syn)
    }

    fn let_go(&mut self, key: &Key) {
        if let Some(syn) = self.remove(key) {
            self.gone.add(&key.tuple, key.first.wrapping_add(syn.len()));
        }
    }

    /// The same SYN once more, if it is kept: what its packet is.
    fn again(&mut self, key: &Key, payload: &SkbPayload<'_>) -> Option<(PacketTypes, State)> {
        let syn = self.kept.get_mut(key)?;
        if !syn.is_young() {
            self.let_go(key);
            return None;
        }
        syn.differs |= !begins_with(&syn.bytes, payload);
        Some((syn.types(), syn.state()))
    }

    /// A SYN with that number: notes on all others of its tuple that have data that they are not alone, and says whether
    /// there are any.
    fn others(&mut self, tuple: Tuple, first: u32) -> bool {
        let mut found = false;
        let mut next = self.kept.cursor_lower_bound_mut(&Key { tuple, first: 0 });
        for _ in 0..MAX_OF_TUPLE {
            let Some(mut cursor) = next else {
                break;
            };
            let (key, syn) = cursor.current_mut();
            if key.tuple != tuple {
                break;
            }
            if key.first != first {
                syn.others = true;
                found = true;
            }
            next = cursor.move_next();
        }
        found
    }

    /// Keeps a SYN's data; false where there is no room for it.
    fn keep(&mut self, key: Key, syn: Syn, nodes: Nodes) -> bool {
        self.age();
        let cost = syn.cost();
        for _ in 0..MAX_LET_GO {
            if self.count < MAX_SYNS && self.memory.saturating_add(cost) <= MAX_MEMORY {
                break;
            }
            match self.oldest() {
                Some(oldest) => self.let_go(&oldest),
                None => break,
            }
        }
        if self.count >= MAX_SYNS || self.memory.saturating_add(cost) > MAX_MEMORY {
            self.gone.add(&key.tuple, key.first.wrapping_add(syn.len()));
            return false;
        }
        let age = self.next_age;
        self.next_age = age.wrapping_add(1);
        self.count = self.count.saturating_add(1);
        self.memory = self.memory.saturating_add(cost);
        self.ages.insert(nodes.age.into_node(age, key));
        // Another CPU may have kept the same meanwhile.
        let same = self
            .kept
            .insert(nodes.kept.into_node(key, Syn { age, ..syn }));
        if let Some((_, same)) = same.map(RBTreeNode::to_key_value) {
            self.ages.remove(&same.age);
            self.count = self.count.saturating_sub(1);
            self.memory = self.memory.saturating_sub(same.cost());
            if let Some(syn) = self.kept.get_mut(&key) {
                syn.others |= same.others;
                syn.differs |= same.differs || *same.bytes != *syn.bytes;
            }
        }
        true
    }
}

impl Syn {
    fn len(&self) -> u32 {
        self.bytes.len() as u32
    }

    fn cost(&self) -> u32 {
        self.len().saturating_add(COST)
    }

    fn is_young(&self) -> bool {
        sys::seconds().wrapping_sub(self.since) < SECONDS
    }

    fn types(&self) -> PacketTypes {
        match self.others || self.differs {
            true => PacketTypes::both(Types::UNKNOWN),
            false => self.types,
        }
    }

    fn state(&self) -> State {
        match (self.differs, self.others) {
            (true, _) => State::Tainted,
            (false, true) => State::Lost,
            (false, false) => self.state,
        }
    }
}

/// Memory for a SYN's place in both trees.
struct Nodes {
    kept: RBTreeNodeReservation<Key, Syn>,
    age: RBTreeNodeReservation<u64, Key>,
}

impl Nodes {
    /// None without memory. Any context.
    fn new() -> Option<Self> {
        Some(Self {
            kept: RBTreeNodeReservation::new(charged()).ok()?,
            age: RBTreeNodeReservation::new(charged()).ok()?,
        })
    }
}
