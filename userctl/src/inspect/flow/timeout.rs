// SPDX-License-Identifier: GPL-2.0-only

//! For how long conntrack keeps a connection without packets, by the state that it is in (nf_conntrack_proto_tcp.c, the defaults of
//! nf_conntrack_tcp_timeout_*).

use tlsconn_tls::Side;

use super::{
    super::{
        interface::{Time, SECOND},
        reorder::before,
    },
    Flow,
};

const SYN_SENT: u32 = 120;
const SYN_RECV: u32 = 60;
const ESTABLISHED: u32 = 5 * 24 * 3600;
const FIN_WAIT: u32 = 120;
const CLOSE_WAIT: u32 = 60;
const LAST_ACK: u32 = 30;
const TIME_WAIT: u32 = 120;
const CLOSE: u32 = 10;

impl Flow {
    /// The last moment at which a packet still belongs to it.
    pub(crate) fn idle_until(&self) -> Time {
        let seconds = self.options.timeout.unwrap_or_else(|| self.timeout());
        let [_, last] = self.times;
        last.saturating_add(Time::from(seconds) * SECOND)
    }

    fn timeout(&self) -> u32 {
        let fins = [Side::Src, Side::Dst].map(|side| self.fin(side));
        match fins {
            _ if self.reset => CLOSE,
            [Some(true), Some(true)] => TIME_WAIT,
            [Some(_), Some(_)] => LAST_ACK,
            [Some(true), None] | [None, Some(true)] => CLOSE_WAIT,
            [Some(false), None] | [None, Some(false)] => FIN_WAIT,
            [None, None] if self.tracked.is_none() => SYN_SENT,
            [None, None] if self.has_only_begun() => SYN_RECV,
            [None, None] => ESTABLISHED,
        }
    }

    /// Whether a side's FIN was acknowledged, if it has sent one.
    fn fin(&self, side: Side) -> Option<bool> {
        let fin = self.fins.get(side as usize).copied().flatten()?;
        let ack = self.acks.get(side.other() as usize).copied().flatten();
        Some(ack.is_some_and(|ack| !before(ack, fin)))
    }

    /// Whether there is nothing but a SYN and its answer.
    fn has_only_begun(&self) -> bool {
        let [initiator, _] = self.acks;
        let has_said = |side| self.bytes(side) > 0;
        self.syn.is_some() && initiator.is_none() && !has_said(Side::Src) && !has_said(Side::Dst)
    }
}
