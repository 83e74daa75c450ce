// SPDX-License-Identifier: GPL-2.0-only

//! A namespace's coming and going, and its packets, as the kernel tells of them.

use crate::{
    collect, fast,
    namespace::{NetState, Tracker},
    pass,
    pins::Release,
    release::{self, release_all},
    syns::Syns,
    sys::{
        hooks::{Hook, Verdict},
        net::Net,
        pernet::{self, PerNet, Place},
        rcu::Reader,
        skb::Skb,
        table::Shared,
        work::Work,
    },
    tracker,
};
use kernel::prelude::*;

static ALL: PerNet<Tracker> = PerNet::unregistered();

impl Hook for Tracker {
    #[inline(always)]
    fn packet(net: &NetState, skb: Skb<'_>, rcu: &Reader) -> Verdict {
        fast::track(net, skb, rcu)
    }

    #[inline(always)]
    fn may_pass(net: &NetState, skb: Skb<'_>, strict: bool) -> bool {
        pass::may_pass(net, skb, strict)
    }
}

impl pernet::State for Tracker {
    fn all() -> &'static PerNet<Self> {
        &ALL
    }

    fn new(net: &Net<'_>, place: Place<Self>) -> impl PinInit<Self, Error> {
        let collector = Work::new(place, |net| {
            if collect::collect(net) {
                net.schedule_collection();
            }
        });
        let expiry = Work::new(place, |net| {
            if let Some(next) = release::expire(net) {
                net.schedule_pins(next);
            }
        });
        Self::new(shared_of(net), collector, expiry)
    }

    fn prepare(net: &NetState) -> Result {
        net.payer.be_caller();
        if net.syns.with(|syns| syns.is_prepared()) {
            return Ok(());
        }
        let room = Syns::room()?;
        // Freed without the lock.
        let unused = net.syns.with(|syns| syns.prepare(room));
        drop(unused);
        Ok(())
    }

    fn resume(net: &NetState) {
        tracker::lose_all(net);
    }

    fn exit(net: &NetState) {
        // What its work does not get to is done here.
        net.stop();
        release_all(net, Release::Gone);
        net.table.clear();
        net.hole_memory.free_discarded();
    }
}

/// Connections of all namespaces that the initial user namespace does not own: who may make those need not be trusted with
/// memory.
static UNPRIVILEGED: Shared = Shared::none();

/// Whom a namespace's connections count with.
fn shared_of(net: &Net<'_>) -> Option<&'static Shared> {
    (!net.is_privileged()).then_some(&UNPRIVILEGED)
}
