// SPDX-License-Identifier: GPL-2.0-only

//! What the module keeps for each network namespace, and its coming and going.

use super::{
    hooks::Hooks,
    lock::SpinLockBh,
    memcg::Payer,
    sessions::Index,
    table::{Entry, Shared, Table},
    Global,
};
use crate::{
    bindings, collect,
    counters::Counters,
    handshakes::Budget,
    holes::{Limits, Total},
    netlink::events::Release,
    parameters,
    pins::{self, release_all, Pins},
    syns::Syns,
    tls,
    tracked::Flags,
    tracker,
};
use core::{
    marker::PhantomData,
    mem::{offset_of, MaybeUninit},
};
use kernel::{
    bindings::net,
    error::to_result,
    ffi::{c_int, c_uint},
    new_mutex,
    prelude::*,
    sync::{
        atomic::{ordering::Relaxed, Atomic},
        Arc, Mutex,
    },
    types::Opaque,
};

/// How long an entry that conntrack has let go of may stay, at most.
const COLLECT_EVERY_MS: c_uint = 500;

/// Connections made since the last collection from which on the next is due.
const MADE_MAX: u64 = 1024;

/// The families that conntrack is turned on for.
const CONNTRACK: u8 = bindings::NFPROTO_INET as u8;

/// A network namespace that stays alive as long as this.
pub struct Net<'a> {
    raw: *mut net,
    _life: PhantomData<&'a net>,
}

impl Net<'_> {
    /// # Safety
    ///
    /// The namespace is alive for as long as the result is used.
    pub unsafe fn from_raw(raw: *mut net) -> Self {
        Self {
            raw,
            _life: PhantomData,
        }
    }

    pub(super) fn as_raw(&self) -> *mut net {
        self.raw
    }
}

/// The module's memory of a network namespace.
#[pin_data]
pub struct NetState {
    /// Its connections.
    #[pin]
    pub table: Table,
    /// What they issued for sessions to be continued by.
    pub sessions: Arc<Index>,
    /// Its pins. The lock comes after an entry's.
    #[pin]
    pub pins: SpinLockBh<Pins>,
    /// Held by commands that change pins or whether is tracked, from their first look to their answer: they come one after
    /// the other. It comes before every other lock.
    #[pin]
    pub commands: Mutex<()>,
    /// Whether packets are looked at.
    #[pin]
    pub hooks: Hooks,
    /// How its connections are followed: the module's parameters.
    pub engine: tls::Config,
    /// What is kept after holes.
    #[pin]
    pub kept: Total,
    /// What it has seen.
    pub counters: Counters,
    /// Memory for its handshakes.
    pub handshakes: Budget,
    /// Who pays for what its packets take.
    pub payer: Payer,
    /// Data on SYNs that nobody has answered. The lock comes after an entry's.
    #[pin]
    syns: SpinLockBh<Syns>,
    keeps_syns: Atomic<u32>,
    has_let_go_of_syns: Atomic<u32>,
    made: Atomic<u32>,
    armed: Atomic<u32>,
    by_ends: Atomic<u32>,
    /// Where the collection goes on.
    pub next: Next,
    #[pin]
    collector: Opaque<kernel::bindings::delayed_work>,
    #[pin]
    expiry: Opaque<kernel::bindings::delayed_work>,
}

impl NetState {
    /// That of a namespace.
    pub fn of<'a>(net: &Net<'a>) -> &'a Self {
        // SAFETY: The number was written when the module registered, before anything could ask.
        let id = unsafe { *ID.get() };
        // SAFETY: The kernel gives the memory that `init` has filled, which stays until the namespace's very end.
        unsafe { &*bindings::tlsconn_net_generic(net.as_raw(), id).cast::<Self>() }
    }

    /// What is made goes to `place`.
    fn new(net: *mut net, place: *mut Self) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            counters: Counters::new()?,
            pins <- SpinLockBh::new(Pins::new()?, c"tlsconn pins", kernel::static_lock_class!()),
            sessions: Arc::pin_init(Index::new(), GFP_KERNEL)?,
            // The last that can fail: it cannot be dropped.
            table <- Table::new(shared_of(net)),
            engine: parameters::engine(),
            kept <- Total::new(parameters::hole_octets_total()),
            handshakes: Budget::new(parameters::max_handshakes(), parameters::handshake_octets_total()),
            payer: Payer::nobody(),
            syns <- SpinLockBh::new(Syns::none(), c"tlsconn SYNs", kernel::static_lock_class!()),
            keeps_syns: Atomic::new(0),
            has_let_go_of_syns: Atomic::new(0),
            made: Atomic::new(0),
            armed: Atomic::new(0),
            by_ends: Atomic::new(0),
            next: Next::default(),
            commands <- new_mutex!((), "tlsconn commands"),
            hooks <- Hooks::new(net, place),
            collector <- Opaque::ffi_init(|work| {
                // SAFETY: `work` is memory for it, which is pinned.
                unsafe { bindings::tlsconn_work_init(work, Some(collector)) }
            }),
            expiry <- Opaque::ffi_init(|work| {
                // SAFETY: As above.
                unsafe { bindings::tlsconn_work_init(work, Some(expire)) }
            }),
        })
    }

    /// How segments after holes are kept.
    pub fn limits(&self) -> Limits<'_> {
        Limits {
            engine: &self.engine,
            total: &self.kept,
            counters: &self.counters,
            handshakes: &self.handshakes,
        }
    }

    /// Whether data on SYNs is kept. Any context.
    #[inline]
    pub fn keeps_syns(&self) -> bool {
        self.keeps_syns.load(Relaxed) != 0
    }

    /// Does something with the SYNs that have data. Any context but hard interrupts; its lock may be taken
    /// while an entry is locked, and nothing is locked after it.
    pub fn with_syns<T>(&self, act: impl FnOnce(&mut Syns) -> T) -> T {
        let mut syns = self.syns.lock();
        let done = act(&mut syns);
        self.keeps_syns.store(syns.count(), Relaxed);
        self.has_let_go_of_syns
            .store(syns.has_let_go().into(), Relaxed);
        done
    }

    /// Whether the end of data on a SYN is remembered that is not kept any longer. Any context.
    #[inline]
    pub fn has_let_go_of_syns(&self) -> bool {
        self.has_let_go_of_syns.load(Relaxed) != 0
    }

    /// Gets ready to look at packets. Process context; may sleep.
    fn prepare(&self) -> Result {
        self.payer.be_caller();
        if self.with_syns(|syns| syns.is_prepared()) {
            return Ok(());
        }
        let room = Syns::room()?;
        // Freed without the lock.
        let unused = self.with_syns(|syns| syns.prepare(room));
        drop(unused);
        Ok(())
    }

    /// Whether conntrack's table is so full that what it has let go of is to be given back at once. Any context.
    pub fn is_conntrack_nearly_full(&self) -> bool {
        // SAFETY: The namespace is alive: it has packets, or its work was not cancelled yet.
        let count = unsafe { bindings::tlsconn_ct_count(self.hooks.net()) };
        // SAFETY: No precondition.
        let max = unsafe { bindings::tlsconn_ct_max() };
        count > max / 10 * 9
    }

    /// Has packets looked at for one more user. Process context; may sleep.
    pub fn begin_tracking(&self) -> Result {
        self.prepare()?;
        self.hooks.acquire(|| tracker::lose_all(self))
    }

    /// Has packets looked at whether rules ask for it or not. Process context; may sleep.
    pub fn request_tracking(&self) -> Result {
        self.prepare()?;
        self.get_conntrack()?;
        let requested = self.hooks.request(|| tracker::lose_all(self));
        if !matches!(requested, Ok(true)) {
            self.put_conntrack();
        }
        requested.map(drop)
    }

    /// Takes such a request back. Process context; may sleep.
    pub fn withdraw_tracking(&self) {
        if self.hooks.withdraw() {
            self.put_conntrack();
        }
    }

    /// Has conntrack on for one more user, for IPv4 and IPv6, as the tracker sees both. Process context; may sleep.
    pub(super) fn get_conntrack(&self) -> Result {
        // SAFETY: The namespace is alive: it has rules, or a socket.
        to_result(unsafe { bindings::nf_ct_netns_get(self.hooks.net(), CONNTRACK) })
    }

    /// Gives up one `get_conntrack`; also after the namespace's exit. Process context; may sleep.
    pub(super) fn put_conntrack(&self) {
        // SAFETY: The namespace's memory outlives its rules; it was got before.
        unsafe { bindings::nf_ct_netns_put(self.hooks.net(), CONNTRACK) };
    }

    /// The namespace.
    pub(super) fn net(&self) -> Net<'_> {
        // SAFETY: The state is memory of the namespace.
        unsafe { Net::from_raw(self.hooks.net()) }
    }

    /// Has connections and SYNs looked after soon. Any context.
    pub fn schedule_collection(&self) {
        // SAFETY: The work was initialised.
        unsafe { bindings::tlsconn_work_schedule(self.collector.get(), COLLECT_EVERY_MS) };
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
        // SAFETY: The work was initialised.
        unsafe { bindings::tlsconn_work_hasten(self.collector.get(), 0) };
    }

    /// How many connections were made since this was asked for last.
    pub fn take_made(&self) -> u64 {
        u64::from(self.made.xchg(0, Relaxed))
    }

    /// Has pins released whose time is over in so many nanoseconds, or when it was to be done before. Any context.
    pub fn schedule_expiry(&self, nanoseconds: u64) {
        // Rounded up, so that it is over then; a day at most, after which it is looked again.
        let milliseconds = nanoseconds.saturating_add(999_999) / 1_000_000;
        let milliseconds = milliseconds.min(86_400_000) as c_uint;
        // SAFETY: The work was initialised.
        unsafe { bindings::tlsconn_work_hasten(self.expiry.get(), milliseconds) };
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

    /// Notes whether any does, and by both ends. Under the pins' lock.
    pub fn note_armed_pins(&self, are_any: bool, by_ends: bool) {
        self.armed.store(are_any.into(), Relaxed);
        self.by_ends.store(by_ends.into(), Relaxed);
    }

    /// Ends a connection: releases its pins and takes it out of the table. Any context; no entry may be locked.
    pub fn end(&self, entry: &Entry) {
        let mut locked = entry.lock();
        if let Some(tracked) = locked
            .get()
            .filter(|tracked| tracked.flags.has(Flags::PINNED))
        {
            let has_session = tracked.links.is_some();
            self.pins
                .lock()
                .connection_ended(self, entry.id, has_session, Release::Gone);
        }
        // Whoever waits for the lock to pin it finds nothing to pin.
        let tracked = locked.take();
        drop(locked);
        let kept = tracked.map(|mut tracked| {
            tracked.clear_holes(&self.limits());
            tracked.handshake.release(&self.handshakes);
            if let Some(links) = tracked.links.take() {
                self.pins.lock().keep(entry.id, links);
            }
            tracked
        });
        self.table.remove(entry);
        // Its reference to conntrack's entry goes last: no other entry has that memory while the table knows it.
        drop(kept);
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

/// Connections of all namespaces that the initial user namespace does not own: who may make those need not be trusted with
/// memory.
static UNPRIVILEGED: Shared = Shared::none();

/// Whom a namespace's connections count with.
fn shared_of(net: *mut net) -> Option<&'static Shared> {
    // SAFETY: The namespace is being made.
    let privileged = unsafe { bindings::tlsconn_net_is_privileged(net) };
    (!privileged).then_some(&UNPRIVILEGED)
}

/// The deferred work: lets go of what conntrack has let go of. Process context.
///
/// # Safety
///
/// For the workqueue, which hands over the work of a state.
unsafe extern "C" fn collector(work: *mut kernel::bindings::work_struct) {
    // SAFETY: The work is the one that `new` has initialised.
    let work = unsafe { bindings::tlsconn_work_of(work) }.cast::<u8>();
    // SAFETY: It is a field of a state, which stays until the work is cancelled.
    let state = unsafe { &*work.sub(offset_of!(NetState, collector)).cast::<NetState>() };
    if collect::collect(state) {
        state.schedule_collection();
    }
}

/// The deferred work: releases pins whose time is over. Process context.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn expire(work: *mut kernel::bindings::work_struct) {
    // SAFETY: The work is the one that `new` has initialised.
    let work = unsafe { bindings::tlsconn_work_of(work) }.cast::<u8>();
    // SAFETY: It is a field of a state, which stays until the work is cancelled.
    let state = unsafe { &*work.sub(offset_of!(NetState, expiry)).cast::<NetState>() };
    if let Some(next) = pins::expire(state) {
        state.schedule_expiry(next);
    }
}

static ID: Global<c_uint> = Global::new(0);

static OPERATIONS: Global<bindings::pernet_operations> = Global::new(bindings::pernet_operations {
    init: Some(init),
    pre_exit: Some(pre_exit),
    exit: Some(exit),
    id: ID.get(),
    size: size_of::<NetState>(),
    // SAFETY: All-zero octets are operations that do nothing.
    ..unsafe { super::zeroed() }
});

/// A namespace comes, or the module does. Process context.
///
/// # Safety
///
/// For the kernel, which hands over a namespace with memory for a state in it; so below.
unsafe extern "C" fn init(net: *mut net) -> c_int {
    // SAFETY: The kernel has written the number, and made memory of the size asked for in the namespace.
    let state = unsafe { bindings::tlsconn_net_generic(net, *ID.get()) };
    // SAFETY: The memory is ours to fill, and stays where it is until the namespace's very end.
    let state: &'static mut MaybeUninit<NetState> = unsafe { &mut *state.cast() };
    let place = state.as_mut_ptr();
    match state.write_pin_init(NetState::new(net, place)) {
        Ok(_) => 0,
        Err(error) => error.to_errno(),
    }
}

/// A namespace goes, or the module does. Packets may still be on their way through the hooks when this returns; not
/// when `exit` begins.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn pre_exit(net: *mut net) {
    // SAFETY: The namespace is alive until its exit is over.
    NetState::of(&unsafe { Net::from_raw(net) }).hooks.shut();
}

/// Gives back what a namespace holds. Process context.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn exit(net: *mut net) {
    // SAFETY: The namespace is alive until its exit is over.
    let state = NetState::of(&unsafe { Net::from_raw(net) });
    // SAFETY: The work was initialised. What it does not get to is done here.
    unsafe { bindings::tlsconn_work_cancel(state.collector.get()) };
    // SAFETY: The work was initialised.
    unsafe { bindings::tlsconn_work_cancel(state.expiry.get()) };
    state.withdraw_tracking();
    release_all(state, Release::Gone);
    // SAFETY: A grace period has passed since the hooks went off, and nobody has a socket of the namespace.
    unsafe { state.table.destroy() };
    state.kept.free_discarded();
    // SAFETY: Nobody asks a state for it after this, and the state is not dropped.
    drop(unsafe { core::ptr::read(&state.sessions) });
    // The rules of a namespace are destroyed after this and still ask for `hooks`, so the state is not dropped whole.
    let pins = state.pins.lock().take();
    drop(pins);
    // SAFETY: Nobody sees packets of the namespace any more, nor has a socket in it.
    unsafe { state.counters.memory().free() };
    let syns = state.with_syns(|syns| core::mem::replace(syns, Syns::none()));
    drop(syns);
    // SAFETY: Nobody sees packets of the namespace any more, and its work is cancelled.
    unsafe { state.payer.leave() };
}

/// The registration for every namespace; all of them are left when dropped.
pub struct Registration(());

impl Registration {
    /// Registers. Process context. Called once, by [`super::Registrations::new`].
    pub(super) fn new() -> Result<Self> {
        // SAFETY: The operations live as long as the module, and as this is called once they are in no list.
        to_result(unsafe { bindings::register_pernet_subsys(OPERATIONS.get()) })?;
        Ok(Self(()))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: They were registered.
        unsafe { bindings::unregister_pernet_subsys(OPERATIONS.get()) };
    }
}
