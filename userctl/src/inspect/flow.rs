// SPDX-License-Identifier: GPL-2.0-only

//! A TCP connection as conntrack and the tracker see it: when it begins, when it is over, what its packets are.

use std::net::SocketAddr;

use tlsconn_tls::{Connection, PacketTypes, Segment, Side, State, Types};

use super::{
    interface::Time,
    packet::Tcp,
    reorder::{before, InOrder, Waiting},
};

/// A TCP connection of the capture.
pub(crate) struct Flow {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    /// The last SYN of the initiator: the number behind it.
    syn: Option<u32>,
    /// The same of the responder, whose SYN the initiator may answer (a split handshake).
    responders_syn: Option<u32>,
    /// What the tracker keeps: none while nothing but a SYN was seen.
    tracked: Option<Box<InOrder>>,
    /// Seen first in the middle, and without payload so far: the tracker keeps nothing of such.
    idle: bool,
    /// By side, the highest acknowledgement that it sent.
    acks: [Option<u32>; 2],
    /// Who sent the last packet, and the number behind it, if it was neither SYN nor FIN nor RST.
    last: Option<(Side, u32)>,
    answered: bool,
    fin: bool,
    reset: bool,
}

impl Flow {
    /// Begun by a packet of a connection that is not known: a SYN, the answer to one, or mid-stream.
    pub(crate) fn begin(tcp: &Tcp<'_>, secret: [u64; 2]) -> Self {
        let (src, dst) = match tcp.syn && tcp.ack.is_some() {
            true => (tcp.dst, tcp.src),
            false => (tcp.src, tcp.dst),
        };
        let picked_up = || Box::new(InOrder::new(Connection::picked_up(), secret));
        Self {
            src,
            dst,
            syn: None,
            responders_syn: None,
            tracked: (!tcp.syn).then(picked_up),
            idle: !tcp.syn,
            acks: [None, None],
            last: None,
            answered: !tcp.syn,
            fin: false,
            reset: false,
        }
    }

    /// Who sent a packet of this connection.
    pub(crate) fn side(&self, tcp: &Tcp<'_>) -> Side {
        match tcp.src == self.src {
            true => Side::Src,
            false => Side::Dst,
        }
    }

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

    fn is_over(&self) -> bool {
        self.reset
            || self
                .tracked
                .as_ref()
                .is_some_and(|tracked| tracked.connection.ended())
    }

    /// Takes a packet in that was captured at `now`.
    pub(crate) fn packet(&mut self, tcp: &Tcp<'_>, secret: [u64; 2], now: Time) {
        let from = self.side(tcp);
        if self.is_of_stream(tcp, from, secret) {
            if let Some(tracked) = &mut self.tracked {
                take(tracked, tcp, from, now);
            }
            self.acknowledged(tcp, from);
        }
        self.conntrack(tcp, from);
    }

    /// Whether the tracker takes a packet in. The receiver reads nothing of a reset.
    fn is_of_stream(&mut self, tcp: &Tcp<'_>, from: Side, secret: [u64; 2]) -> bool {
        if tcp.rst {
            return false;
        }
        if tcp.syn {
            return self.syn_packet(tcp, from, secret);
        }
        if tcp.len > 0 && (self.idle || self.tracked.is_none()) {
            // The tracker picks up in the middle what no SYN-ACK began, at the first payload: a FIN that came before
            // it says nothing of where that begins.
            self.idle = false;
            self.tracked = Some(Box::new(InOrder::new(Connection::picked_up(), secret)));
        }
        true
    }

    /// Whether a SYN or the answer to one is of this connection: others change nothing.
    fn syn_packet(&mut self, tcp: &Tcp<'_>, from: Side, secret: [u64; 2]) -> bool {
        let first = tcp.first_octet();
        match (from, tcp.ack) {
            (Side::Src, None) => {
                let before = self.syn.replace(first);
                if tcp.len > 0 && self.tracked.is_none() {
                    let connection = match before {
                        None => Connection::opened_by_syn_data(first),
                        Some(_) => Connection::opened_by_another_syn(first),
                    };
                    self.tracked = Some(Box::new(InOrder::new(connection, secret)));
                }
                let tracked = self.tracked.as_mut();
                !self.answered && tracked.is_some_and(|tracked| tracked.connection.syn(first))
            }
            (Side::Dst, Some(ack)) => {
                self.answered = true;
                let tracked = self.tracked.get_or_insert_with(|| {
                    Box::new(InOrder::new(Connection::opened(ack, first), secret))
                });
                let fits = tracked.connection.starts_at(ack, first);
                if fits {
                    tracked.connection.answered(ack, first);
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
                let opened = Connection::opened(first, ack);
                self.tracked = Some(Box::new(InOrder::new(opened, secret)));
                true
            }
            _ => false,
        }
    }

    /// What conntrack remembers of acknowledgements.
    fn acknowledged(&mut self, tcp: &Tcp<'_>, from: Side) {
        if let (Some(ack), Some(highest)) = (tcp.ack, self.acks.get_mut(from as usize)) {
            if highest.is_none_or(|highest| before(highest, ack)) {
                *highest = Some(ack);
            }
        }
    }

    /// What else conntrack remembers to judge an RST by, and its judgement.
    fn conntrack(&mut self, tcp: &Tcp<'_>, from: Side) {
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

    /// No longer waits for what is missing in front of segments that were captured before `oldest`.
    pub(crate) fn give_up(&mut self, oldest: Time) {
        if let Some(tracked) = &mut self.tracked {
            tracked.give_up(oldest);
        }
    }

    /// What waits behind holes.
    pub(crate) fn waiting(&self) -> Waiting {
        self.tracked
            .as_ref()
            .map_or_else(Waiting::default, |tracked| tracked.waiting())
    }

    /// The types of the first `len` octets of a packet's payload. A SYN's are of this connection only if it opens it.
    pub(crate) fn types(&self, tcp: &Tcp<'_>, len: u32) -> PacketTypes {
        let (from, first) = (self.side(tcp), tcp.first_octet());
        match &self.tracked {
            Some(tracked) if !tcp.syn || tracked.connection.begins_at(from, first) => {
                tracked.connection.types(from, first, len)
            }
            _ => PacketTypes::both(Types::UNKNOWN),
        }
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> State {
        match &self.tracked {
            Some(tracked) => tracked.connection.state(),
            None if self.reset => State::Closed,
            None => State::New,
        }
    }

    /// What the engine knows of it, if anything was there to know.
    pub(crate) fn tracked(&self) -> Option<&InOrder> {
        self.tracked.as_deref()
    }
}

/// Hands a packet to the engine. Of what a capture cut off only the length is known: it is a hole.
fn take(tracked: &mut InOrder, tcp: &Tcp<'_>, from: Side, now: Time) {
    let segment = Segment {
        from,
        seq: tcp.first_octet(),
        ack: tcp.ack,
        fin: tcp.fin,
        urgent: tcp.urgent,
    };
    let captured = u32::try_from(tcp.payload.len()).unwrap_or(u32::MAX);
    if captured == tcp.len {
        return tracked.segment(&segment, tcp.payload, now);
    }
    let head = Segment {
        fin: false,
        ..segment
    };
    tracked.segment(&head, tcp.payload, now);
    let tail = Segment {
        seq: tcp.end(),
        ..segment
    };
    tracked.segment(&tail, &[], now);
}
