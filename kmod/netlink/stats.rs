// SPDX-License-Identifier: GPL-2.0-only

//! `stats-get`: the namespace's counters.

use super::policy::StatsGet;
use crate::{
    bindings::TLSCONN_CMD_STATS_GET,
    counters::Counter,
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
            for counter in Counter::ALL {
                let value = match counter {
                    Counter::Now => net.table.len(),
                    Counter::Peak => net.table.peak(),
                    _ => net.counters.sum(counter),
                };
                message.uint(counter.attribute(), value)?;
            }
            Ok(())
        })
    }
}
