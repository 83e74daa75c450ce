// SPDX-License-Identifier: GPL-2.0-only

//! Families of generic netlink (`struct genl_family`), with their operations and a group that is told of events.
//!
//! Handlers run in process context, beside each other (`parallel_ops`): generic netlink holds none of its mutexes then.

use super::{
    c_name,
    message::Message,
    net::Net,
    pernet::{self, Namespace},
    policy::{Policy, Table},
    rcu::{synchronize_rcu, Reader},
    request::{answer, tell, Answer, Tell},
    zeroed, Global,
};
use crate::bindings;
use core::{ffi::CStr, marker::PhantomData};
use kernel::{
    bindings::net,
    error::{code::EAGAIN, to_result, Result},
    ffi::{c_int, c_uint},
    sync::atomic::{
        ordering::{Acquire, Relaxed, Release},
        Atomic,
    },
    ThisModule,
};

/// An operation of a family, for namespaces that have states of a kind.
#[repr(transparent)]
pub struct Operation<S>(bindings::genl_split_ops, PhantomData<fn() -> S>);

// SAFETY: It is only read.
unsafe impl<S> Sync for Operation<S> {}

const fn operation<P: Policy>(command: u32, capability: u32) -> bindings::genl_split_ops {
    // SAFETY: All-zero bytes are an operation with no handler.
    let mut operation: bindings::genl_split_ops = unsafe { zeroed() };
    operation.cmd = command as u8;
    operation.flags = (bindings::GENL_UNS_ADMIN_PERM | capability) as u8;
    let Table(attributes) = P::TABLE;
    if !attributes.is_empty() {
        operation.policy = attributes.as_ptr();
        operation.maxattr = (attributes.len() - 1) as c_uint;
    }
    operation
}

impl<S: Offers> Operation<S> {
    /// One that is answered.
    pub const fn answered<O: Answer<State = S>>() -> Self {
        let mut operation = operation::<O>(O::COMMAND, bindings::GENL_CMD_CAP_DO);
        operation.__bindgen_anon_1.__bindgen_anon_1.doit = Some(answer::<O>);
        Self(operation, PhantomData)
    }

    /// A dump.
    pub const fn told<O: Tell<State = S>>() -> Self {
        let mut operation = operation::<O>(O::COMMAND, bindings::GENL_CMD_CAP_DUMP);
        operation.__bindgen_anon_1.__bindgen_anon_2.start = Some(start::<S>);
        operation.__bindgen_anon_1.__bindgen_anon_2.dumpit = Some(tell::<O>);
        Self(operation, PhantomData)
    }
}

/// A family, for namespaces that have states of a kind.
pub struct Family<S: Offers> {
    family: Global<bindings::genl_family>,
    groups: Global<[bindings::genl_multicast_group; 1]>,
    /// Whether it is in use.
    open: Atomic<u32>,
    _of: PhantomData<fn() -> S>,
}

/// What is offered about namespaces: one family.
pub trait Offers: pernet::State {
    /// The family: a `static`, always the same one.
    fn family() -> &'static Family<Self>;
    /// Its name.
    const NAME: &'static CStr;
    /// The version of what it offers.
    const VERSION: u32;
    /// Its group, which may be listened to with CAP_NET_ADMIN in the namespace's user namespace.
    const EVENTS: &'static CStr;
    /// A socket of generic netlink, which may have asked for something, is closed. Process context; may sleep.
    fn closed(net: &Namespace<Self>, port: u32);
    /// What may be asked for, in the order of the commands, as the kernel wants them.
    const OPERATIONS: &'static [Operation<Self>];
}

impl<S: Offers> Family<S> {
    /// Not registered yet: for a `static`.
    pub const fn unregistered() -> Self {
        Self {
            family: Global::new(
                // SAFETY: All-zero bytes are a family with nothing in it.
                unsafe { zeroed() },
            ),
            groups: Global::new([bindings::genl_multicast_group {
                name: c_name(S::EVENTS),
                flags: bindings::TLSCONN_MCAST_ADMIN as u8,
            }]),
            open: Atomic::new(0),
            _of: PhantomData,
        }
    }

    /// The kernel's struct, which lives as long as the module. Any context.
    pub(super) fn as_raw(&self) -> *const bindings::genl_family {
        self.family.get()
    }
}

/// The registered family; gone when dropped, before the namespaces' states are.
pub struct Registration<S: Offers>(&'static Family<S>);

impl<S: Offers> Registration<S> {
    /// Registers the family, once namespaces have states. Process context. EBUSY the second time.
    pub fn new(module: &'static ThisModule, _: &pernet::Registration<S>) -> Result<Self> {
        let all = S::family();
        all.family.claim()?;
        let family = all.family.get();
        // SAFETY: Nobody else knows of it: it was not registered before.
        let fields = unsafe { &mut *family };
        fields.name = c_name(S::NAME);
        fields.version = S::VERSION;
        fields.module = module.as_ptr();
        fields.split_ops = S::OPERATIONS.as_ptr().cast();
        fields.n_split_ops = S::OPERATIONS.len() as u8;
        fields.mcgrps = all.groups.get().cast();
        fields.n_mcgrps = 1;
        fields.set_netnsok(1);
        fields.set_parallel_ops(1);
        // SAFETY: The family is complete, and lives as long as the module.
        to_result(unsafe { bindings::genl_register_family(family) })?;
        let registered = Self(all);
        // SAFETY: The function lives as long as the module, and is called no more once the registration is dropped.
        to_result(unsafe { bindings::tlsconn_netlink_watch(Some(closed::<S>)) })?;
        Ok(registered)
    }

    /// Lets dumps begin and events be told, once nothing can fail any more: a dump that has begun keeps the module, which
    /// a module that fails to load does not heed.
    pub fn open(&self) {
        self.0.open.store(1, Release);
    }
}

impl<S: Offers> Drop for Registration<S> {
    fn drop(&mut self) {
        self.0.open.store(0, Relaxed);
        // Whoever has found it open and is sending to listeners has ended then.
        synchronize_rcu();
        // SAFETY: It was registered. The call waits for handlers that run for requests, also beside each other, as each
        // holds generic netlink's semaphore for reading. A dump goes on without it: each holds the module, so that there
        // is none when the module goes, and none has begun where the module fails to load.
        unsafe { bindings::genl_unregister_family(self.0.family.get()) };
        // SAFETY: It waits for calls that run; where none was registered it does nothing.
        unsafe { bindings::tlsconn_netlink_unwatch() };
    }
}

/// A socket is closed.
///
/// # Safety
///
/// For the kernel, which hands over the socket's namespace.
unsafe extern "C" fn closed<S: Offers>(net: *mut net, port: u32) {
    // SAFETY: A socket's namespace is alive while the socket is.
    let net = unsafe { Net::from_raw(net) };
    S::closed(Namespace::of(&net), port);
}

/// Begins a dump.
///
/// # Safety
///
/// None is needed: nothing is looked at.
unsafe extern "C" fn start<S: Offers>(_callback: *mut bindings::netlink_callback) -> c_int {
    match S::family().open.load(Acquire) {
        0 => EAGAIN.to_errno(),
        _ => 0,
    }
}

/// Tells those who listen to the group in a namespace; `fill` makes the message if there are any. Any context, while the
/// namespace is alive. Where there is no memory they learn that events were lost.
pub fn tell_event<S: Offers>(
    net: &Namespace<S>,
    command: u32,
    fill: impl FnOnce(&mut Message<'_>) -> Result,
) {
    let _rcu = Reader::begin();
    let (family, namespace) = (S::family().as_raw(), net.net().as_raw());
    if S::family().open.load(Relaxed) == 0 {
        return;
    }
    // SAFETY: The family stays registered until this RCU read side has ended; the namespace is alive.
    if !unsafe { bindings::tlsconn_genl_has_listeners(family, namespace) } {
        return;
    }
    match Message::event::<S>(command, fill) {
        // SAFETY: Both are there as they were for the question before; the call takes the buffer.
        Ok(skb) => unsafe { bindings::tlsconn_genl_multicast(family, namespace, skb) },
        // SAFETY: Both are there as they were for the question before.
        Err(_) => unsafe { bindings::tlsconn_genl_events_lost(family, namespace) },
    }
}
