// SPDX-License-Identifier: GPL-2.0-only

//! The SYNs of a namespace under their lock, and what packets see of them without it.

use super::{packet::made, Key, Syns, MAX_BYTES};
use crate::{
    counters::Counter,
    holes::Limits,
    packet::Packet,
    sys::lock::SpinLockBh,
    tls::{PacketTypes, Payload, State, Types},
};
use kernel::{
    prelude::*,
    sync::atomic::{ordering::Relaxed, Atomic},
};

const UNKNOWN: (PacketTypes, State) = (PacketTypes::both(Types::UNKNOWN), State::Lost);

/// SYNs with data that nobody has answered.
#[pin_data]
pub struct Pending {
    /// The lock comes after an entry's, and no other is taken under it.
    #[pin]
    syns: SpinLockBh<Syns>,
    kept: Atomic<u32>,
    let_go: Atomic<u32>,
}

impl Pending {
    /// None, and no room for any yet.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            syns <- SpinLockBh::new(Syns::none(), c"tlsconn SYNs", kernel::static_lock_class!()),
            kept: Atomic::new(0),
            let_go: Atomic::new(0),
        })
    }

    /// Whether data on SYNs is kept. Any context.
    #[inline]
    pub fn keeps_any(&self) -> bool {
        self.kept.load(Relaxed) != 0
    }

    /// Whether the end of data on a SYN is remembered that is not kept any longer. Any context.
    #[inline]
    pub fn has_let_go(&self) -> bool {
        self.let_go.load(Relaxed) != 0
    }

    /// Does something with them. Any context but hard interrupts; an entry may be locked, and nothing is locked after it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Syns) -> T) -> T {
        let mut syns = self.syns.lock();
        let done = act(&mut syns);
        self.kept.store(syns.count(), Relaxed);
        self.let_go.store(syns.has_let_go().into(), Relaxed);
        done
    }

    /// Takes in a SYN of the initiator that nobody has answered yet, and says what its packet is. Softirq or process context;
    /// no lock is held.
    pub fn take_in(&self, limits: &Limits<'_>, packet: &Packet<'_>) -> (PacketTypes, State) {
        let Packet { ct, tcp, .. } = packet;
        let (tuple, first) = (ct.tuple(), tcp.first_byte());
        if tcp.payload.is_empty() {
            if self.keeps_any() {
                self.with(|syns| syns.others(tuple, first));
            }
            return (PacketTypes::both(Types::NONE), State::New);
        }
        let key = Key { tuple, first };
        if let Some(known) = self.with(|syns| syns.again(&key, &tcp.payload)) {
            return known;
        }
        let made = (tcp.payload.len() <= MAX_BYTES).then(|| made(limits, packet));
        self.with(|syns| {
            let end = tcp.end();
            let Some((mut syn, nodes)) = made.flatten() else {
                limits.counters.count(Counter::AllocationFailures);
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
}
