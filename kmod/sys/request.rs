// SPDX-License-Identifier: GPL-2.0-only

//! Requests and dumps as their handlers see them.

use super::{
    message::Message,
    pernet::{Net, NetState},
};
use crate::bindings;
use core::{ffi::CStr, marker::PhantomData};
use kernel::{
    bindings::{nlattr, sk_buff},
    error::{Error, Result},
    ffi::c_int,
    str::CStrExt as _,
};

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

    /// An attribute of one octet. `number` is one of the operation's policy, here as below.
    pub fn u8(&self, number: u32) -> Option<u8> {
        self.attribute(number)?.first().copied()
    }

    /// An attribute of 32 bits.
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

    /// A nest of attributes, which the kernel has held against their policies.
    pub fn nest(&self, number: u32) -> Option<Nest<'_>> {
        self.attribute(number).map(Nest)
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

/// Attributes in a nest.
pub struct Nest<'a>(&'a [u8]);

impl<'a> Nest<'a> {
    /// An attribute's octets; of any number.
    pub fn bytes(&self, number: u32) -> Option<&'a [u8]> {
        /// What is left of a type without its flags (NLA_TYPE_MASK).
        const TYPE_MASK: u16 = 0x3fff;
        let mut rest = self.0;
        loop {
            let [l0, l1, t0, t1] = *rest.first_chunk()?;
            let len = usize::from(u16::from_ne_bytes([l0, l1]));
            let value = rest.get(4..len)?;
            if u32::from(u16::from_ne_bytes([t0, t1]) & TYPE_MASK) == number {
                return Some(value);
            }
            // Attributes begin at multiples of 4 octets.
            rest = rest.get(len.wrapping_add(3) & !3..)?;
        }
    }

    /// An octet.
    pub fn u8(&self, number: u32) -> Option<u8> {
        self.bytes(number)?.first().copied()
    }

    /// A port.
    pub fn be16(&self, number: u32) -> Option<u16> {
        self.bytes(number)?.try_into().ok().map(u16::from_be_bytes)
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

    /// What was asked for.
    pub fn request(&self) -> Request<'_> {
        Request {
            // SAFETY: The callback is valid. Nobody else uses the request during a call.
            info: unsafe { bindings::tlsconn_dump_info(self.callback) }.cast_mut(),
            _life: PhantomData,
        }
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
pub(super) unsafe fn answer(
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
pub(super) unsafe fn dump(
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
