// SPDX-License-Identifier: GPL-2.0-only

//! A TCP connection as conntrack and the tracker see it: when it begins, when it is over, what its packets are.

mod starts;
mod waits;

use std::net::SocketAddr;

use tlsconn_tls::{Connection, Reason, Segment, Side};

use super::{
    early::Early,
    interface::Time,
    options::Options,
    packet::Tcp,
    preface::Preface,
    reorder::{before, InOrder},
};

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
pub(crate) type Tell<'a> = dyn FnMut(&Flow, &Tcp<'_>, u64) + 'a;

/// A TCP connection of the capture.
pub(crate) struct Flow {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    /// When its first and its last packet were captured.
    pub(crate) times: [Time; 2],
    /// When it is looked after next, whether it has been idle for too long.
    pub(crate) looked_at: Time,
    /// The last SYN of the initiator: the number after it.
    pub(super) syn: Option<u32>,
    /// The same of the responder, whose SYN the initiator may answer (a split handshake).
    pub(super) responders_syn: Option<u32>,
    /// What the tracker keeps: none while nothing but a SYN was seen.
    pub(super) tracked: Option<Box<InOrder>>,
    /// Seen first in the middle, and without payload so far: the tracker keeps nothing of such.
    pub(super) idle: bool,
    /// By side, the highest acknowledgement that it sent.
    pub(super) acks: [Option<u32>; 2],
    /// By side, the number behind its FIN.
    pub(super) fins: [Option<u32>; 2],
    /// Who sent the last packet, and the number after it, if it was neither SYN nor FIN nor RST.
    pub(super) last: Option<(Side, u32)>,
    pub(super) answered: bool,
    pub(super) fin: bool,
    pub(super) reset: bool,
    awaits: Awaits,
    pub(super) early: Option<Box<Early>>,
    pub(super) options: Options,
    /// Where both streams were at the ClientHello that opened it without a SYN-ACK.
    pub(super) loose: Option<[u32; 2]>,
    /// By side, octets of payload before that.
    pub(super) before: [u64; 2],
    /// By side, whether it sent anything.
    pub(super) heard: [bool; 2],
    /// Whose octets were given up, and the number of the first.
    pub(super) lost_at: Option<(Side, u32)>,
    /// These came, after they had been acknowledged.
    pub(super) is_out_of_order: bool,
    /// What was said on a connection that is not TLS.
    pub(super) preface: Preface,
    /// By side, whether octets of its packets were not captured.
    pub(super) is_cut: [bool; 2],
}

impl Flow {
    /// Begun by a packet of a connection that is not known: a SYN, the answer to one, or mid-stream.
    pub(crate) fn begin(tcp: &Tcp<'_>, now: Time, options: Options) -> Self {
        let (src, dst) = match tcp.syn && tcp.ack.is_some() {
            true => (tcp.dst, tcp.src),
            false => (tcp.src, tcp.dst),
        };
        let picked_up = || Box::new(InOrder::new(Connection::picked_up(), options));
        Self {
            src,
            dst,
            times: [now; 2],
            looked_at: Time::MAX,
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
                self.options,
            )));
        }
        true
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
