// SPDX-License-Identifier: GPL-2.0-only

//! The tracked connections of a network namespace, and what packets reach of one without its lock.

use crate::{
    known::Known,
    moment::Moment,
    sys::{
        conntrack::Conntrack,
        memory::Cache,
        table::{self, Mark, Table},
        word::Word,
    },
    tls::{PacketTypes, Side, State, Types},
    tracked::Tracked,
};
use kernel::sync::aref::ARef;

/// A tracked connection in the table.
pub type Entry = table::Entry<Tracked>;

/// Those of a namespace: by conntrack entry for packets, by id for people.
pub type Connections = Table<Tracked>;

/// Memory for entries.
pub static CONNECTIONS: Cache<Entry> = Cache::unmade();

impl table::Content for Tracked {
    type Unlocked = Unlocked;

    fn memory() -> &'static Cache<Entry> {
        &CONNECTIONS
    }

    fn conntrack(&self) -> &ARef<Conntrack> {
        &self.ct
    }
}

// What packets of an established connection touch: the key, the lock, and of the connection what comes first. A lock that
// is checked is larger; with PREEMPT_RT a spinlock is a mutex with a queue of those that wait, 32 bytes and not 4.
#[cfg(not(CONFIG_DEBUG_SPINLOCK))]
const _: () = {
    use crate::tls::Connection;
    assert!(core::mem::offset_of!(Tracked, connection) == 0);
    let more = if cfg!(CONFIG_PREEMPT_RT) { 32 } else { 0 };
    assert!(Entry::LOCKED + Connection::HOT <= 192 + more);
    // A page holds 13 of them; 11 with PREEMPT_RT.
    assert!(size_of::<Entry>() <= 312 + more);
};

/// What the index by id knows of an entry beside its id. Set and cleared under the entry's lock.
pub struct EntryMark;

impl EntryMark {
    /// No payload has been seen, or it was lost or tainted before a handshake was complete.
    pub const YOUNG: Mark = Mark::A;
    /// It holds memory for a handshake.
    pub const HANDSHAKE: Mark = Mark::B;
    /// Segments after a hole are kept for it.
    pub const HOLES: Mark = Mark::C;
}

/// What packets reach of a connection without its lock: when the last one came; and whether they pass it by, as it stands
/// where it is for ever: then what each with payload is, else 0, and where its streams have come to meanwhile.
#[derive(Default)]
pub struct Unlocked {
    known: Word,
    next: [Word; 2],
    last: Word,
}

impl Unlocked {
    /// A packet has come. Any context.
    #[inline(always)]
    pub fn touch(&self) {
        self.last.set(Moment::now().number());
    }

    /// When the last one came. Any context.
    pub fn last(&self) -> Moment {
        Moment::from_number(self.last.get())
    }

    /// Has packets pass it by, or not any longer: where its connection stands for ever, and where its streams have come to.
    /// Packets that have not seen it yet take the slow path once more. Under the entry's lock.
    pub fn set(&self, state: Option<State>, next: impl Fn(Side) -> u32) {
        if state.is_some() {
            for side in [Side::Src, Side::Dst] {
                self.of_side(side).set(next(side));
            }
        }
        let known = state.map(|state| Known::new(PacketTypes::both(Types::UNKNOWN), state));
        self.known.set(known.map_or(0, Known::number));
    }

    /// What a packet with payload is, if packets pass it by. Any context.
    #[inline(always)]
    pub fn get(&self) -> Option<Known> {
        match self.known.get() {
            0 => None,
            number => Some(Known::from_number(number)),
        }
    }

    /// A packet of a side passes it by, with `len` bytes from `seq` on: the next ones, or some that are sent again. False
    /// where its place in the stream has to be looked at: out of order, and at every 2^30 bytes. Any context; racing CPUs
    /// may count two packets as one.
    pub fn pass(&self, side: Side, seq: u32, len: u32) -> bool {
        let beyond = seq.wrapping_add(len).wrapping_sub(self.next(side));
        self.pass_next(side, seq, len) || beyond as i32 <= 0
    }

    /// The same for the next bytes only.
    #[inline(always)]
    pub fn pass_next(&self, side: Side, seq: u32, len: u32) -> bool {
        let next = self.of_side(side);
        let end = seq.wrapping_add(len);
        if seq != next.get() || (end ^ seq) >> 30 != 0 {
            return false;
        }
        next.set(end);
        true
    }

    /// Where a side's stream has come to, while packets pass it by. Any context.
    pub fn next(&self, side: Side) -> u32 {
        self.of_side(side).get()
    }

    #[inline(always)]
    fn of_side(&self, side: Side) -> &Word {
        let [src, dst] = &self.next;
        match side {
            Side::Src => src,
            Side::Dst => dst,
        }
    }
}
