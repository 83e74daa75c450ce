// SPDX-License-Identifier: GPL-2.0-only

//! Packets (`struct sk_buff`) as netfilter's hooks hand them over.

use super::conntrack::{Conntrack, Direction};
use crate::bindings;
use core::{
    marker::PhantomData,
    ptr::{addr_of, NonNull},
    slice,
};

/// `NFCT_INFOMASK`: the low bits of `_nfct` are an `enum ip_conntrack_info`, the others the entry.
const INFO_MASK: u64 = 7;

/// A packet in a netfilter hook or a match.
///
/// # Invariants
///
/// The pointer is to a packet that stays as it is for `'a`, its data beginning at the network header, as it does
/// at all of netfilter's hooks for IP.
#[derive(Clone, Copy)]
pub struct Skb<'a> {
    raw: *const bindings::sk_buff,
    _life: PhantomData<&'a bindings::sk_buff>,
}

impl<'a> Skb<'a> {
    /// # Safety
    ///
    /// `raw` is a packet at one of netfilter's hooks for IP that the caller may read for `'a`.
    #[inline]
    pub unsafe fn from_raw(raw: *const bindings::sk_buff) -> Self {
        Self {
            raw,
            _life: PhantomData,
        }
    }

    /// What lies in one piece at the start of its data.
    #[inline]
    fn bytes(self) -> &'a [u8] {
        // SAFETY: By the invariant the packet is valid.
        let (data, len, paged) =
            unsafe { ((*self.raw).data, (*self.raw).len, (*self.raw).data_len) };
        // SAFETY: All but `data_len` bytes of a packet's `len` lie from `data` on, and nobody changes them for as
        // long: whoever shares a packet takes a copy before it writes.
        unsafe { slice::from_raw_parts(data, len.wrapping_sub(paged) as usize) }
    }

    /// `count` bytes from `offset`, if they lie in one piece with the start of the data.
    #[inline]
    pub fn slice(self, offset: u32, count: u32) -> Option<&'a [u8]> {
        self.bytes().get(offset as usize..)?.get(..count as usize)
    }

    /// As C knows it.
    #[inline]
    pub(super) fn as_raw(self) -> *const bindings::sk_buff {
        self.raw
    }

    /// Its conntrack entry and direction, as one number.
    #[inline(always)]
    pub(super) fn entry_and_direction(self) -> u64 {
        // SAFETY: By the invariant the packet is valid.
        unsafe { (*self.raw)._nfct as u64 }
    }

    /// `N` bytes from `offset`, if they lie in one piece with the start of the data.
    #[inline]
    pub fn linear<const N: usize>(self, offset: u32) -> Option<&'a [u8; N]> {
        // SAFETY: By the invariant the packet is valid.
        let (data, len, paged) =
            unsafe { ((*self.raw).data, (*self.raw).len, (*self.raw).data_len) };
        let offset = offset as usize;
        if offset.checked_add(N)? > len.wrapping_sub(paged) as usize {
            return None;
        }
        // SAFETY: All but `data_len` bytes of a packet's `len` lie from `data` on, and these are among them; nobody
        // changes them for as long.
        Some(unsafe { &*data.add(offset).cast() })
    }

    /// A copy of `N` bytes from `offset`, if they lie in one of its pages: whoever sent them may be writing there.
    #[inline]
    pub fn in_page<const N: usize>(self, offset: u32) -> Option<[u8; N]> {
        // SAFETY: By the invariant the packet is valid.
        let start = unsafe { bindings::tlsconn_skb_in_page(self.raw, offset, N as u32) };
        if start.is_null() {
            return None;
        }
        // SAFETY: There are `N` bytes from there on, and the packet holds the page.
        Some(unsafe { start.cast::<[u8; N]>().read_volatile() })
    }

    /// Bytes from the start of its data to the end, in pages and fragments too.
    pub fn size(self) -> u32 {
        // SAFETY: By the invariant the packet is valid.
        unsafe { (*self.raw).len }
    }

    /// Copies `to.len()` bytes from `offset`; false where the packet ends before.
    #[inline]
    pub fn read(self, offset: u32, to: &mut [u8]) -> bool {
        let linear = self.bytes().get(offset as usize..);
        if let Some(linear) = linear.and_then(|linear| linear.get(..to.len())) {
            copy(to, linear);
            return true;
        }
        self.read_paged(offset, to)
    }

    fn read_paged(self, offset: u32, to: &mut [u8]) -> bool {
        let (Ok(from), Ok(count)) = (i32::try_from(offset), i32::try_from(to.len())) else {
            return false;
        };
        // SAFETY: `to` has room for `count` bytes; the function checks the offset against the packet's length.
        unsafe { bindings::skb_copy_bits(self.raw, from, to.as_mut_ptr().cast(), count) == 0 }
    }

    /// A reference to the packet as it is now. None when there is no memory. Any context.
    pub fn to_owned(self) -> Option<OwnedSkb> {
        // SAFETY: By the invariant the packet is valid. What is shared with it is not written to by whoever has it.
        let raw = unsafe { bindings::tlsconn_skb_keep(self.raw) };
        NonNull::new(raw).map(OwnedSkb)
    }

    /// The address of the conntrack entry it belongs to, of whatever protocol.
    #[inline(always)]
    pub(super) fn entry(self) -> Option<*const bindings::nf_conn> {
        let entry = (self.entry_and_direction() & !INFO_MASK) as *const bindings::nf_conn;
        (!entry.is_null()).then_some(entry)
    }

    /// Its direction, by its conntrack entry.
    #[inline(always)]
    pub fn direction(self) -> Direction {
        match self.entry_and_direction() & INFO_MASK >= bindings::IP_CT_IS_REPLY.into() {
            true => Direction::Reply,
            false => Direction::Original,
        }
    }

    /// Its direction, if it is a packet of an established connection itself: none that is about one (an ICMP error), that
    /// opens one, or that came before any answer.
    #[inline(always)]
    pub fn established(self) -> Option<Direction> {
        const ORIGINAL: u64 = bindings::IP_CT_ESTABLISHED as u64;
        const REPLY: u64 = bindings::IP_CT_IS_REPLY as u64;
        match self.entry_and_direction() & INFO_MASK {
            ORIGINAL => Some(Direction::Original),
            REPLY => Some(Direction::Reply),
            _ => None,
        }
    }

    /// The conntrack entry it belongs to and its direction. None: untracked, invalid, a template, not TCP.
    #[inline]
    pub fn conntrack(&self) -> Option<(&'a Conntrack, Direction)> {
        let entry = self.entry()?;
        // SAFETY: The packet holds a reference to the entry; bits of the status change under us, so it is read once.
        let status = unsafe { addr_of!((*entry).status).read_volatile() };
        // SAFETY: As above; the original tuple does not change.
        let protocol = unsafe { (*entry).tuplehash[0].tuple.dst.protonum };
        if status & bindings::IPS_TEMPLATE as usize != 0 || protocol != bindings::IPPROTO_TCP as u8
        {
            return None;
        }
        // SAFETY: The packet holds a reference to the entry for as long as it lives, and it is TCP.
        Some((unsafe { Conntrack::from_raw(entry) }, self.direction()))
    }

    /// Where the TCP header of an IPv6 packet is; None when it has none, or is a fragment.
    pub fn ipv6_tcp_offset(self, first_header: u8, after_ip: u32) -> Option<u32> {
        let start = i32::try_from(after_ip).ok()?;
        let mut header = first_header;
        let mut fragment: bindings::__be16 = 0;
        // SAFETY: The function reads the packet within its bounds and writes to the two locals.
        let offset =
            unsafe { bindings::ipv6_skip_exthdr(self.raw, start, &mut header, &mut fragment) };
        // The lowest three bits of the fragment field are flags (RFC 8200 4.5).
        if header != bindings::IPPROTO_TCP as u8 || u16::from_be(fragment) & !7 != 0 {
            return None;
        }
        u32::try_from(offset).ok()
    }
}

/// A packet that nobody else has: a clone, which shares its bytes with the one that it was made from.
pub struct OwnedSkb(NonNull<bindings::sk_buff>);

// SAFETY: It is ours alone, and the bytes that it shares are counted by the kernel.
unsafe impl Send for OwnedSkb {}

impl OwnedSkb {
    /// The packet.
    pub fn as_skb(&self) -> Skb<'_> {
        // SAFETY: It is valid as long as `self`, its data begins where that of the packet in the hook did.
        unsafe { Skb::from_raw(self.0.as_ptr()) }
    }

    /// Bytes of memory that it holds, shared ones too.
    pub fn memory(&self) -> u32 {
        // SAFETY: It is valid.
        unsafe { (*self.0.as_ptr()).truesize }
    }
}

impl Drop for OwnedSkb {
    fn drop(&mut self) {
        // SAFETY: It is ours, and nobody uses it any more. Any context but hard interrupts.
        unsafe { bindings::tlsconn_skb_let_go(self.0.as_ptr()) }
    }
}

/// Copies bytes, eight at a time: no more than there are on both sides. `copy_from_slice` has a panic path.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    let (mut to, mut from) = (to.chunks_exact_mut(8), from.chunks_exact(8));
    for (to, from) in to.by_ref().zip(from.by_ref()) {
        if let (Some(to), Some(from)) = (to.first_chunk_mut::<8>(), from.first_chunk::<8>()) {
            *to = *from;
        }
    }
    let (to, from) = (to.into_remainder(), from.remainder());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}
