// SPDX-License-Identifier: GPL-2.0-only

//! `stats-get`: the namespace's counters.

use crate::{
    bindings::{
        TLSCONN_A_STATS_CONNECTIONS_NOW, TLSCONN_A_STATS_CONNECTIONS_PEAK, TLSCONN_CMD_STATS_GET,
    },
    counters,
    sys::{message::Message, pernet::NetState, request::Request},
};
use kernel::prelude::*;

/// Every counter.
pub fn get(net: &NetState, request: &Request<'_>) -> Result {
    Message::reply(request, TLSCONN_CMD_STATS_GET, |message| {
        message.uint(TLSCONN_A_STATS_CONNECTIONS_NOW, net.table.len())?;
        message.uint(TLSCONN_A_STATS_CONNECTIONS_PEAK, net.table.peak())?;
        for (counter, attribute) in counters::ALL {
            message.uint(attribute, net.counters.sum(counter))?;
        }
        Ok(())
    })
}
