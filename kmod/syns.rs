// SPDX-License-Identifier: GPL-2.0-only

//! Data on SYNs (TCP Fast Open, RFC 7413), kept apart until a SYN-ACK says what has become of it.
//!
//! The entry of a first SYN is not confirmed: it belongs to its packet, so nothing is kept on it, and the sender may have
//! forged its address. The data is kept by what conntrack knows the connection by and the sequence number, bounded, the
//! oldest first out. Of what is let go of the end is remembered for a while, in a table of fixed size: a SYN-ACK that
//! acknowledges it opens a lost connection.

use crate::{
    counters::Counter,
    handshakes::Slot,
    holes::Limits,
    packet::{Packet, SkbPayload},
    sys::{
        self,
        conntrack::{Conntrack, Tuple},
        memory::charged,
        pernet::NetState,
        random::keyed_hash,
    },
    tls::{Connection, PacketTypes, Payload, Segment, Side, State, Types},
    tracked::Tracked,
};
use kernel::{
    prelude::*,
    rbtree::{RBTree, RBTreeNode, RBTreeNodeReservation},
    sync::Arc,
};

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

/// Bytes in one piece as a payload.
struct Bytes<'a>(&'a [u8]);

impl Payload for Bytes<'_> {
    fn len(&self) -> u32 {
        self.0.len() as u32
    }

    fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        let from = self
            .0
            .get(offset as usize..)
            .and_then(|from| from.get(..to.len()));
        from.is_some_and(|from| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            true
        })
    }
}

/// The SYNs with data of a namespace. Its lock is taken with no other held.
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
            let fits = syn.is_young() && ack.wrapping_sub(key.first) <= syn.len();
            if fits || other.is_none() {
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

    /// Lets go of those that are too old, a few of them. Any context.
    pub fn age(&mut self) {
        for _ in 0..MAX_LET_GO {
            let oldest = self.oldest();
            let Some(key) =
                oldest.filter(|key| self.kept.get(key).is_none_or(|syn| !syn.is_young()))
            else {
                return;
            };
            self.let_go(&key);
        }
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

/// Whether bytes begin with a payload.
fn begins_with(bytes: &[u8], payload: &SkbPayload<'_>) -> bool {
    if bytes.len() < payload.len() as usize {
        return false;
    }
    for (piece, at) in bytes.chunks(64).zip((0..payload.len()).step_by(64)) {
        let mut read = [0; 64];
        let count = payload.len().saturating_sub(at).min(64) as usize;
        let (Some(read), Some(piece)) = (read.get_mut(..count), piece.get(..count)) else {
            return false;
        };
        if !payload.read(at, read) || read != piece {
            return false;
        }
    }
    true
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

/// Takes in a SYN of the initiator that nobody has answered yet, and says what its packet is. Softirq or process context;
/// no lock is held.
pub fn take_in(net: &NetState, packet: &Packet<'_>) -> (PacketTypes, State) {
    let Packet { ct, tcp, .. } = packet;
    let (tuple, first) = (ct.tuple(), tcp.first_octet());
    if tcp.payload.is_empty() {
        if net.keeps_syns() {
            net.with_syns(|syns| syns.others(tuple, first));
        }
        return (PacketTypes::both(Types::NONE), State::New);
    }
    let key = Key { tuple, first };
    if let Some(known) = net.with_syns(|syns| syns.again(&key, &tcp.payload)) {
        return known;
    }
    let made = (tcp.payload.len() <= MAX_BYTES).then(|| made(net, packet));
    net.with_syns(|syns| {
        let end = tcp.end();
        let Some((mut syn, nodes)) = made.flatten() else {
            net.counters.count(Counter::AllocationFailures);
            syns.gone.add(&tuple, end);
            return UNKNOWN;
        };
        // A confirmed entry was made by another SYN than this one, or by one that was let go of.
        syn.others = syns.others(tuple, first) || ct.is_confirmed();
        let known = (syn.types(), syn.state());
        match syns.keep(key, syn, nodes) {
            true => known,
            false => UNKNOWN,
        }
    })
}

const UNKNOWN: (PacketTypes, State) = (PacketTypes::both(Types::UNKNOWN), State::Lost);

/// What is to be kept of a SYN's data. None without memory.
fn made(net: &NetState, packet: &Packet<'_>) -> Option<(Syn, Nodes)> {
    let payload = &packet.tcp.payload;
    let mut bytes = KVec::from_elem(0, payload.len() as usize, charged()).ok()?;
    if !payload.read(0, &mut bytes) {
        return None;
    }
    let segment = packet.segment();
    let mut connection = Connection::opened_by_syn_data(segment.seq);
    let mut slot = Slot::empty();
    // It is given back at once: nothing is kept for a handshake before a SYN-ACK.
    connection.segment(
        &mut slot.within(&net.handshakes),
        &net.engine,
        &segment,
        &Bytes(&bytes),
    );
    slot.release(&net.handshakes);
    let syn = Syn {
        types: connection.types(Side::Src, segment.seq, payload.len()),
        state: connection.state(),
        bytes: Arc::new(bytes, charged()).ok()?,
        since: sys::seconds(),
        age: 0,
        urgent: segment.urgent,
        others: false,
        differs: false,
    };
    Some((syn, Nodes::new()?))
}

impl SynData {
    /// Has a connection, which has just been made, begin with the data, as the SYN-ACK with these numbers answered it.
    pub fn begin(
        &self,
        tracked: &mut Tracked,
        limits: &Limits<'_>,
        src_first: u32,
        dst_first: u32,
    ) {
        tracked.connection = Connection::opened_by_syn_data(self.first);
        let connection = &mut tracked.connection;
        let segment = Segment {
            from: Side::Src,
            seq: self.first,
            ack: None,
            fin: false,
            urgent: self.urgent,
        };
        connection.segment(
            &mut tracked.handshake.within(limits.handshakes),
            limits.engine,
            &segment,
            &Bytes(&self.bytes),
        );
        if self.differs {
            connection.contradict(Side::Src);
        }
        if self.others {
            connection.syn(self.first.wrapping_add(1));
        }
        connection.answered(src_first, dst_first);
    }
}

/// Ends of data that is not kept any longer: as many as there are cells, each tuple in one of [`WAYS`], the newest in the
/// place of another.
struct Gone {
    cells: KVec<(u32, u32)>,
    turn: usize,
    any: bool,
}

/// Cells, a power of two: 32 KiB.
const CELLS: usize = 4096;
const WAYS: usize = 4;

impl Gone {
    /// Without cells, so that nothing is remembered. No memory is taken.
    const fn none() -> Self {
        Self {
            cells: KVec::new(),
            turn: 0,
            any: false,
        }
    }

    /// The tuple's cells, and what it is told by in there: not 0.
    fn place(tuple: &Tuple) -> (usize, u32) {
        let hash = keyed_hash(&tuple.bytes());
        let place = (hash as usize) % (CELLS / WAYS) * WAYS;
        (place, (hash >> 32) as u32 | 1)
    }

    fn add(&mut self, tuple: &Tuple, end: u32) {
        let (place, tag) = Self::place(tuple);
        self.any = true;
        self.turn = self.turn.wrapping_add(1);
        let cell = place.wrapping_add(self.turn % WAYS);
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell = (tag, end);
        }
    }

    fn has(&self, tuple: &Tuple, end: u32) -> bool {
        let (place, tag) = Self::place(tuple);
        let cells = self.cells.get(place..).unwrap_or(&[]);
        cells.iter().take(WAYS).any(|cell| *cell == (tag, end))
    }
}
