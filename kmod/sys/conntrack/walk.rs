// SPDX-License-Identifier: GPL-2.0-only

//! A walk through conntrack's table, as conntrack's own collector and /proc/net/nf_conntrack go through it: under RCU,
//! in slices, with no lock. The table is that of all namespaces.
//!
//! A chain ends with the number of its bucket. Entries' memory is used again for other entries while readers are on it
//! (SLAB_TYPESAFE_BY_RCU), and a reader is then led into another chain, whose end says so.

use super::Conntrack;
use crate::{
    bindings,
    sys::{cond_resched, net::Net, rcu::Reader},
};
use core::ptr::{null_mut, NonNull};
use kernel::{
    bindings::{hlist_nulls_head, hlist_nulls_node},
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{ordering::Acquire, Atomic},
    },
};

/// Buckets between two points at which others are let run.
const SLICE: usize = 64;

/// How often a walk begins again, with the whole table or one bucket, before it is given up. Resizing the table waits
/// for a grace period each time, and only the machine's administrator can do it.
const RESTARTS: u32 = 1000;

/// Goes through the TCP entries of a namespace that are confirmed and whose mark is `wanted`. Each that is there from
/// beginning to end is seen, some of them twice. Process context; no lock is held, and nothing is that RCU protects.
/// `look` runs under RCU, with a reference to the entry held, and must not sleep. EAGAIN when the table did not stand
/// still for long enough.
pub fn for_each_marked(
    net: &Net<'_>,
    wanted: impl Fn(u32) -> bool,
    mut look: impl FnMut(&Conntrack),
) -> Result {
    let mut restarts = 0..RESTARTS;
    let (mut next, mut size) = (0_usize, 0);
    loop {
        let rcu = Reader::begin();
        let table = Buckets::now(&rcu);
        if table.size != size {
            // Entries are in other buckets than before.
            restarts.next().ok_or(EAGAIN)?;
            (next, size) = (0, table.size);
        }
        let end = size.min(next.saturating_add(SLICE));
        while next < end {
            if table.visit(next, net, &wanted, &mut look) {
                next = next.saturating_add(1);
            } else {
                restarts.next().ok_or(EAGAIN)?;
            }
        }
        // While entries are taken over to another table a chain may lead from one to the other.
        if !core::ptr::eq(table.first, Buckets::now(&rcu).first) {
            size = 0;
        }
        drop(rcu);
        if size != 0 && next >= size {
            return Ok(());
        }
        cond_resched();
    }
}

/// The table as it is now. It stays, be it out of use, while the reader that found it lasts.
struct Buckets<'a> {
    first: *const hlist_nulls_head,
    size: usize,
    _rcu: &'a Reader,
}

impl<'a> Buckets<'a> {
    fn now(rcu: &'a Reader) -> Self {
        let (mut first, mut size) = (null_mut(), 0);
        // SAFETY: Both are valid for writes.
        unsafe { bindings::tlsconn_ct_table(&mut first, &mut size) };
        Self {
            first,
            size: size as usize,
            _rcu: rcu,
        }
    }

    /// Shows the entries of a bucket, which is one of the table's; false where the chain led elsewhere.
    fn visit(
        &self,
        bucket: usize,
        net: &Net<'_>,
        wanted: &impl Fn(u32) -> bool,
        look: &mut impl FnMut(&Conntrack),
    ) -> bool {
        if bucket >= self.size {
            return false;
        }
        // SAFETY: The table has as many buckets, and RCU keeps it.
        let mut link = unsafe { &raw const (*self.first.add(bucket)).first };
        loop {
            // SAFETY: The link is a bucket's or an entry's, both of which RCU keeps. The kernel stores it at once.
            let node = unsafe { Atomic::from_ptr(link.cast_mut()) }.load(Acquire);
            // The end of a chain is no pointer but an odd number, with the bucket's number in it.
            if node.addr() & 1 == 1 {
                return node.addr() >> 1 == bucket;
            }
            if let Some(ct) = entry_at(node, net, wanted) {
                look(&ct);
            }
            // SAFETY: What is not the end is an entry's, whose memory is one's for as long as RCU readers look.
            link = unsafe { &raw const (*node).next };
        }
    }
}

/// The entry of a link in the table, if it is one to be shown. `node` is such a link, found under RCU.
fn entry_at(
    node: *mut hlist_nulls_node,
    net: &Net<'_>,
    wanted: &impl Fn(u32) -> bool,
) -> Option<ARef<Conntrack>> {
    // The link is the first field of what the table holds: two for each entry, one for each direction.
    let hash = node.cast::<bindings::nf_conntrack_tuple_hash>();
    // SAFETY: RCU keeps the memory an entry's; which of the two a link is does not change while it is.
    let (entry, direction) = unsafe {
        (
            bindings::tlsconn_ct_of(hash),
            (&raw const (*hash).tuple.dst.dir).read_volatile(),
        )
    };
    // The link of the original direction may be another entry's (IPS_NAT_CLASH).
    if u32::from(direction) != bindings::IP_CT_DIR_REPLY {
        return None;
    }
    // Most are not wanted: a look without a reference, which has to be made sure of.
    let is_ours = |entry: *mut bindings::nf_conn| {
        // SAFETY: The memory is an entry's, be it another's by now, and both fields are read at once.
        let (of, mark) = unsafe {
            (
                bindings::tlsconn_ct_net(entry),
                (&raw const (*entry).mark).read_volatile(),
            )
        };
        core::ptr::eq(of, net.as_raw()) && wanted(mark)
    };
    // SAFETY: As above: the count may be touched, and is 0 while the memory is no entry's.
    if !is_ours(entry) || !unsafe { bindings::tlsconn_ct_try_hold(entry) } {
        return None;
    }
    // SAFETY: The reference was taken above; the pointer is not null.
    let ct = unsafe { ARef::from_raw(NonNull::new_unchecked(entry.cast::<Conntrack>())) };
    // From here on it is the same entry. One that is not confirmed belongs to its packet.
    (is_ours(entry) && ct.is_confirmed() && ct.is_tcp()).then_some(ct)
}
