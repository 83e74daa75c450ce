// SPDX-License-Identifier: GPL-2.0-only

//! Netlink messages under construction.

use super::{
    genl::Offers,
    request::{Answer, Request},
};
use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    bindings::sk_buff,
    error::{code::*, to_result, Result},
    ffi::{c_int, c_void},
};

/// Room for one connection with every field at its longest, for one pin, and for all counters.
const REPLY_BYTES: usize = 2048;

/// A message that attributes are added to. What is not ended is taken back.
pub struct Message<'a> {
    skb: *mut sk_buff,
    header: *mut c_void,
    _life: PhantomData<&'a sk_buff>,
}

impl Message<'_> {
    /// Begins a message in a buffer; EMSGSIZE when it is full.
    ///
    /// # Safety
    ///
    /// `skb` is a netlink buffer that stays valid for the message's life and that nobody else writes to.
    pub(super) unsafe fn begin<S: Offers>(
        skb: *mut sk_buff,
        port: u32,
        number: u32,
        flags: u32,
        command: u32,
    ) -> Result<Self> {
        // SAFETY: The caller promises a buffer that nobody else writes to; the family is a static with its number in it.
        let header = unsafe {
            bindings::genlmsg_put(
                skb,
                port,
                number,
                S::family().as_raw(),
                flags as c_int,
                command as u8,
            )
        };
        if header.is_null() {
            return Err(EMSGSIZE);
        }
        Ok(Self {
            skb,
            header,
            _life: PhantomData,
        })
    }

    /// Makes and sends the answer to a request. Process context.
    pub fn reply<O: Answer>(
        request: &Request<'_, O>,
        fill: impl FnOnce(&mut Message<'_>) -> Result,
    ) -> Result {
        // SAFETY: No precondition.
        let skb = unsafe { bindings::tlsconn_genl_new(REPLY_BYTES) };
        if skb.is_null() {
            return Err(ENOMEM);
        }
        let info = request.as_raw();
        // SAFETY: The request is valid.
        let (port, number) = unsafe { ((*info).snd_portid, (*info).snd_seq) };
        // SAFETY: The buffer is ours.
        let begun = unsafe { Message::begin::<O::State>(skb, port, number, 0, O::COMMAND) };
        let filled = begun.and_then(|mut message| {
            fill(&mut message)?;
            message.end();
            Ok(())
        });
        if let Err(error) = filled {
            // SAFETY: The buffer is ours, and the message that was in it is gone.
            unsafe { bindings::tlsconn_genl_free(skb) };
            return Err(error);
        }
        // SAFETY: The buffer is ours; the call takes it.
        to_result(unsafe { bindings::tlsconn_genl_reply(skb, info) })
    }

    /// Makes a message for those who listen. Any context. The buffer is the caller's.
    pub(super) fn event<S: Offers>(
        command: u32,
        fill: impl FnOnce(&mut Message<'_>) -> Result,
    ) -> Result<*mut sk_buff> {
        // SAFETY: No precondition.
        let skb = unsafe { bindings::tlsconn_genl_new_atomic(REPLY_BYTES) };
        if skb.is_null() {
            return Err(ENOMEM);
        }
        // SAFETY: The buffer is ours.
        let begun = unsafe { Message::begin::<S>(skb, 0, 0, 0, command) };
        let filled = begun.and_then(|mut message| {
            fill(&mut message)?;
            message.end();
            Ok(())
        });
        match filled {
            Ok(()) => Ok(skb),
            Err(error) => {
                // SAFETY: The buffer is ours, and the message that was in it is gone.
                unsafe { bindings::tlsconn_genl_free(skb) };
                Err(error)
            }
        }
    }

    /// Adds the time of day: nanoseconds since 1970.
    pub fn now(&mut self, attribute: u32) -> Result {
        // SAFETY: No precondition.
        let now = unsafe { bindings::tlsconn_now() };
        self.bytes(attribute, &now.to_ne_bytes())
    }

    /// Completes it.
    pub(super) fn end(self) {
        // SAFETY: The header is the message's.
        unsafe { bindings::tlsconn_genl_end(self.skb, self.header) };
        core::mem::forget(self);
    }

    /// Adds an attribute; EMSGSIZE when the message is full. So below.
    pub fn bytes(&mut self, attribute: u32, value: &[u8]) -> Result {
        let len = c_int::try_from(value.len()).map_err(|_| EMSGSIZE)?;
        // SAFETY: The buffer is valid, and `value` has `len` bytes.
        to_result(unsafe {
            bindings::nla_put(self.skb, attribute as c_int, len, value.as_ptr().cast())
        })
    }

    /// Adds a flag, where it is set.
    pub fn flag(&mut self, attribute: u32, value: bool) -> Result {
        if value {
            self.bytes(attribute, &[])
        } else {
            Ok(())
        }
    }

    /// Adds a byte.
    pub fn u8(&mut self, attribute: u32, value: u8) -> Result {
        self.bytes(attribute, &[value])
    }

    /// Adds 16 bits.
    pub fn u16(&mut self, attribute: u32, value: u16) -> Result {
        self.bytes(attribute, &value.to_ne_bytes())
    }

    /// Adds 32 bits.
    pub fn u32(&mut self, attribute: u32, value: u32) -> Result {
        self.bytes(attribute, &value.to_ne_bytes())
    }

    /// Adds an attribute of type `uint`: 4 bytes where they suffice, else 8.
    pub fn uint(&mut self, attribute: u32, value: u64) -> Result {
        match u32::try_from(value) {
            Ok(value) => self.u32(attribute, value),
            Err(_) => self.bytes(attribute, &value.to_ne_bytes()),
        }
    }

    /// Adds a string: with a NUL after it, which `value` does not hold.
    pub fn string(&mut self, attribute: u32, value: &[u8]) -> Result {
        let len = value
            .len()
            .checked_add(1)
            .and_then(|len| c_int::try_from(len).ok())
            .ok_or(EMSGSIZE)?;
        // SAFETY: The buffer is valid.
        let place = unsafe { bindings::nla_reserve(self.skb, attribute as c_int, len) };
        if place.is_null() {
            return Err(EMSGSIZE);
        }
        // SAFETY: The attribute was just made.
        let to = unsafe { bindings::tlsconn_nla_data(place) }
            .cast_mut()
            .cast::<u8>();
        // SAFETY: The attribute has room for `value` and one byte more, and is none of `value`.
        unsafe { to.copy_from_nonoverlapping(value.as_ptr(), value.len()) };
        // SAFETY: The attribute has room for one byte more than `value`.
        unsafe { to.add(value.len()).write(0) };
        Ok(())
    }

    /// Adds a nest of attributes.
    pub fn nest(&mut self, attribute: u32, fill: impl FnOnce(&mut Self) -> Result) -> Result {
        // SAFETY: The buffer is valid.
        let nest = unsafe { bindings::tlsconn_nest_start(self.skb, attribute as c_int) };
        if nest.is_null() {
            return Err(EMSGSIZE);
        }
        // An unfinished nest goes with its message.
        fill(self)?;
        // SAFETY: The nest was begun above in the same buffer.
        unsafe { bindings::tlsconn_nest_end(self.skb, nest) };
        Ok(())
    }
}

impl Drop for Message<'_> {
    fn drop(&mut self) {
        // SAFETY: The header is the message's, which was not ended.
        unsafe { bindings::tlsconn_genl_cancel(self.skb, self.header) };
    }
}
