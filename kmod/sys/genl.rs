// SPDX-License-Identifier: GPL-2.0-only

//! The generic netlink family and its table of operations.
//!
//! Handlers run in process context, one at a time (the family has no `parallel_ops`). What the family offers is written
//! down in docs/netlink/tlsconn.yaml.

use super::{
    c_name,
    message::Message,
    pernet::NetState,
    policy::{Attributes, CONNECTION_DUMP, CONNECTION_GET, PIN_DEL, PIN_GET, PIN_SET, TRACK_SET},
    rcu::{wait_for_readers, Reader},
    request::{answer, dump},
    zeroed, Global,
};
use crate::{bindings, netlink};
use core::ffi::CStr;
use kernel::{
    bindings::sk_buff,
    error::{to_result, Result},
    ffi::{c_int, c_uint},
    sync::atomic::{ordering::Relaxed, Atomic},
    ThisModule,
};

type Doit = unsafe extern "C" fn(*mut sk_buff, *mut bindings::genl_info) -> c_int;
type Dumpit = unsafe extern "C" fn(*mut sk_buff, *mut bindings::netlink_callback) -> c_int;

const fn operation(
    command: u32,
    capability: u32,
    attributes: &'static Attributes,
) -> bindings::genl_split_ops {
    // SAFETY: All-zero octets are an operation with no handler.
    let mut operation: bindings::genl_split_ops = unsafe { zeroed() };
    operation.cmd = command as u8;
    operation.flags = (bindings::GENL_UNS_ADMIN_PERM | capability) as u8;
    if !attributes.is_empty() {
        operation.policy = attributes.as_ptr();
        operation.maxattr = (attributes.len() - 1) as c_uint;
    }
    operation
}

const fn doit(
    command: u32,
    attributes: &'static Attributes,
    handler: Doit,
) -> bindings::genl_split_ops {
    let mut operation = operation(command, bindings::GENL_CMD_CAP_DO, attributes);
    operation.__bindgen_anon_1.__bindgen_anon_1.doit = Some(handler);
    operation
}

const fn dumpit(
    command: u32,
    attributes: &'static Attributes,
    handler: Dumpit,
) -> bindings::genl_split_ops {
    let mut operation = operation(command, bindings::GENL_CMD_CAP_DUMP, attributes);
    operation.__bindgen_anon_1.__bindgen_anon_2.dumpit = Some(handler);
    operation
}

// In the order of the commands, as the kernel wants them.
static OPERATIONS: Global<[bindings::genl_split_ops; OPERATION_COUNT]> = Global::new([
    doit(
        bindings::TLSCONN_CMD_CONNECTION_GET,
        &CONNECTION_GET.0,
        connection_get,
    ),
    dumpit(
        bindings::TLSCONN_CMD_CONNECTION_GET,
        &CONNECTION_DUMP.0,
        connection_dump,
    ),
    doit(bindings::TLSCONN_CMD_PIN_GET, &PIN_GET.0, pin_get),
    dumpit(bindings::TLSCONN_CMD_PIN_GET, &[], pin_dump),
    doit(bindings::TLSCONN_CMD_PIN_SET, &PIN_SET.0, pin_set),
    doit(bindings::TLSCONN_CMD_PIN_DEL, &PIN_DEL.0, pin_del),
    doit(bindings::TLSCONN_CMD_TRACK_GET, &[], track_get),
    doit(bindings::TLSCONN_CMD_TRACK_SET, &TRACK_SET.0, track_set),
    doit(bindings::TLSCONN_CMD_STATS_GET, &[], stats_get),
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
    /// Registers the family, for every namespace. Process context.
    pub fn register(module: &'static ThisModule) -> Result<Self> {
        let family = FAMILY.get();
        // SAFETY: The family is not registered yet, so nobody else knows of it.
        let fields = unsafe { &mut *family };
        fields.name = c_name(FAMILY_NAME);
        fields.version = bindings::TLSCONN_FAMILY_VERSION;
        fields.module = module.as_ptr();
        fields.split_ops = OPERATIONS.get().cast();
        fields.n_split_ops = OPERATION_COUNT as u8;
        fields.mcgrps = GROUPS.get().cast();
        fields.n_mcgrps = 1;
        fields.set_netnsok(1);
        // SAFETY: The family is complete, and lives as long as the module.
        to_result(unsafe { bindings::genl_register_family(family) })?;
        OPEN.store(1, Relaxed);
        Ok(Self(()))
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
        // SAFETY: It was registered. The call waits for handlers that run.
        unsafe { bindings::genl_unregister_family(FAMILY.get()) };
    }
}

/// Whether the family is registered, and has groups to send to.
static OPEN: Atomic<u32> = Atomic::new(0);

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
        // SAFETY: As above; the call takes the buffer.
        Ok(skb) => unsafe { bindings::tlsconn_genl_multicast(family, namespace, skb) },
        // SAFETY: As above.
        Err(_) => unsafe { bindings::tlsconn_genl_events_lost(family, namespace) },
    }
}

const FAMILY_NAME: &CStr = c"tlsconn";

/// `connection-get` of one.
///
/// # Safety
///
/// For the kernel, which hands over a valid request; so below.
unsafe extern "C" fn connection_get(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::connection::get) }
}

/// `connection-get` of all.
///
/// # Safety
///
/// For the kernel, which hands over a valid dump; so below.
unsafe extern "C" fn connection_dump(
    skb: *mut sk_buff,
    callback: *mut bindings::netlink_callback,
) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { dump(skb, callback, netlink::connection::dump) }
}

/// `pin-get` of one.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn pin_get(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::pin::get) }
}

/// `pin-get` of all.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn pin_dump(
    skb: *mut sk_buff,
    callback: *mut bindings::netlink_callback,
) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { dump(skb, callback, netlink::pin::dump) }
}

/// `pin-set`.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn pin_set(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::pin::set) }
}

/// `pin-del`.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn pin_del(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::pin::del) }
}

/// `track-get`.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn track_get(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::track::get) }
}

/// `track-set`.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn track_set(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::track::set) }
}

/// `stats-get`.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn stats_get(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::stats::get) }
}
