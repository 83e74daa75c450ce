// SPDX-License-Identifier: GPL-2.0-only

//! What the module keeps for each network namespace.

use crate::{
    connections::{Connections, Entry},
    counters::Counters,
    fingerprint::Asked,
    handshakes::Budget,
    holes::{Limits, MemoryBudget},
    links::Sessions,
    parameters,
    pins::{Pins, Release},
    sets::Sets,
    syns::Pending,
    sys::{
        conntrack, lock::SpinLockBh, memcg::Payer, pernet::Namespace, table::Shared, work::Work,
    },
    tls,
    tracked::Flags,
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{ordering::Relaxed, Atomic},
        Arc, Mutex,
    },
};

/// A network namespace with its [`Tracker`].
pub type NetState = Namespace<Tracker>;

/// How long an entry that conntrack has let go of may stay, at most.
const COLLECT_EVERY_MS: u32 = 500;

/// Connections made since the last collection from which on the next is due.
const MADE_MAX: u64 = 1024;

/// The module's memory of a network namespace.
#[pin_data]
pub struct Tracker {
    // First, so that none runs any longer when the rest is dropped.
    #[pin]
    collector: Work<Self>,
    #[pin]
    expiry: Work<Self>,
    /// Its connections.
    #[pin]
    pub table: Connections,
    /// What they issued for sessions to be continued by.
    pub sessions: Arc<Sessions>,
    /// Its pins. The lock comes after an entry's.
    #[pin]
    pub pins: SpinLockBh<Pins>,
    /// Held by commands that change pins or whether is tracked, from their first look to their answer: they come one after
    /// the other. It comes before every other lock.
    #[pin]
    pub commands: Mutex<()>,
    /// How its connections are followed: the module's parameters.
    pub engine: tls::Config,
    /// Memory for segments after holes.
    #[pin]
    pub hole_memory: MemoryBudget,
    /// What it has seen.
    pub counters: Counters,
    /// Memory for its handshakes.
    pub handshakes: Budget,
    /// Who pays for what its packets take.
    pub payer: Payer,
    /// SYNs with data that nobody has answered.
    #[pin]
    pub syns: Pending,
    /// Who asks for JA4.
    pub ja4: Arc<Asked>,
    /// Its sets of server names.
    #[pin]
    pub sets: Sets,
    made: Atomic<u32>,
    armed: Atomic<u32>,
    by_ends: Atomic<u32>,
    /// Where the collection goes on.
    pub next: Next,
}

impl Tracker {
    /// With nothing tracked; its connections count among `shared` ones too. Process context.
    pub fn new(
        shared: Option<&'static Shared>,
        collector: impl PinInit<Work<Self>>,
        expiry: impl PinInit<Work<Self>>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            counters: Counters::new()?,
            pins <- SpinLockBh::new(Pins::new()?, c"tlsconn pins", kernel::static_lock_class!()),
            sessions: Arc::pin_init(Sessions::new(), GFP_KERNEL)?,
            table <- Connections::new(shared),
            engine: parameters::engine(),
            hole_memory <- MemoryBudget::new(parameters::hole_octets_total()),
            handshakes: Budget::new(parameters::max_handshakes(), parameters::handshake_octets_total()),
            payer: Payer::nobody(),
            syns <- Pending::new(),
            ja4: Arc::new(Asked::by_nobody(), GFP_KERNEL)?,
            sets <- Sets::new(),
            made: Atomic::new(0),
            armed: Atomic::new(0),
            by_ends: Atomic::new(0),
            next: Next::default(),
            commands <- new_mutex!((), "tlsconn commands"),
            collector <- collector,
            expiry <- expiry,
        })
    }

    /// Has its work done no more, and waits until none runs. Process context; may sleep.
    pub fn stop(&self) {
        self.collector.cancel();
        self.expiry.cancel();
    }
}

impl NetState {
    /// How segments after holes are kept.
    pub fn limits(&self) -> Limits<'_> {
        Limits {
            engine: &self.engine,
            memory: &self.hole_memory,
            counters: &self.counters,
            handshakes: &self.handshakes,
            ja4: &self.ja4,
        }
    }

    /// Whether conntrack's table is so full that what it has let go of is to be given back at once. Any context.
    pub fn is_conntrack_nearly_full(&self) -> bool {
        let (count, max) = conntrack::fill(&self.net());
        count > max / 10 * 9
    }

    /// Has connections and SYNs looked after soon. Any context.
    pub fn schedule_collection(&self) {
        self.collector.schedule(COLLECT_EVERY_MS);
    }

    /// One more connection was made: there is something to collect from now on. Under a flood conntrack evicts entries as
    /// fast as it makes them, and those that we hold stay until they are collected: then that is due at once. Any context.
    pub fn note_made(&self) {
        let made = self.made.fetch_add(1, Relaxed).wrapping_add(1);
        // Going through many is worth it for as many only.
        if u64::from(made) < MADE_MAX.max(self.table.len() / 4) || !self.is_conntrack_nearly_full()
        {
            return self.schedule_collection();
        }
        self.collector.hasten(0);
    }

    /// How many connections were made since this was asked for last.
    pub fn take_made(&self) -> u64 {
        u64::from(self.made.xchg(0, Relaxed))
    }

    /// Has pins released whose time is over in so many nanoseconds, or when it was to be done before. Any context.
    pub fn schedule_pins(&self, nanoseconds: u64) {
        // Rounded up, so that it is over then; a day at most, after which it is looked again.
        let milliseconds = nanoseconds.saturating_add(999_999) / 1_000_000;
        let milliseconds = milliseconds.min(86_400_000) as u32;
        self.expiry.hasten(milliseconds);
    }

    /// Whether a pin waits for a connection. Any context.
    #[inline]
    pub fn has_armed_pins(&self) -> bool {
        self.armed.load(Relaxed) != 0
    }

    /// Whether one waits that names both ends of its connection. Any context.
    #[inline]
    pub fn has_pins_by_ends(&self) -> bool {
        self.by_ends.load(Relaxed) != 0
    }

    /// Notes whether any does, by both ends, and by JA4. Under the pins' lock.
    pub fn note_armed_pins(&self, are_any: bool, by_ends: bool, by_ja4: bool) {
        self.armed.store(are_any.into(), Relaxed);
        self.by_ends.store(by_ends.into(), Relaxed);
        self.ja4.set_pins(by_ja4);
    }

    /// Ends a connection: releases its pins and takes it out of the table. Any context; no entry may be locked.
    pub fn end(&self, entry: &Entry) {
        let locked = entry.lock();
        if let Some(tracked) = locked
            .get()
            .filter(|tracked| tracked.flags.has(Flags::PINNED))
        {
            let has_session = tracked.rare.links().is_some();
            self.pins
                .lock()
                .connection_ended(self, entry.id, has_session, Release::Gone);
        }
        // Whoever waits for the lock to pin it finds nothing to pin.
        self.table.end(entry, locked, |tracked| {
            tracked.clear_holes(&self.limits());
            tracked.handshake.release(&self.handshakes);
            if let Some(links) = tracked.rare.take_links() {
                self.pins.lock().keep(entry.id, links);
            }
        });
    }
}

/// Where work on a namespace's connections goes on the next time: ids.
#[derive(Default)]
pub struct Next {
    /// Looking for what conntrack has let go of.
    pub collected: Place,
    /// Looking for idle handshakes.
    pub idle: Place,
    /// Looking for a handshake to give up for another.
    pub evicted: Place,
    /// Looking for what is kept of a stream, to give it back for another.
    pub cleared: Place,
    /// Looking after what waits after holes.
    pub holes: Place,
}

/// An id to go on from.
pub struct Place(Atomic<u64>);

impl Default for Place {
    fn default() -> Self {
        Self(Atomic::new(0))
    }
}

impl Place {
    /// The id. Any context.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Goes on there. Any context.
    pub fn set(&self, id: u64) {
        self.0.store(id, Relaxed);
    }
}
