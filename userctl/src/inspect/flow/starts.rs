// SPDX-License-Identifier: GPL-2.0-only

//! Which packets open a connection, end it and begin another: as conntrack has it, and for `--loose`, where a ClientHello does for a
//! start that was not captured.

use tlsconn_tls::{Connection, Reason, Side};

use super::{
    super::{
        hello,
        packet::Tcp,
        reorder::{before, InOrder},
    },
    waits::MOST_PACKETS_BEFORE_SYN,
    Awaits, Flow,
};

impl Flow {
    /// Whether a packet with the addresses of this connection begins another: a SYN with another number when this one
    /// is over, or the answer to one that came before that (nf_conntrack_proto_tcp.c: what conntrack ignores it lets
    /// take the entry over once it is answered).
    pub(crate) fn is_followed_by(&self, tcp: &Tcp<'_>) -> bool {
        let first = tcp.first_octet();
        match (tcp.syn, tcp.ack) {
            (true, None) => self.is_over() && self.syn != Some(first),
            (true, Some(ack)) => {
                let fits = |tracked: &InOrder| tracked.connection.starts_at(ack, first);
                self.side(tcp) == Side::Dst
                    && self.syn == Some(ack)
                    && !self.tracked.as_deref().is_none_or(fits)
            }
            _ => false,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.reset
            || self
                .tracked
                .as_ref()
                .is_some_and(|tracked| tracked.connection.ended())
    }

    /// Whether a SYN or the answer to one is of this connection: others change nothing.
    pub(super) fn syn_packet(&mut self, tcp: &Tcp<'_>, from: Side) -> bool {
        let options = self.options;
        let first = tcp.first_octet();
        match (from, tcp.ack) {
            (Side::Src, None) => {
                let before = self.syn.replace(first);
                if tcp.len > 0 && self.tracked.is_none() {
                    let connection = match before {
                        None => Connection::opened_by_syn_data(first),
                        Some(_) => Connection::opened_by_another_syn(first),
                    };
                    self.tracked = Some(Box::new(InOrder::new(connection, options)));
                }
                let tracked = self.tracked.as_mut();
                !self.answered && tracked.is_some_and(|tracked| tracked.connection.syn(first))
            }
            (Side::Dst, Some(ack)) => {
                self.answered = true;
                self.awaits = Awaits::Nothing;
                let tracked = self.tracked.get_or_insert_with(|| {
                    Box::new(InOrder::new(Connection::opened(ack, first), options))
                });
                let fits = tracked.connection.starts_at(ack, first);
                if fits {
                    tracked.connection.answered(ack, first);
                    self.loose = None;
                }
                fits
            }
            (Side::Dst, None) => {
                self.responders_syn = Some(first);
                false
            }
            (Side::Src, Some(ack))
                if self.tracked.is_none() && self.responders_syn == Some(ack) =>
            {
                self.answered = true;
                self.awaits = Awaits::Nothing;
                let opened = Connection::opened(first, ack);
                self.tracked = Some(Box::new(InOrder::new(opened, options)));
                true
            }
            _ => false,
        }
    }

    /// What conntrack remembers of acknowledgements.
    pub(super) fn acknowledged(&mut self, tcp: &Tcp<'_>, from: Side) {
        if let (Some(ack), Some(highest)) = (tcp.ack, self.acks.get_mut(from as usize)) {
            if highest.is_none_or(|highest| before(highest, ack)) {
                *highest = Some(ack);
            }
        }
    }

    /// What else conntrack remembers to judge an RST by, and its judgement.
    pub(super) fn conntrack(&mut self, tcp: &Tcp<'_>, from: Side) {
        if tcp.rst && self.accepts_reset(tcp, from) {
            self.reset = true;
            if let Some(tracked) = &mut self.tracked {
                tracked.connection.close();
            }
        }
        self.fin |= tcp.fin;
        self.last = (!tcp.syn && !tcp.fin && !tcp.rst).then(|| (from, tcp.end()));
    }

    /// Whether an RST puts conntrack into CLOSE (nf_conntrack_proto_tcp.c, `case TCP_CONNTRACK_CLOSE`).
    fn accepts_reset(&self, tcp: &Tcp<'_>, from: Side) -> bool {
        let expected = self
            .acks
            .get(from.other() as usize)
            .copied()
            .flatten()
            .filter(|_| !self.fin);
        match expected {
            None => true,
            Some(expected) if before(tcp.seq, expected) => false,
            Some(expected) => {
                let established = self.answered && self.acks.iter().all(Option::is_some);
                !established || tcp.seq == expected || self.last == Some((from, tcp.seq))
            }
        }
    }

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
