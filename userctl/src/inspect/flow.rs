// SPDX-License-Identifier: GPL-2.0-only

//! A TCP connection as conntrack and the tracker see it: when it begins, when it is over, what its packets are.

use std::net::SocketAddr;

use tlsconn_tls::{Connection, PacketTypes, Reason, Segment, Side, State, Types};

use super::{
    early::{At, Early, Kept},
    hello,
    interface::Time,
    packet::Tcp,
    preface::Preface,
    reorder::{before, InOrder, Waiting},
};
use crate::model;

/// Octets that may wait for what was captured late in a connection; the same and packets where its start is waited for.
const MOST: u32 = 1 << 20;
const MOST_BEFORE_SYN: u32 = 1 << 16;
const MOST_PACKETS_BEFORE_SYN: usize = 64;

/// Seconds of the thirty that the start of a connection is not waited for, where its SYN was not seen.
const SOONER: Time = 28;

/// How far from its start a connection's packets may be captured before that.
const NEAR: u32 = 1 << 20;

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
    /// By side, the number behind its FIN.
    fins: [Option<u32>; 2],
    /// Who sent the last packet, and the number behind it, if it was neither SYN nor FIN nor RST.
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

    /// Takes a packet in, or keeps it until what was sent before it has come.
    pub(crate) fn packet(&mut self, tcp: &Tcp<'_>, at: At, told: &mut Told<'_>) {
        let [first, last] = self.times;
        self.times = [first.min(at.time), last.max(at.time)];
        self.comes_late(tcp);
        self.opens_loosely(tcp);
        if self.waits(tcp) {
            let side = self.side(tcp) as usize;
            self.early.get_or_insert_default().keep(side, tcp, at);
            while self.has_too_many() {
                self.wait_no_longer(told);
            }
            return;
        }
        self.take_in(tcp, at.time);
        told(self, tcp, at.frame);
        self.take_ready(told);
    }

    /// A SYN, or the answer to one, before it is known whose it is. If it is the start of this connection, which waited for it,
    /// that begins anew; if it is not, nothing waits here any longer.
    pub(crate) fn meets_syn(&mut self, tcp: &Tcp<'_>, told: &mut Told<'_>) {
        let Some(early) = self.early.as_deref_mut() else {
            return;
        };
        let first = tcp.first_octet();
        let is_here = match (self.awaits, tcp.ack) {
            (Awaits::Syn, ack) => {
                let fits = early
                    .all()
                    .all(|kept| is_after(tcp, &kept.tcp(), first, ack));
                if fits {
                    let kept = early.take_all();
                    let [first, _] = self.times;
                    *self = Self::begin(tcp, first, self.options);
                    for kept in kept {
                        let side = self.side(&kept.tcp()) as usize;
                        self.early.get_or_insert_default().put(side, kept);
                    }
                }
                fits
            }
            (_, None) if tcp.src == self.src => {
                let begins = |tracked: &InOrder| tracked.connection.begins_at(Side::Src, first);
                self.syn == Some(first) || self.tracked.as_deref().is_some_and(begins)
            }
            _ => true,
        };
        if !is_here {
            self.flush(told);
        }
    }

    /// A ClientHello of a connection whose start was not captured says as much as the SYN-ACK: its number, and that of the answer,
    /// which it acknowledges.
    fn opens_loosely(&mut self, tcp: &Tcp<'_>) {
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
        let opened = InOrder::new(Connection::opened(src, dst), self.options.secret);
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

    /// Octets that were given up come after all; whether they had been acknowledged.
    fn comes_late(&mut self, tcp: &Tcp<'_>) {
        let Some((side, missing)) = self.lost_at else {
            return;
        };
        let is_it = missing.wrapping_sub(tcp.first_octet()) < tcp.len;
        if side == self.side(tcp) && is_it && !tcp.rst {
            let ack = self.acks.get(side.other() as usize).copied().flatten();
            self.is_out_of_order |= ack.is_some_and(|ack| before(missing, ack));
        }
    }

    /// Whether what was sent before a packet may still come.
    fn waits(&self, tcp: &Tcp<'_>) -> bool {
        if tcp.syn {
            return false;
        }
        if tcp.rst {
            return self.early.as_ref().is_some_and(|early| !early.is_empty());
        }
        let side = self.side(tcp);
        match self.awaits {
            Awaits::Syn => true,
            Awaits::SynAck => self.has_early() || self.is_of_syn(tcp, side),
            Awaits::Nothing => tcp
                .ack
                .is_some_and(|ack| self.is_to_come(side.other(), ack)),
        }
    }

    /// Whether a packet belongs to the SYN that was not answered yet.
    fn is_of_syn(&self, tcp: &Tcp<'_>, side: Side) -> bool {
        let number = match side {
            Side::Src => Some(tcp.seq),
            Side::Dst => tcp.ack,
        };
        let from_syn = |(number, syn): (u32, u32)| number.wrapping_sub(syn) < NEAR;
        tcp.ack.is_some() && number.zip(self.syn).is_some_and(from_syn)
    }

    /// Whether octets of a side that are acknowledged up to `ack` have not come, though they may.
    fn is_to_come(&self, side: Side, ack: u32) -> bool {
        let Some(tracked) = &self.tracked else {
            return false;
        };
        let connection = &tracked.connection;
        if !connection.follows(side) || !connection.is_unseen(side, ack) {
            return false;
        }
        let place = side as usize;
        let is_cut = self.is_cut.get(place) == Some(&true);
        let is_fin = self.fins.get(place) == Some(&Some(ack))
            && !connection.is_unseen(side, ack.wrapping_sub(1));
        connection.reason() == Reason::None && !is_cut && !is_fin
    }

    fn has_too_many(&self) -> bool {
        self.early.as_ref().is_some_and(|early| match self.awaits {
            Awaits::Syn => early.len() > MOST_PACKETS_BEFORE_SYN || early.cost() > MOST_BEFORE_SYN,
            _ => early.cost() > MOST,
        })
    }

    /// Takes in what waits for nothing any longer, that captured first before others.
    fn take_ready(&mut self, told: &mut Told<'_>) {
        while let Some(kept) = self.ready() {
            self.take_in(&kept.tcp(), kept.at.time);
            told(self, &kept.tcp(), kept.at.frame);
        }
        if self.early.as_ref().is_some_and(|early| early.is_empty()) {
            self.early = None;
        }
    }

    fn ready(&mut self) -> Option<Kept> {
        let early = self.early.as_deref()?;
        let (_, side) = [0, 1]
            .into_iter()
            .filter_map(|side| {
                let first = early.first(side)?;
                let tcp = first.tcp();
                let is_ready = match tcp.rst {
                    // When nothing else waits.
                    true => early.first(1 - side).is_none_or(|other| other.tcp().rst),
                    false => !self.waits(&tcp),
                };
                is_ready.then_some((first.at.frame, side))
            })
            .min()?;
        self.early.as_deref_mut()?.take_first(side)
    }

    /// What has waited longest waits no longer.
    fn wait_no_longer(&mut self, told: &mut Told<'_>) {
        let Some(early) = self.early.as_deref_mut() else {
            return;
        };
        if self.awaits != Awaits::Nothing {
            self.awaits = Awaits::Nothing;
            for kept in early.take_all() {
                self.take_in(&kept.tcp(), kept.at.time);
                told(self, &kept.tcp(), kept.at.frame);
            }
            return;
        }
        let frame = |side| Some((early.first(side)?.at.frame, side));
        let Some((_, side)) = [0, 1].into_iter().filter_map(frame).min() else {
            return;
        };
        if let Some(kept) = early.take_first(side) {
            self.take_in(&kept.tcp(), kept.at.time);
            told(self, &kept.tcp(), kept.at.frame);
        }
        self.take_ready(told);
    }

    /// Whether packets wait for what was captured late.
    pub(crate) fn has_early(&self) -> bool {
        self.early.as_ref().is_some_and(|early| !early.is_empty())
    }

    /// Nothing waits any longer for what was captured late.
    pub(crate) fn flush(&mut self, told: &mut Told<'_>) {
        while self.has_early() {
            self.wait_no_longer(told);
        }
        self.early = None;
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

    /// No longer waits for what is missing in front of segments that were captured before `oldest`.
    pub(crate) fn give_up(&mut self, oldest: Time, told: &mut Told<'_>) {
        if let Some(tracked) = &mut self.tracked {
            let sides = [Side::Src, Side::Dst];
            let before = sides.map(|side| {
                tracked
                    .connection
                    .follows(side)
                    .then(|| tracked.connection.next(side))
            });
            tracked.give_up(oldest);
            self.notice(before);
            self.take_ready(told);
        }
        while self
            .early_waiting()
            .since
            .is_some_and(|since| since < oldest)
        {
            self.wait_no_longer(told);
        }
    }

    /// What waits behind holes, and for what was captured late.
    pub(crate) fn waiting(&self) -> Waiting {
        let tracked = self.tracked.as_ref();
        let holes = tracked.map_or_else(Waiting::default, |tracked| tracked.waiting());
        holes.and(self.early_waiting())
    }

    fn early_waiting(&self) -> Waiting {
        let sooner = match self.awaits {
            Awaits::Syn => SOONER,
            _ => 0,
        };
        let early = self.early.as_ref();
        early.map_or_else(Waiting::default, |early| early.waiting(sooner))
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

/// Whether a packet belongs to the connection that a SYN, or the answer to one, begins.
fn is_after(syn: &Tcp<'_>, tcp: &Tcp<'_>, first: u32, ack: Option<u32>) -> bool {
    let is_near = |number: u32, from: u32| number.wrapping_sub(from) < NEAR;
    let (sent, acknowledged) = match tcp.src == syn.src {
        true => (Some(first), ack),
        false => (ack, Some(first)),
    };
    sent.is_none_or(|first| is_near(tcp.seq, first))
        && acknowledged
            .zip(tcp.ack)
            .is_none_or(|(first, ack)| is_near(ack, first))
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
