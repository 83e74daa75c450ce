// SPDX-License-Identifier: GPL-2.0-only

//! The generic netlink family and its table of operations.
//!
//! Handlers run in process context, beside each other (`parallel_ops`): generic netlink holds none of its mutexes then.
//! What must not be done twice at a time in a namespace has the mutex of that (`NetState::commands`). What the family
//! offers is written down in docs/netlink/tlsconn.yaml.

use super::{
    c_name,
    message::Message,
    pernet::NetState,
    policy::{
        ConnectionDump, ConnectionGet, PinDel, PinDump, PinGet, PinSet, Policy, StatsGet, Table,
        TrackGet, TrackSet,
    },
    rcu::{wait_for_readers, Reader},
    request::{answer, tell as tell_all, Answer, Tell},
    zeroed, Global,
};
use crate::bindings;
use core::ffi::CStr;
use kernel::{
    error::{code::EAGAIN, to_result, Result},
    ffi::{c_int, c_uint},
    sync::atomic::{
        ordering::{Acquire, Relaxed, Release},
        Atomic,
    },
    ThisModule,
};

const fn operation<P: Policy>(command: u32, capability: u32) -> bindings::genl_split_ops {
    // SAFETY: All-zero octets are an operation with no handler.
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

const fn doit<O: Answer>() -> bindings::genl_split_ops {
    let mut operation = operation::<O>(O::COMMAND, bindings::GENL_CMD_CAP_DO);
    operation.__bindgen_anon_1.__bindgen_anon_1.doit = Some(answer::<O>);
    operation
}

const fn dumpit<O: Tell>() -> bindings::genl_split_ops {
    let mut operation = operation::<O>(O::COMMAND, bindings::GENL_CMD_CAP_DUMP);
    operation.__bindgen_anon_1.__bindgen_anon_2.start = Some(start);
    operation.__bindgen_anon_1.__bindgen_anon_2.dumpit = Some(tell_all::<O>);
    operation
}

// In the order of the commands, as the kernel wants them.
static OPERATIONS: Global<[bindings::genl_split_ops; OPERATION_COUNT]> = Global::new([
    doit::<ConnectionGet>(),
    dumpit::<ConnectionDump>(),
    doit::<PinGet>(),
    dumpit::<PinDump>(),
    doit::<PinSet>(),
    doit::<PinDel>(),
    doit::<TrackGet>(),
    doit::<TrackSet>(),
    doit::<StatsGet>(),
]);
const OPERATION_COUNT: usize = 9;

/// The groups that may be listened to, with CAP_NET_ADMIN in the namespace's user namespace.
static GROUPS: Global<[bindings::genl_multicast_group; 1]> =
    Global::new([bindings::genl_multicast_group {
        name: c_name(c"events"),
        flags: bindings::TLSCONN_MCAST_ADMIN as u8,
    }]);

static FAMILY: Global<bindings::genl_family> = Global::new(
    // SAFETY: All-zero octets are a family with nothing in it.
    unsafe { zeroed() },
);

/// The registered family; gone when dropped.
pub struct Family(());

impl Family {
    /// Registers the family, for every namespace. Process context. Called once, by [`super::Registrations::new`].
    pub(super) fn register(module: &'static ThisModule) -> Result<Self> {
        let family = FAMILY.get();
        // SAFETY: This is called once, so the family is not registered, and nobody else knows of it.
        let fields = unsafe { &mut *family };
        fields.name = c_name(FAMILY_NAME);
        fields.version = bindings::TLSCONN_FAMILY_VERSION;
        fields.module = module.as_ptr();
        fields.split_ops = OPERATIONS.get().cast();
        fields.n_split_ops = OPERATION_COUNT as u8;
        fields.mcgrps = GROUPS.get().cast();
        fields.n_mcgrps = 1;
        fields.set_netnsok(1);
        fields.set_parallel_ops(1);
        // SAFETY: The family is complete, and lives as long as the module.
        to_result(unsafe { bindings::genl_register_family(family) })?;
        Ok(Self(()))
    }

    /// Lets dumps begin and events be told, once nothing can fail any more: a dump that has begun keeps the module, which
    /// a module that fails to load does not heed.
    pub(super) fn open(&self) {
        OPEN.store(1, Release);
    }

    pub(super) fn as_raw() -> *const bindings::genl_family {
        FAMILY.get()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        OPEN.store(0, Relaxed);
        // Whoever has found it open and is sending to listeners has ended then.
        wait_for_readers();
        // SAFETY: It was registered. The call waits for handlers that run for requests, also beside each other, as each
        // holds generic netlink's semaphore for reading. A dump goes on without it: each holds the module, so that there
        // is none when the module goes, and none has begun where the module fails to load.
        unsafe { bindings::genl_unregister_family(FAMILY.get()) };
    }
}

/// Whether the family is in use.
static OPEN: Atomic<u32> = Atomic::new(0);

/// Begins a dump.
///
/// # Safety
///
/// None is needed: nothing is looked at.
unsafe extern "C" fn start(_callback: *mut bindings::netlink_callback) -> c_int {
    match OPEN.load(Acquire) {
        0 => EAGAIN.to_errno(),
        _ => 0,
    }
}

/// Tells those who listen to the group `events` in a namespace; `fill` makes the message if there are any. Any context,
/// while the namespace is alive. Where there is no memory they learn that events were lost.
pub fn tell(net: &NetState, command: u32, fill: impl FnOnce(&mut Message<'_>) -> Result) {
    let _rcu = Reader::begin();
    let (family, namespace) = (Family::as_raw(), net.net().as_raw());
    if OPEN.load(Relaxed) == 0 {
        return;
    }
    // SAFETY: The family stays registered until this RCU read side has ended; the namespace is alive.
    if !unsafe { bindings::tlsconn_genl_has_listeners(family, namespace) } {
        return;
    }
    match Message::event(command, fill) {
        // SAFETY: Both are there as they were for the question before; the call takes the buffer.
        Ok(skb) => unsafe { bindings::tlsconn_genl_multicast(family, namespace, skb) },
        // SAFETY: Both are there as they were for the question before.
        Err(_) => unsafe { bindings::tlsconn_genl_events_lost(family, namespace) },
    }
}

const FAMILY_NAME: &CStr = c"tlsconn";
