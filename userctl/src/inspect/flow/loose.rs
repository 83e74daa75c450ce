// SPDX-License-Identifier: GPL-2.0-only

//! `--loose`: connections whose start was not captured.

use tlsconn_tls::{Connection, Reason, Side};

use super::{
    super::{hello, packet::Tcp, reorder::InOrder},
    waits::MOST_PACKETS_BEFORE_SYN,
    Awaits, Flow,
};

impl Flow {
    /// A ClientHello of a connection whose start was not captured says as much as the SYN-ACK: its number, and that of the answer,
    /// which it acknowledges.
    pub(super) fn opens_loosely(&mut self, tcp: &Tcp<'_>) {
        let (side, start) = (self.side(tcp), tcp.ack);
        let (true, Some(ack), false) = (self.options.loose, start, tcp.syn || tcp.rst) else {
            return;
        };
        let is_without_start = match (self.awaits, &self.tracked) {
            (Awaits::Syn, _) => true,
            (Awaits::SynAck, None) => self.is_of_syn(tcp, side),
            (Awaits::Nothing, Some(tracked)) => {
                self.loose.is_none() && tracked.connection.reason() == Reason::MidStream
            }
            _ => false,
        };
        if !is_without_start {
            return;
        }
        let Some((seq, ack)) = self.hello(tcp, ack) else {
            return;
        };
        if let Some(tracked) = &self.tracked {
            self.before =
                [Side::Src, Side::Dst].map(|side| tracked.connection.counters(side).bytes);
        }
        let [src, dst] = match side {
            Side::Src => [seq, ack],
            Side::Dst => [ack, seq],
        };
        let opened = InOrder::new(Connection::opened(src, dst), self.options);
        self.tracked = Some(Box::new(opened));
        self.loose = Some([src, dst]);
        (self.idle, self.awaits) = (false, Awaits::Nothing);
        if let Some(early) = self.early.as_deref_mut() {
            for kept in early.take_all() {
                let side = usize::from(kept.tcp().src != self.src);
                early.put(side, kept);
            }
        }
    }

    /// Where a ClientHello begins with this packet, and what it acknowledges. It may have begun with packets that are too short to
    /// tell, which wait.
    fn hello(&self, tcp: &Tcp<'_>, ack: u32) -> Option<(u32, u32)> {
        if hello::begins(tcp.payload) {
            return Some((tcp.seq, ack));
        }
        let early = self.early.as_deref()?;
        if early.len() > MOST_PACKETS_BEFORE_SYN {
            return None;
        }
        let (mut seq, mut octets) = (tcp.seq, tcp.payload.to_vec());
        octets.truncate(2 * hello::ENOUGH);
        for _ in 1..hello::ENOUGH {
            let before = early.all().find(|kept| {
                let kept = kept.tcp();
                let is_short = (1..hello::ENOUGH).contains(&kept.payload.len());
                kept.src == tcp.src && is_short && kept.end() == seq
            })?;
            let before = before.tcp();
            octets.splice(..0, before.payload.iter().copied());
            seq = before.seq;
            if hello::begins(&octets) {
                return before.ack.map(|ack| (seq, ack));
            }
        }
        None
    }
}
