// SPDX-License-Identifier: GPL-2.0-only

//! Requests and dumps as their handlers see them.

use super::{
    genl::Offers,
    message::Message,
    net::Net,
    pernet::Namespace,
    policy::{Attribute, Flag, Kind, Policy},
};
use crate::bindings;
use core::{ffi::CStr, marker::PhantomData};
use kernel::{
    bindings::{nlattr, sk_buff},
    error::{Error, Result},
    ffi::c_int,
    str::CStrExt as _,
};

/// An operation that is answered; its policy is the type itself.
pub trait Answer: Policy + Sized {
    /// What the namespaces have that it is about.
    type State: Offers;
    /// Its command's number.
    const COMMAND: u32;
    /// Does what is asked for and answers. Process context; operations run beside each other.
    fn answer(net: &Namespace<Self::State>, request: &Request<'_, Self>) -> Result;
}

/// An operation that tells of all there are; its policy is the type itself.
pub trait Tell: Policy + Sized {
    /// What the namespaces have that it is about.
    type State: Offers;
    /// Its command's number.
    const COMMAND: u32;
    /// Adds what there is room for in one message, from where the dump stands. Where it adds nothing the dump is over.
    /// Process context; a dump's calls come one after the other, with anything in between.
    fn tell(net: &Namespace<Self::State>, dump: &mut Dump<'_, Self>) -> Result;
}

/// A request that is to be answered.
///
/// # Invariants
///
/// `info` is valid for the lifetime, and the kernel has held the request against the policy's table.
pub struct Request<'a, P> {
    info: *mut bindings::genl_info,
    _life: PhantomData<(&'a bindings::genl_info, P)>,
}

impl<P: Policy> Request<'_, P> {
    /// The sender's port and the request's number, for the answer.
    pub(super) fn as_raw(&self) -> *mut bindings::genl_info {
        self.info
    }

    /// The socket's number, which no other of the namespace has as long as it is open.
    pub fn port(&self) -> u32 {
        // SAFETY: The request is valid.
        unsafe { (*self.info).snd_portid }
    }

    /// What an attribute says, if it is there.
    pub fn get<K: Kind>(&self, attribute: Attribute<P, K>) -> Option<K::Value<'_>> {
        // SAFETY: By the type's invariant the request is valid and was held against the policy's table: `attrs` has an
        // element for every number up to the table's last, and the table has a rule for that of the attribute.
        let attribute: *const nlattr =
            unsafe { *(*self.info).attrs.add(attribute.number() as usize) };
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
        K::read(unsafe { core::slice::from_raw_parts(data, usize::try_from(len).unwrap_or(0)) })
    }

    /// Whether a flag is there.
    pub fn has(&self, flag: Attribute<P, Flag>) -> bool {
        self.get(flag).is_some()
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
///
/// # Invariants
///
/// Both pointers are valid for the lifetime. The dump is of the family's socket, whose lock has its calls come one after
/// the other, and the kernel has held the request against the policy's table.
pub struct Dump<'a, P> {
    skb: *mut sk_buff,
    callback: *mut bindings::netlink_callback,
    _life: PhantomData<(&'a sk_buff, P)>,
}

impl<P: Policy> Dump<'_, P> {
    /// Where the dump stands: 0 at first, then what was set.
    pub fn position(&self) -> u64 {
        // SAFETY: The callback is valid, and only we use the union: as the array of numbers.
        unsafe { (*self.callback).__bindgen_anon_1.args[0] as u64 }
    }

    /// Sets where to go on.
    pub fn set_position(&mut self, position: u64) {
        // SAFETY: The callback is valid, and only we use the union: as the array of numbers.
        unsafe { (*self.callback).__bindgen_anon_1.args[0] = position as isize };
    }

    /// Where it stands within what is at its position, as above.
    pub fn within(&self) -> u64 {
        // SAFETY: As above.
        unsafe { (*self.callback).__bindgen_anon_1.args[1] as u64 }
    }

    /// Sets where to go on within it.
    pub fn set_within(&mut self, within: u64) {
        // SAFETY: As above.
        unsafe { (*self.callback).__bindgen_anon_1.args[1] = within as isize };
    }

    /// What was asked for.
    pub fn request(&self) -> Request<'_, P> {
        // INVARIANT: It is valid during a call, and nobody else uses it then.
        Request {
            // SAFETY: The callback is valid.
            info: unsafe { bindings::tlsconn_dump_info(self.callback) }.cast_mut(),
            _life: PhantomData,
        }
    }

    /// Adds one item; ENOSPC or EMSGSIZE when the message is full, and nothing of it is added.
    pub fn item(&mut self, fill: impl FnOnce(&mut Message<'_>) -> Result) -> Result
    where
        P: Tell,
    {
        let (mut port, mut number) = (0, 0);
        // SAFETY: The callback is valid.
        unsafe { bindings::tlsconn_dump_seq(self.callback, &mut port, &mut number) };
        // SAFETY: The buffer is the dump's, which nobody else writes to.
        let mut message = unsafe {
            Message::begin::<P::State>(self.skb, port, number, bindings::NLM_F_MULTI, P::COMMAND)?
        };
        fill(&mut message)?;
        message.end();
        Ok(())
    }

    /// Whether nothing was added in this call.
    pub fn is_empty(&self) -> bool {
        // SAFETY: The buffer is the dump's.
        unsafe { (*self.skb).len == 0 }
    }
}

/// Runs an operation.
///
/// # Safety
///
/// For the kernel, which hands over a valid request that it has held against the policy of the operation.
pub(super) unsafe extern "C" fn answer<O: Answer>(
    _skb: *mut sk_buff,
    info: *mut bindings::genl_info,
) -> c_int {
    // SAFETY: The kernel hands over a valid request.
    let net = unsafe { bindings::tlsconn_genl_net(info) };
    // INVARIANT: That is what the kernel promises.
    let request = Request::<O> {
        info,
        _life: PhantomData,
    };
    // SAFETY: A socket's namespace is alive while the socket is, and so during a call on it.
    let net = unsafe { Net::from_raw(net) };
    match O::answer(Namespace::of(&net), &request) {
        Ok(()) => 0,
        Err(error) => error.to_errno(),
    }
}

/// Goes on with a dump.
///
/// # Safety
///
/// For the kernel, which hands over a valid dump whose request it has held against the policy of the operation.
pub(super) unsafe extern "C" fn tell<O: Tell>(
    skb: *mut sk_buff,
    callback: *mut bindings::netlink_callback,
) -> c_int {
    // SAFETY: The kernel hands over a valid dump.
    let net = unsafe { bindings::tlsconn_dump_net(callback) };
    // INVARIANT: That is what the kernel promises.
    let mut dump = Dump::<O> {
        skb,
        callback,
        _life: PhantomData,
    };
    // SAFETY: A socket's namespace is alive while the socket is, and so during a call on it.
    let net = unsafe { Net::from_raw(net) };
    if let Err(error) = O::tell(Namespace::of(&net), &mut dump) {
        return error.to_errno();
    }
    // SAFETY: The buffer is valid. A length says that there may be more; 0 ends the dump.
    unsafe { (*skb).len as c_int }
}
