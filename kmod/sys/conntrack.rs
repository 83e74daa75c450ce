// SPDX-License-Identifier: GPL-2.0-only

//! Entries of connection tracking.

use super::net::Net;
use crate::bindings;
use core::ptr::{addr_of, addr_of_mut, NonNull};
use kernel::{
    error::{to_result, Result},
    sync::{
        aref::AlwaysRefCounted,
        atomic::{
            ordering::{Full, Relaxed},
            Atomic,
        },
    },
    types::Opaque,
};

mod walk;

pub use walk::for_each_marked;

/// States of conntrack's TCP tracker that mean something here (`enum tcp_conntrack`).
pub const SYN_SENT: u8 = bindings::TCP_CONNTRACK_SYN_SENT as u8;
/// A SYN was answered.
pub const SYN_RECV: u8 = bindings::TCP_CONNTRACK_SYN_RECV as u8;
/// An RST was accepted.
pub const CLOSE: u8 = bindings::TCP_CONNTRACK_CLOSE as u8;
/// SYNs from both sides (`TCP_CONNTRACK_SYN_SENT2`, another name for this).
pub const SYN_SENT2: u8 = bindings::TCP_CONNTRACK_LISTEN as u8;

/// Which way a packet goes (`enum ip_conntrack_dir`): as the first packet of its connection, or against it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Direction {
    /// From the initiator.
    Original = bindings::IP_CT_DIR_ORIGINAL,
    /// From the responder.
    Reply = bindings::IP_CT_DIR_REPLY,
}

/// The families that conntrack is turned on for.
const FAMILIES: u8 = bindings::NFPROTO_INET as u8;

/// Has conntrack on in a namespace for one more user, for IPv4 and IPv6. Process context; may sleep.
pub(super) fn get(net: &Net<'_>) -> Result {
    // SAFETY: The namespace is alive: it has rules, or a socket.
    to_result(unsafe { bindings::nf_ct_netns_get(net.as_raw(), FAMILIES) })
}

/// Gives up one [`get`]; also after the namespace's exit. Process context; may sleep.
pub(super) fn put(net: &Net<'_>) {
    // SAFETY: The namespace's memory outlives its rules; it was got before.
    unsafe { bindings::nf_ct_netns_put(net.as_raw(), FAMILIES) };
}

/// How full conntrack's table is in a namespace: of how many entries at most. Any context.
pub fn fill(net: &Net<'_>) -> (u32, u32) {
    // SAFETY: The namespace is alive.
    let count = unsafe { bindings::tlsconn_ct_count(net.as_raw()) };
    // SAFETY: No precondition.
    (count, unsafe { bindings::tlsconn_ct_max() })
}

/// A conntrack entry (`struct nf_conn`).
///
/// # Invariants
///
/// Whoever has a `&Conntrack` holds a reference to the entry, or knows of somebody who does for as long.
#[repr(transparent)]
pub struct Conntrack(Opaque<bindings::nf_conn>);

// SAFETY: The count is conntrack's own, and the entry stays until it is 0.
unsafe impl AlwaysRefCounted for Conntrack {
    fn inc_ref(&self) {
        // SAFETY: By the type's invariant a reference exists, so the count is not zero.
        unsafe { bindings::tlsconn_ct_hold(self.as_raw()) }
    }

    unsafe fn dec_ref(entry: NonNull<Self>) {
        // SAFETY: The caller gives up a reference of its own. May be called in any context.
        unsafe { bindings::tlsconn_ct_put(entry.as_ptr().cast()) }
    }
}

// SAFETY: The entry is shared between CPUs by the kernel itself; what we change of it is atomic.
unsafe impl Send for Conntrack {}
// SAFETY: As above.
unsafe impl Sync for Conntrack {}

/// Whether an entry is dying, or another one whose memory it has become.
///
/// # Safety
///
/// A reference to the entry was held when the RCU read side that the caller is in began, or later: conntrack's memory
/// stays that of entries for as long (`SLAB_TYPESAFE_BY_RCU`).
pub unsafe fn is_dying(entry: *const bindings::nf_conn) -> bool {
    // SAFETY: By the caller's promise the memory is an entry's; bits of the status change under us, so it is read once.
    let status = unsafe { addr_of!((*entry).status).read_volatile() };
    status & bindings::IPS_DYING as usize != 0
}

/// What conntrack knows a connection by, before NAT, and its zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tuple {
    src: [u8; 16],
    dst: [u8; 16],
    ports: [u16; 2],
    family: u16,
    zone: u16,
}

impl Tuple {
    /// Bytes that are the same for the same tuple only.
    pub fn bytes(&self) -> [u8; 40] {
        let mut bytes = [0; 40];
        let [p0, p1] = self.ports.map(u16::to_ne_bytes);
        let numbers = [p0, p1, self.family.to_ne_bytes(), self.zone.to_ne_bytes()];
        let all = self
            .src
            .iter()
            .chain(&self.dst)
            .chain(numbers.as_flattened());
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        bytes
    }
}

/// An address and port before NAT.
#[derive(Clone, Copy)]
pub struct Endpoint {
    /// In network order; the first 4 bytes for IPv4.
    pub address: [u8; 16],
    /// In host order.
    pub port: u16,
}

impl Endpoint {
    fn of(address: [u8; 16], port: u16) -> Self {
        Self {
            address,
            port: u16::from_be(port),
        }
    }
}

impl Conntrack {
    /// # Safety
    ///
    /// `ptr` is a conntrack entry of TCP to which a reference is held for `'a`.
    pub unsafe fn from_raw<'a>(ptr: *const bindings::nf_conn) -> &'a Self {
        // SAFETY: The type is a transparent wrapper, and the caller promises validity.
        unsafe { &*ptr.cast() }
    }

    /// The entry as C knows it.
    pub fn as_raw(&self) -> *mut bindings::nf_conn {
        self.0.get()
    }

    /// Its state in conntrack's TCP tracker.
    pub fn tcp_state(&self) -> u8 {
        // SAFETY: By the type's invariant the entry is valid.
        unsafe { bindings::tlsconn_ct_tcp_state(self.as_raw()) }
    }

    /// Whether no SYN was answered yet.
    pub fn is_opening(&self) -> bool {
        matches!(self.tcp_state(), SYN_SENT | SYN_SENT2)
    }

    /// Whether conntrack took it up from the middle of a connection, with no SYN.
    pub fn is_picked_up(&self) -> bool {
        // SAFETY: By the type's invariant the entry is valid.
        unsafe { bindings::tlsconn_ct_picked_up(self.as_raw()) }
    }

    /// Whether conntrack has taken it out of its table for good (`IPS_DYING`).
    pub fn is_dying(&self) -> bool {
        self.status() & bindings::IPS_DYING as usize != 0
    }

    /// Whether it is or was in conntrack's table: its first packet passed (`IPS_CONFIRMED`).
    pub fn is_confirmed(&self) -> bool {
        self.status() & bindings::IPS_CONFIRMED as usize != 0
    }

    /// Whether conntrack has let go of it, or will as soon as anybody asks for it, as its time is over.
    pub fn is_gone(&self) -> bool {
        // SAFETY: By the type's invariant the entry is valid.
        self.is_dying() || unsafe { bindings::tlsconn_ct_is_over(self.as_raw()) }
    }

    #[inline]
    fn status(&self) -> usize {
        // SAFETY: By the type's invariant the entry is valid; bits of the status change under us, so it is read once.
        unsafe { addr_of!((*self.as_raw()).status).read_volatile() }
    }

    /// Whether its sequence numbers are shifted on the way through here (`IPS_SEQ_ADJUST`).
    #[inline]
    pub fn is_shifted(&self) -> bool {
        self.status() & bindings::IPS_SEQ_ADJUST as usize != 0
    }

    /// How far those of a direction are shifted where the other acknowledges `ack`.
    #[cold]
    pub fn seq_offset(&self, direction: Direction, ack: u32) -> u32 {
        // SAFETY: By the type's invariant the entry is valid; the function only reads what it keeps for the side.
        let offset = unsafe {
            bindings::nf_ct_seq_offset(self.as_raw(), direction as u32, ack.wrapping_sub(1))
        };
        offset as u32
    }

    /// The sequence number after the last byte of a direction that conntrack has accepted.
    pub fn tcp_end(&self, direction: Direction) -> u32 {
        // SAFETY: By the type's invariant the entry is valid.
        unsafe { bindings::tlsconn_ct_tcp_end(self.as_raw(), direction as u32) }
    }

    /// Whether it was expected by another connection (a helper's), whose mark it then has inherited.
    pub fn is_expected(&self) -> bool {
        // SAFETY: By the type's invariant the entry is valid; the field is set before packets carry the entry.
        let master = unsafe { (*self.as_raw()).master };
        !master.is_null()
    }

    /// How many references to it are held.
    pub fn references(&self) -> u32 {
        // SAFETY: By the type's invariant the entry is valid; the count changes under us, so it is read once.
        let count =
            unsafe { addr_of!((*self.as_raw()).ct_general.use_.refs.counter).read_volatile() };
        count as u32
    }

    /// The connection mark.
    pub fn mark(&self) -> u32 {
        self.mark_cell().load(Relaxed)
    }

    /// Writes the bits of `mask` in the mark, without losing what others write into the other bits at the same time, and
    /// notes it for conntrack's mark event. Any context; on an entry that is not confirmed only its own packet's way,
    /// and nothing but the mark is touched: what conntrack then tells of the new entry has the mark in it.
    pub fn set_mark(&self, value: u32, mask: u32) {
        let cell = self.mark_cell();
        let mut was = cell.load(Relaxed);
        loop {
            let new = (was & !mask) | (value & mask);
            if new == was {
                return;
            }
            match cell.cmpxchg(was, new, Full) {
                Ok(_) => break,
                Err(now) => was = now,
            }
        }
        // The extensions of an entry that is not confirmed are its packet's, which may reallocate them; nobody is told of it
        // yet either.
        if self.is_confirmed() {
            // SAFETY: By the type's invariant the entry is valid, and its extensions stay where they are.
            unsafe { bindings::tlsconn_ct_mark_changed(self.as_raw()) }
        }
    }

    /// The zone that it is in.
    pub fn zone(&self) -> u16 {
        // SAFETY: By the type's invariant the entry is valid.
        unsafe { bindings::tlsconn_ct_zone(self.as_raw()) }
    }

    /// Its original tuple and zone.
    pub fn tuple(&self) -> Tuple {
        let (src, dst) = (self.source(), self.destination());
        // SAFETY: The family of a valid entry does not change.
        let family = unsafe { (*self.as_raw()).tuplehash[0].tuple.src.l3num };
        Tuple {
            src: src.address,
            dst: dst.address,
            ports: [src.port, dst.port],
            family,
            zone: self.zone(),
        }
    }

    /// Delivers the events noted for this entry. Process context.
    pub fn deliver_events(&self) {
        // SAFETY: By the type's invariant the entry is valid.
        unsafe { bindings::tlsconn_ct_deliver_events(self.as_raw()) }
    }

    fn mark_cell(&self) -> &Atomic<u32> {
        // SAFETY: The entry is valid, so the pointer to its field is.
        let mark = unsafe { addr_of_mut!((*self.as_raw()).mark) };
        // SAFETY: The field is aligned and lives as long as `self`; the kernel accesses it by single loads and stores.
        unsafe { Atomic::from_ptr(mark) }
    }

    /// Whether it is TCP's: the type's others are there only while a walk looks at them.
    fn is_tcp(&self) -> bool {
        // SAFETY: By the type's invariant the entry is valid; its protocol does not change.
        let protocol = unsafe { (*self.as_raw()).tuplehash[0].tuple.dst.protonum };
        u32::from(protocol) == bindings::IPPROTO_TCP
    }

    /// Whether the addresses are IPv6.
    pub fn is_ipv6(&self) -> bool {
        // SAFETY: The tuple of a valid entry does not change once packets carry it, but for NAT of the reply side.
        let family = unsafe { (*self.as_raw()).tuplehash[0].tuple.src.l3num };
        family == bindings::NFPROTO_IPV6 as u16
    }

    /// The initiator's end, in the original direction: before NAT.
    pub fn source(&self) -> Endpoint {
        // SAFETY: The original tuple of a valid entry does not change.
        let tuple = unsafe { &(*self.as_raw()).tuplehash[0].tuple };
        // SAFETY: All members of the unions are plain integers, and the address union is 16 bytes.
        unsafe {
            Endpoint::of(
                addr_of!(tuple.src.u3).cast::<[u8; 16]>().read(),
                addr_of!(tuple.src.u).cast::<u16>().read(),
            )
        }
    }

    /// The responder's end, in the original direction: before NAT.
    pub fn destination(&self) -> Endpoint {
        // SAFETY: As above.
        let tuple = unsafe { &(*self.as_raw()).tuplehash[0].tuple };
        // SAFETY: As above.
        unsafe {
            Endpoint::of(
                addr_of!(tuple.dst.u3).cast::<[u8; 16]>().read(),
                addr_of!(tuple.dst.u).cast::<u16>().read(),
            )
        }
    }

    /// That of who sends in a direction.
    pub fn endpoint(&self, from: Direction) -> Endpoint {
        match from {
            Direction::Original => self.source(),
            Direction::Reply => self.destination(),
        }
    }
}
