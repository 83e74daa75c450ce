// SPDX-License-Identifier: GPL-2.0-only

//! `stats-get`: the namespace's counters.

use super::policy::StatsGet;
use crate::{
    bindings::{
        TLSCONN_A_STATS_CONNECTIONS_NOW, TLSCONN_A_STATS_CONNECTIONS_PEAK, TLSCONN_CMD_STATS_GET,
    },
    counters,
    namespace::{NetState, Tracker},
    sys::{
        message::Message,
        request::{Answer, Request},
    },
};
use kernel::prelude::*;

impl Answer for StatsGet {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_STATS_GET;

    /// Every counter.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        Message::reply(request, |message| {
            message.uint(TLSCONN_A_STATS_CONNECTIONS_NOW, net.table.len())?;
            message.uint(TLSCONN_A_STATS_CONNECTIONS_PEAK, net.table.peak())?;
            for (counter, attribute) in counters::ALL {
                message.uint(attribute, net.counters.sum(counter))?;
            }
            Ok(())
        })
    }
}
