// SPDX-License-Identifier: GPL-2.0-only

//! What the module keeps for each network namespace, and its coming and going.

use super::{
    hooks::Hooks,
    lock::SpinLockBh,
    sessions::Index,
    table::{Entry, Table},
    Global,
};
use crate::{
    bindings,
    counters::Counters,
    holes::{Limits, Total},
    netlink::events::Release,
    parameters,
    pins::{self, release_all, Pins},
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
    prelude::*,
    sync::atomic::{ordering::Relaxed, Atomic},
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
    #[pin]
    pub sessions: Index,
    /// Its pins. The lock comes after an entry's.
    #[pin]
    pub pins: SpinLockBh<Pins>,
    /// Whether packets are looked at.
    #[pin]
    pub hooks: Hooks,
    /// How its connections are followed: the module's parameters.
    pub engine: tls::Config,
    /// What is kept behind holes.
    pub kept: Total,
    /// What it has seen.
    pub counters: Counters,
    unconfirmed: Atomic<u32>,
    made: Atomic<u32>,
    armed: Atomic<u32>,
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
            sessions <- Index::new(),
            // The last that can fail: it cannot be dropped.
            table <- Table::new(),
            engine: parameters::engine(),
            kept: Total::new(parameters::hole_octets_total()),
            unconfirmed: Atomic::new(0),
            made: Atomic::new(0),
            armed: Atomic::new(0),
            hooks <- Hooks::new(net, place),
            collector <- Opaque::ffi_init(|work| {
                // SAFETY: `work` is memory for it, which is pinned.
                unsafe { bindings::tlsconn_work_init(work, Some(collect)) }
            }),
            expiry <- Opaque::ffi_init(|work| {
                // SAFETY: As above.
                unsafe { bindings::tlsconn_work_init(work, Some(expire)) }
            }),
        })
    }

    /// How segments behind holes are kept.
    pub fn limits(&self) -> Limits<'_> {
        Limits {
            engine: &self.engine,
            total: &self.kept,
            counters: &self.counters,
        }
    }

    /// Whether one more record may be made on an unconfirmed entry before the next collection. Any context.
    pub fn may_hold_unconfirmed(&self, max: u32) -> bool {
        self.unconfirmed.load(Relaxed) < max && self.unconfirmed.fetch_add(1, Relaxed) < max
    }

    /// Has packets looked at for one more user. Process context; may sleep.
    pub fn begin_tracking(&self) -> Result {
        self.hooks.acquire(|| tracker::lose_all(self))
    }

    /// Has packets looked at whether rules ask for it or not. Process context; may sleep.
    pub fn request_tracking(&self) -> Result {
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

    /// Has the table gone through soon. Any context.
    fn schedule_collection(&self) {
        // SAFETY: The work was initialised.
        unsafe { bindings::tlsconn_work_schedule(self.collector.get(), COLLECT_EVERY_MS) };
    }

    /// Has the table gone through as one more connection was made: soon, or at once where they are many. Under a flood
    /// conntrack evicts entries as fast as it makes them, and those that we hold stay until they are collected. Any
    /// context.
    pub fn note_made(&self) {
        let made = self.made.fetch_add(1, Relaxed).wrapping_add(1);
        // Going through many is worth it for as many only.
        if u64::from(made) < MADE_MAX.max(self.table.len() / 4) {
            return self.schedule_collection();
        }
        // SAFETY: The work was initialised.
        unsafe { bindings::tlsconn_work_hasten(self.collector.get(), 0) };
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

    /// Notes whether one does. Under the pins' lock.
    pub fn note_armed_pins(&self, are_any: bool) {
        self.armed.store(are_any.into(), Relaxed);
    }

    /// Ends a connection: releases its pins and takes it out of the table. Any context; no entry may be locked.
    pub fn end(&self, entry: &Entry) {
        let mut locked = entry.lock();
        if let Some(tracked) = locked
            .as_ref()
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
        if let Some(mut tracked) = tracked {
            tracked.clear_holes(&self.limits());
            if let Some(links) = tracked.links.take() {
                self.pins.lock().keep(entry.id, links);
            }
        }
        self.table.remove(entry);
    }
}

/// The deferred work: lets go of what conntrack has let go of. Process context.
///
/// # Safety
///
/// For the workqueue, which hands over the work of a state.
unsafe extern "C" fn collect(work: *mut kernel::bindings::work_struct) {
    // SAFETY: The work is the one that `new` has initialised.
    let work = unsafe { bindings::tlsconn_work_of(work) }.cast::<u8>();
    // SAFETY: It is a field of a state, which stays until the work is cancelled.
    let state = unsafe { &*work.sub(offset_of!(NetState, collector)).cast::<NetState>() };
    state.unconfirmed.store(0, Relaxed);
    state.made.store(0, Relaxed);
    if tracker::collect(state) {
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
    // SAFETY: As above.
    unsafe { bindings::tlsconn_work_cancel(state.expiry.get()) };
    state.withdraw_tracking();
    release_all(state, Release::Gone);
    // SAFETY: A grace period has passed since the hooks went off, and nobody has a socket of the namespace.
    unsafe { state.table.destroy() };
    // SAFETY: With the connections all that they issued was taken out.
    unsafe { state.sessions.destroy() };
    // The rules of a namespace are destroyed after this and still ask for `hooks`, so the state is not dropped whole.
    let pins = state.pins.lock().take();
    drop(pins);
    // SAFETY: Nobody sees packets of the namespace any more, nor has a socket in it.
    unsafe { state.counters.memory().free() };
}

/// The registration for every namespace; all of them are left when dropped.
pub struct Registration(());

impl Registration {
    /// Registers. Process context.
    pub fn new() -> Result<Self> {
        // SAFETY: The operations live as long as the module.
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
