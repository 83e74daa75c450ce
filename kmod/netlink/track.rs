// SPDX-License-Identifier: GPL-2.0-only

//! `track-get` and `track-set`.

use super::policy::{TrackGet, TrackSet};
use crate::{
    bindings::{
        TLSCONN_A_TRACK_MAX_CONNECTIONS, TLSCONN_A_TRACK_REQUESTED, TLSCONN_A_TRACK_RULES,
        TLSCONN_A_TRACK_TRACKING, TLSCONN_CMD_TRACK_GET, TLSCONN_CMD_TRACK_SET,
    },
    namespace::{NetState, Tracker},
    parameters,
    sys::{
        message::Message,
        request::{Answer, Request},
    },
};
use kernel::prelude::*;

impl Answer for TrackGet {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_TRACK_GET;

    /// Whether connections are tracked, and why.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        Message::reply(request, |message| put(net, message))
    }
}

impl Answer for TrackSet {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_TRACK_SET;

    /// Has connections tracked without a rule, or no longer.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        let _alone = net.commands.lock();
        match request.get(Self::REQUESTED) {
            Some(1) => net
                .request_tracking()
                .map_err(|error| request.refuse(error, c"conntrack or the hooks cannot be had"))?,
            Some(0) => net.withdraw_tracking(),
            _ => return Err(request.refuse(EINVAL, c"whether to track is 0 or 1")),
        }
        Message::reply(request, |message| put(net, message))
    }
}

fn put(net: &NetState, message: &mut Message<'_>) -> Result {
    let users = net.hooks.users();
    let tracking = users.rules != 0 || users.requested;
    message.u8(TLSCONN_A_TRACK_TRACKING, tracking.into())?;
    message.u32(TLSCONN_A_TRACK_RULES, users.rules)?;
    message.u8(TLSCONN_A_TRACK_REQUESTED, users.requested.into())?;
    // Of 24 bits.
    message.u32(
        TLSCONN_A_TRACK_MAX_CONNECTIONS,
        parameters::max_connections().own as u32,
    )
}
