// SPDX-License-Identifier: GPL-2.0-only

//! `track-get` and `track-set`.

use super::policy::{TrackGet, TrackSet};
use crate::{
    bindings::{
        TLSCONN_A_TRACK_JA4, TLSCONN_A_TRACK_MAX_CONNECTIONS, TLSCONN_A_TRACK_PASS_MARK,
        TLSCONN_A_TRACK_REQUESTED, TLSCONN_A_TRACK_RULES, TLSCONN_A_TRACK_STRICT,
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
        let pass_mark = request.get(Self::PASS_MARK);
        if pass_mark.is_some_and(|mark| !mark.is_power_of_two()) {
            return Err(request.refuse(EINVAL, c"a pass mark is exactly one bit"));
        }
        let strict = match request.get(Self::STRICT) {
            None => None,
            Some(0) => Some(false),
            Some(1) => Some(true),
            Some(_) => return Err(request.refuse(EINVAL, c"strict is 0 or 1")),
        };
        let ja4 = match request.get(Self::JA4) {
            None => None,
            Some(0) => Some(false),
            Some(1) => Some(true),
            Some(_) => return Err(request.refuse(EINVAL, c"ja4 is 0 or 1")),
        };
        match request.get(Self::REQUESTED) {
            Some(1) => {
                turn_on(net, pass_mark, strict).map_err(|error| {
                    request.refuse(error, c"conntrack or the hooks cannot be had")
                })?;
                if let Some(ja4) = ja4 {
                    net.ja4.set_requested(ja4);
                }
            }
            Some(0) if pass_mark.is_some() || strict.is_some() || ja4.is_some() => {
                let why = c"a pass mark, strict and ja4 are for tracking that is turned on";
                return Err(request.refuse(EINVAL, why));
            }
            Some(0) => {
                net.withdraw_tracking();
                net.ja4.set_requested(false);
            }
            _ => return Err(request.refuse(EINVAL, c"whether to track is 0 or 1")),
        }
        Message::reply(request, |message| put(net, message))
    }
}

/// Where this fails nothing passes by a pass mark, and what was not tracked is not. Under the commands' lock.
fn turn_on(net: &NetState, pass_mark: Option<u32>, strict: Option<bool>) -> Result {
    let was_requested = net.hooks.users().requested;
    net.request_tracking()?;
    match (pass_mark, strict) {
        (Some(bit), strict) => net
            .turn_pass_mark_on(bit, strict.unwrap_or(false))
            .inspect_err(|_| {
                if !was_requested {
                    net.withdraw_tracking();
                }
            }),
        (None, Some(strict)) => {
            net.set_strict(strict);
            Ok(())
        }
        (None, None) => Ok(()),
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
    )?;
    let (pass_mark, strict) = net.pass_mark.status();
    if let Some(bit) = pass_mark {
        message.u32(TLSCONN_A_TRACK_PASS_MARK, bit)?;
    }
    message.u8(TLSCONN_A_TRACK_STRICT, strict.into())?;
    message.u8(TLSCONN_A_TRACK_JA4, net.ja4.is_requested().into())
}
