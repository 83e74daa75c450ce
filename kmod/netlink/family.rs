// SPDX-License-Identifier: GPL-2.0-only

//! The family and what may be asked of it.

use super::policy::{
    ConnectionDump, ConnectionGet, PinDel, PinDump, PinGet, PinSet, SetDel, SetDump, SetFill,
    SetGet, SetNameDump, SetNameGet, SetNew, StatsGet, TrackGet, TrackSet,
};
use crate::{
    bindings::TLSCONN_FAMILY_VERSION,
    namespace::Tracker,
    sys::{
        genl::{Family, Offers, Operation},
        pernet::Namespace,
    },
};
use core::ffi::CStr;

static FAMILY: Family<Tracker> = Family::unregistered();

impl Offers for Tracker {
    fn family() -> &'static Family<Self> {
        &FAMILY
    }

    const NAME: &'static CStr = c"tlsconn";
    const VERSION: u32 = TLSCONN_FAMILY_VERSION;
    const EVENTS: &'static CStr = c"events";
    const OPERATIONS: &'static [Operation<Self>] = &[
        Operation::answered::<ConnectionGet>(),
        Operation::told::<ConnectionDump>(),
        Operation::answered::<PinGet>(),
        Operation::told::<PinDump>(),
        Operation::answered::<PinSet>(),
        Operation::answered::<PinDel>(),
        Operation::answered::<TrackGet>(),
        Operation::answered::<TrackSet>(),
        Operation::answered::<StatsGet>(),
        Operation::answered::<SetGet>(),
        Operation::told::<SetDump>(),
        Operation::answered::<SetNew>(),
        Operation::answered::<SetFill>(),
        Operation::answered::<SetDel>(),
        Operation::answered::<SetNameGet>(),
        Operation::told::<SetNameDump>(),
    ];

    fn closed(net: &Namespace<Self>, port: u32) {
        drop(net.sets.take(port));
    }
}
