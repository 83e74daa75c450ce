// SPDX-License-Identifier: GPL-2.0-only

//! The generic netlink family: its table of operations, and requests and dumps as the handlers see them.
//!
//! Handlers run in process context, one at a time (the family has no `parallel_ops`). What the family offers is written
//! down in docs/netlink/tlsconn.yaml.

use super::{
    c_name,
    message::Message,
    pernet::{Net, NetState},
    zeroed, Global,
};
use crate::{bindings, netlink};
use core::{ffi::CStr, marker::PhantomData};
use kernel::{
    bindings::{nlattr, sk_buff},
    error::{to_result, Error, Result},
    ffi::{c_int, c_uint},
    str::CStrExt as _,
    ThisModule,
};

type Attributes = [bindings::nla_policy];

const fn policy(kind: u32, len: u16) -> bindings::nla_policy {
    // SAFETY: All-zero octets are a valid policy: no attribute of that number.
    let mut policy: bindings::nla_policy = unsafe { zeroed() };
    policy.type_ = kind as u8;
    policy.len = len;
    policy
}

const REJECTED: bindings::nla_policy = policy(bindings::NLA_REJECT, 0);

/// A policy array, shared with the kernel, which only reads it.
struct Policies<const N: usize>([bindings::nla_policy; N]);

// SAFETY: Nobody writes to it.
unsafe impl<const N: usize> Sync for Policies<N> {}

static CONNECTION_GET: Policies<{ bindings::TLSCONN_A_CONNECTION_ID as usize + 1 }> =
    Policies([REJECTED, policy(bindings::NLA_UINT, 0)]);

static PIN_SET: Policies<{ bindings::TLSCONN_A_PIN_REPLACE as usize + 1 }> = Policies([
    REJECTED,
    policy(
        bindings::NLA_NUL_STRING,
        bindings::TLSCONN_PIN_NAME_MAX as u16,
    ),
    policy(bindings::NLA_U32, 0),
    policy(bindings::NLA_U32, 0),
    policy(bindings::NLA_UINT, 0),
    REJECTED,
    policy(bindings::NLA_FLAG, 0),
]);

static PIN_DEL: Policies<{ bindings::TLSCONN_A_PIN_ALL as usize + 1 }> = Policies([
    REJECTED,
    policy(
        bindings::NLA_NUL_STRING,
        bindings::TLSCONN_PIN_NAME_MAX as u16,
    ),
    REJECTED,
    REJECTED,
    REJECTED,
    REJECTED,
    REJECTED,
    policy(bindings::NLA_FLAG, 0),
]);

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

const fn dumpit(command: u32, handler: Dumpit) -> bindings::genl_split_ops {
    let mut operation = operation(command, bindings::GENL_CMD_CAP_DUMP, &[]);
    operation.__bindgen_anon_1.__bindgen_anon_2.dumpit = Some(handler);
    operation
}

// In the order of the commands, as the kernel wants them.
static OPERATIONS: Global<[bindings::genl_split_ops; 5]> = Global::new([
    doit(
        bindings::TLSCONN_CMD_CONNECTION_GET,
        &CONNECTION_GET.0,
        connection_get,
    ),
    dumpit(bindings::TLSCONN_CMD_CONNECTION_GET, connection_dump),
    dumpit(bindings::TLSCONN_CMD_PIN_GET, pin_dump),
    doit(bindings::TLSCONN_CMD_PIN_SET, &PIN_SET.0, pin_set),
    doit(bindings::TLSCONN_CMD_PIN_DEL, &PIN_DEL.0, pin_del),
]);

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
        fields.n_split_ops = 5;
        fields.set_netnsok(1);
        // SAFETY: The family is complete, and lives as long as the module.
        to_result(unsafe { bindings::genl_register_family(family) })?;
        Ok(Self(()))
    }

    pub(super) fn as_raw() -> *const bindings::genl_family {
        FAMILY.get()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        // SAFETY: It was registered. The call waits for handlers that run.
        unsafe { bindings::genl_unregister_family(FAMILY.get()) };
    }
}

const FAMILY_NAME: &CStr = c"tlsconn";

/// A request that is to be answered.
pub struct Request<'a> {
    info: *mut bindings::genl_info,
    _life: PhantomData<&'a bindings::genl_info>,
}

impl Request<'_> {
    /// The sender's port and the request's number, for the answer.
    pub(super) fn as_raw(&self) -> *mut bindings::genl_info {
        self.info
    }

    fn attribute(&self, number: u32) -> Option<&[u8]> {
        // SAFETY: The request is valid; `attrs` has an element for every number up to the policy's last, and handlers
        // ask for numbers of their policy only.
        let attribute: *const nlattr = unsafe { *(*self.info).attrs.add(number as usize) };
        if attribute.is_null() {
            return None;
        }
        // SAFETY: The attribute is valid as long as the request.
        let (data, len) = unsafe {
            (
                bindings::tlsconn_nla_data(attribute).cast::<u8>(),
                bindings::tlsconn_nla_len(attribute),
            )
        };
        // SAFETY: The kernel has checked the attribute's length against the message's.
        Some(unsafe { core::slice::from_raw_parts(data, usize::try_from(len).unwrap_or(0)) })
    }

    /// An attribute of 32 bits. `number` is one of the operation's policy, here as below.
    pub fn u32(&self, number: u32) -> Option<u32> {
        self.attribute(number)?
            .try_into()
            .ok()
            .map(u32::from_ne_bytes)
    }

    /// An attribute of type `uint`: 4 or 8 octets.
    pub fn uint(&self, number: u32) -> Option<u64> {
        let octets = self.attribute(number)?;
        let wide = octets.try_into().ok().map(u64::from_ne_bytes);
        wide.or_else(|| self.u32(number).map(u64::from))
    }

    /// A string without its NUL.
    pub fn string(&self, number: u32) -> Option<&[u8]> {
        self.attribute(number)?.split(|&octet| octet == 0).next()
    }

    /// Whether a flag is there.
    pub fn flag(&self, number: u32) -> bool {
        self.attribute(number).is_some()
    }

    /// The error to return, after telling the user why.
    pub fn refuse(&self, error: Error, why: &'static CStr) -> Error {
        // SAFETY: The request is valid; the extended answer may be absent.
        unsafe {
            if let Some(answer) = (*self.info).extack.as_mut() {
                answer._msg = why.as_char_ptr();
            }
        }
        error
    }
}

/// A dump that goes on where the last message was full.
pub struct Dump<'a> {
    skb: *mut sk_buff,
    callback: *mut bindings::netlink_callback,
    _life: PhantomData<&'a sk_buff>,
}

impl Dump<'_> {
    /// Where the dump stands: 0 at first, then what was set.
    pub fn position(&self) -> u64 {
        // SAFETY: The callback is valid, and only we use the union: as the array of numbers.
        unsafe { (*self.callback).__bindgen_anon_1.args[0] as u64 }
    }

    /// Sets where to go on.
    pub fn set_position(&mut self, position: u64) {
        // SAFETY: As above.
        unsafe { (*self.callback).__bindgen_anon_1.args[0] = position as isize };
    }

    /// Adds one item; ENOSPC or EMSGSIZE when the message is full, and nothing of it is added.
    pub fn item(&mut self, command: u32, fill: impl FnOnce(&mut Message<'_>) -> Result) -> Result {
        let (mut port, mut number) = (0, 0);
        // SAFETY: The callback is valid.
        unsafe { bindings::tlsconn_dump_seq(self.callback, &mut port, &mut number) };
        // SAFETY: The buffer is the dump's, which nobody else writes to.
        let mut message =
            unsafe { Message::begin(self.skb, port, number, bindings::NLM_F_MULTI, command)? };
        fill(&mut message)?;
        message.end();
        Ok(())
    }
}

/// # Safety
///
/// `info` is a request, valid during the call; `net` its namespace.
unsafe fn answer(
    info: *mut bindings::genl_info,
    handler: fn(&NetState, &Request<'_>) -> Result,
) -> c_int {
    // SAFETY: As the caller promises.
    let net = unsafe { bindings::tlsconn_genl_net(info) };
    let request = Request {
        info,
        _life: PhantomData,
    };
    // SAFETY: A socket's namespace is alive while the socket is, and so during a call on it.
    let net = unsafe { Net::from_raw(net) };
    match handler(NetState::of(&net), &request) {
        Ok(()) => 0,
        Err(error) => error.to_errno(),
    }
}

/// # Safety
///
/// `skb` and `callback` are a dump's, valid during the call.
unsafe fn dump(
    skb: *mut sk_buff,
    callback: *mut bindings::netlink_callback,
    handler: fn(&NetState, &mut Dump<'_>) -> Result,
) -> c_int {
    // SAFETY: As the caller promises.
    let net = unsafe { bindings::tlsconn_dump_net(callback) };
    let mut dump = Dump {
        skb,
        callback,
        _life: PhantomData,
    };
    // SAFETY: A socket's namespace is alive while the socket is, and so during a call on it.
    let net = unsafe { Net::from_raw(net) };
    if let Err(error) = handler(NetState::of(&net), &mut dump) {
        return error.to_errno();
    }
    // SAFETY: The buffer is valid. A length says that there may be more; 0 ends the dump.
    unsafe { (*skb).len as c_int }
}

/// `connection-get` of one.
///
/// # Safety
///
/// For the kernel, which hands over a valid request; so below.
unsafe extern "C" fn connection_get(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::connection_get) }
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
    unsafe { dump(skb, callback, netlink::connection_dump) }
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
    unsafe { dump(skb, callback, netlink::pin_dump) }
}

/// `pin-set`.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn pin_set(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::pin_set) }
}

/// `pin-del`.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn pin_del(_skb: *mut sk_buff, info: *mut bindings::genl_info) -> c_int {
    // SAFETY: As the caller promises.
    unsafe { answer(info, netlink::pin_del) }
}
