// SPDX-License-Identifier: GPL-2.0-only

//! For how long conntrack keeps a connection without packets, by the state that it is in (nf_conntrack_proto_tcp.c, the defaults of
//! nf_conntrack_tcp_timeout_*).

use tlsconn_tls::Side;

use super::{
    flow::Flow,
    interface::{Time, SECOND},
    reorder::before,
    view::View,
};

const SYN_SENT: u32 = 120;
const SYN_RECV: u32 = 60;
const ESTABLISHED: u32 = 5 * 24 * 3600;
const FIN_WAIT: u32 = 120;
const CLOSE_WAIT: u32 = 60;
const LAST_ACK: u32 = 30;
const TIME_WAIT: u32 = 120;
const CLOSE: u32 = 10;

/// The last moment at which a packet still belongs to a connection.
pub(super) fn idle_until(flow: &Flow) -> Time {
    let seconds = flow.options.timeout.unwrap_or_else(|| timeout(flow));
    let [_, last] = flow.times;
    last.saturating_add(Time::from(seconds) * SECOND)
}

fn timeout(flow: &Flow) -> u32 {
    match [Side::Src, Side::Dst].map(|side| fin(flow, side)) {
        _ if flow.reset => CLOSE,
        [Some(true), Some(true)] => TIME_WAIT,
        [Some(_), Some(_)] => LAST_ACK,
        [Some(true), None] | [None, Some(true)] => CLOSE_WAIT,
        [Some(false), None] | [None, Some(false)] => FIN_WAIT,
        [None, None] if flow.tracked.is_none() => SYN_SENT,
        [None, None] if has_only_begun(flow) => SYN_RECV,
        [None, None] => ESTABLISHED,
    }
}

/// Whether a side's FIN was acknowledged, if it has sent one.
fn fin(flow: &Flow, side: Side) -> Option<bool> {
    let fin = flow.fins.get(side as usize).copied().flatten()?;
    let ack = flow.acks.get(side.other() as usize).copied().flatten();
    Some(ack.is_some_and(|ack| !before(ack, fin)))
}

/// Whether there is nothing but a SYN and its answer.
fn has_only_begun(flow: &Flow) -> bool {
    let [initiator, _] = flow.acks;
    let has_said = |side| View(flow).bytes(side) > 0;
    flow.syn.is_some() && initiator.is_none() && !has_said(Side::Src) && !has_said(Side::Dst)
}
