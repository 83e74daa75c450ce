// SPDX-License-Identifier: GPL-2.0-only

//! A TCP connection as conntrack and the tracker see it: when it begins, when it is over, what its packets are.

mod loose;
mod waits;

use std::net::SocketAddr;

use tlsconn_tls::{Connection, PacketTypes, Reason, Segment, Side, State, Types};

use super::{
    early::Early,
    interface::Time,
    packet::Tcp,
    preface::Preface,
    reorder::{before, InOrder},
};
use crate::model;

/// What holds for all connections of a capture.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// That of the engine's digests.
    pub(crate) secret: [u64; 2],
    /// A ClientHello opens a connection whose SYN-ACK was not captured.
    pub(crate) loose: bool,
}

/// What of the start of a connection may still come.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Awaits {
    Nothing,
    /// The SYN: packets came first.
    Syn,
    /// The answer to the SYN.
    SynAck,
}

/// Why octets are missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Missing {
    /// They were captured too late.
    CapturedLate,
    /// Packets were captured in part only.
    CutOff,
    /// Nothing of the other side was captured.
    Direction,
}

/// Tells of a packet that was taken in.
pub(crate) type Told<'a> = dyn FnMut(&Flow, &Tcp<'_>, u64) + 'a;

/// A TCP connection of the capture.
pub(crate) struct Flow {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    /// When its first and its last packet were captured.
    pub(crate) times: [Time; 2],
    /// The last SYN of the initiator: the number after it.
    syn: Option<u32>,
    /// The same of the responder, whose SYN the initiator may answer (a split handshake).
    responders_syn: Option<u32>,
    /// What the tracker keeps: none while nothing but a SYN was seen.
    tracked: Option<Box<InOrder>>,
    /// Seen first in the middle, and without payload so far: the tracker keeps nothing of such.
    idle: bool,
    /// By side, the highest acknowledgement that it sent.
    acks: [Option<u32>; 2],
    /// By side, the number behind its FIN.
    fins: [Option<u32>; 2],
    /// Who sent the last packet, and the number after it, if it was neither SYN nor FIN nor RST.
    last: Option<(Side, u32)>,
    answered: bool,
    fin: bool,
    reset: bool,
    awaits: Awaits,
    early: Option<Box<Early>>,
    options: Options,
    /// Where both streams were at the ClientHello that opened it without a SYN-ACK.
    loose: Option<[u32; 2]>,
    /// By side, octets of payload before that.
    before: [u64; 2],
    /// By side, whether it sent anything.
    heard: [bool; 2],
    /// Whose octets were given up, and the number of the first.
    lost_at: Option<(Side, u32)>,
    /// These came, after they had been acknowledged.
    is_out_of_order: bool,
    /// What was said on a connection that is not TLS.
    preface: Preface,
    /// By side, whether octets of its packets were not captured.
    is_cut: [bool; 2],
}

impl Flow {
    /// Begun by a packet of a connection that is not known: a SYN, the answer to one, or mid-stream.
    pub(crate) fn begin(tcp: &Tcp<'_>, now: Time, options: Options) -> Self {
        let (src, dst) = match tcp.syn && tcp.ack.is_some() {
            true => (tcp.dst, tcp.src),
            false => (tcp.src, tcp.dst),
        };
        let picked_up = || Box::new(InOrder::new(Connection::picked_up(), options.secret));
        Self {
            src,
            dst,
            times: [now; 2],
            syn: None,
            responders_syn: None,
            tracked: (!tcp.syn).then(picked_up),
            idle: !tcp.syn,
            acks: [None, None],
            fins: [None, None],
            last: None,
            answered: !tcp.syn,
            fin: false,
            reset: false,
            awaits: match (tcp.syn, tcp.ack) {
                (true, None) => Awaits::SynAck,
                (true, Some(_)) => Awaits::Nothing,
                (false, _) => Awaits::Syn,
            },
            early: None,
            options,
            loose: None,
            before: [0; 2],
            heard: [false; 2],
            lost_at: None,
            is_out_of_order: false,
            preface: Preface::default(),
            is_cut: [false; 2],
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
    fn take_in(&mut self, tcp: &Tcp<'_>, now: Time) {
        let from = self.side(tcp);
        if let Some(heard) = self.heard.get_mut(from as usize) {
            *heard = true;
        }
        if self.is_of_stream(tcp, from) {
            self.engine(tcp, from, now);
            self.acknowledged(tcp, from);
        }
        self.conntrack(tcp, from);
    }

    /// Hands a packet to the engine, and takes notice of where octets are missing.
    fn engine(&mut self, tcp: &Tcp<'_>, from: Side, now: Time) {
        let place = from as usize;
        if let Some(fin) = self.fins.get_mut(place).filter(|_| tcp.fin) {
            *fin = Some(tcp.end().wrapping_add(1));
        }
        let captured = u32::try_from(tcp.payload.len()).unwrap_or(u32::MAX);
        if let Some(is_cut) = self.is_cut.get_mut(place) {
            *is_cut |= captured < tcp.len;
        }
        let Some(tracked) = &mut self.tracked else {
            return;
        };
        let sides = [Side::Src, Side::Dst];
        let before = sides.map(|side| {
            tracked
                .connection
                .follows(side)
                .then(|| tracked.connection.next(side))
        });
        take(tracked, tcp, from, now);
        if tracked.connection.reason() == Reason::NotTls {
            self.preface.look(tcp.payload);
        }
        self.notice(before);
    }

    /// Which octets were given up, by where each side had come to before.
    fn notice(&mut self, before: [Option<u32>; 2]) {
        let Some(tracked) = &self.tracked else {
            return;
        };
        if self.lost_at.is_some() || tracked.connection.reason() != Reason::Hole {
            return;
        }
        let lost = |(side, next): (Side, Option<u32>)| {
            let is_lost = !tracked.connection.follows(side);
            next.filter(|_| is_lost).map(|next| (side, next))
        };
        let sides = [Side::Src, Side::Dst].into_iter().zip(before);
        self.lost_at = sides.filter_map(lost).next();
    }

    /// Whether the tracker takes a packet in. The receiver reads nothing of a reset.
    fn is_of_stream(&mut self, tcp: &Tcp<'_>, from: Side) -> bool {
        if tcp.rst {
            return false;
        }
        if tcp.syn {
            return self.syn_packet(tcp, from);
        }
        if let Some(start) = self
            .loose
            .and_then(|starts| starts.get(from as usize).copied())
        {
            if before(tcp.seq, start) {
                return false;
            }
        }
        if tcp.len > 0 && (self.idle || self.tracked.is_none()) {
            // The tracker picks up in the middle what no SYN-ACK began, at the first payload: a FIN that came before
            // it says nothing of where that begins.
            self.idle = false;
            self.tracked = Some(Box::new(InOrder::new(
                Connection::picked_up(),
                self.options.secret,
            )));
        }
        true
    }

    /// Whether a SYN or the answer to one is of this connection: others change nothing.
    fn syn_packet(&mut self, tcp: &Tcp<'_>, from: Side) -> bool {
        let secret = self.options.secret;
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
                self.awaits = Awaits::Nothing;
                let tracked = self.tracked.get_or_insert_with(|| {
                    Box::new(InOrder::new(Connection::opened(ack, first), secret))
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

    /// Whether a ClientHello opened it, and nothing of TCP's own; none where that is not looked for.
    pub(crate) fn loose(&self) -> Option<bool> {
        self.options.loose.then_some(self.loose.is_some())
    }

    /// Octets of payload that a side sent, without those sent again.
    pub(crate) fn bytes(&self, side: Side) -> u64 {
        let before = self.before.get(side as usize).copied().unwrap_or(0);
        let tracked = self.tracked.as_deref();
        tracked.map_or(0, |tracked| {
            tracked.connection.counters(side).bytes + before
        })
    }

    /// What stood before a ClientHello on a connection that is not TLS.
    pub(crate) fn preface(&self) -> Option<model::Reason> {
        self.preface.found()
    }

    /// Why the octets are missing that made it lost, where that is known.
    pub(crate) fn missing(&self) -> Option<Missing> {
        let is_one_sided = self.heard.iter().filter(|heard| **heard).count() == 1;
        if self.options.loose && is_one_sided {
            return Some(Missing::Direction);
        }
        let (side, _) = self.lost_at?;
        match self.is_out_of_order {
            true => Some(Missing::CapturedLate),
            false => (self.is_cut.get(side as usize) == Some(&true)).then_some(Missing::CutOff),
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
