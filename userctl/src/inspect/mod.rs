// SPDX-License-Identifier: GPL-2.0-only

//! The engine over a capture: frames to packets, packets to connections, connections to the engine. Memory grows with
//! the number of connections and what waits behind holes in them, both bounded, not with the size of the capture.

mod ahead;
mod block;
pub(crate) mod capture;
mod describe;
mod early;
pub(crate) mod explained;
mod flow;
mod fragments;
mod hello;
mod holes;
mod idle;
mod interface;
mod ja4;
mod link;
mod options;
mod order;
mod packet;
mod passed_over;
mod place;
mod preface;
mod reorder;
mod row;
#[cfg(test)]
mod tests;
mod timeout;
mod tunnel;
mod unpack;
mod view;
mod wifi;
mod wrapping;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    vec::Drain,
};

use serde::Serialize;
use tlsconn_tls::Decided;

use self::{
    capture::Frame,
    early::At,
    explained::Explained,
    flow::{Flow, Told},
    fragments::Fragments,
    holes::Holes,
    idle::Idle,
    interface::Time,
    link::Carried,
    options::Options,
    packet::{Packet, Tcp},
    passed_over::PassedOver,
    row::Row,
    tunnel::Tunnel,
    view::View,
};
use crate::model::{Connection, Side, State};

/// Connections that are followed at a time at most, as many as the module tracks by default: they take up to 4 KiB each.
pub(crate) const MOST: usize = 1 << 18;

/// Connections that are shown at most: what is kept of those that were given up takes less than 1 KiB each.
pub(crate) const MOST_ROWS: usize = 1 << 20;

/// How often packets that were put together may have fragments in them, through tunnels.
const MOST_FRAGMENTED: u8 = 3;

/// A TCP packet with payload.
#[derive(Debug, Serialize)]
pub(crate) struct Seen {
    pub(crate) frame: u64,
    pub(crate) id: u64,
    pub(crate) from: Side,
    pub(crate) length: u32,
    pub(crate) types: Vec<&'static str>,
    pub(crate) wire: Vec<&'static str>,
    pub(crate) state: State,
}

/// What is told of while a capture is read.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Item {
    Packet(Seen),
    Record(Explained),
}

impl Item {
    /// The connection that it belongs to.
    pub(crate) fn id(&self) -> u64 {
        match self {
            Self::Packet(seen) => seen.id,
            Self::Record(explained) => explained.id,
        }
    }
}

/// The connections of a capture, as far as it was read.
pub(crate) struct Inspection {
    rows: Vec<Row>,
    /// How many of them are followed.
    live: usize,
    idle: Idle,
    /// The last connection between two ends, the lower one first, and through a tunnel.
    latest: HashMap<(Tunnel, SocketAddr, SocketAddr), usize>,
    /// Whether packets are looked for in tunnels.
    tunnels: bool,
    most: usize,
    holes: Holes,
    fragments: Fragments,
    options: Options,
    /// What was taken in and not told of yet.
    items: Vec<Item>,
    /// When the last frame was captured.
    last: Time,
    pub(crate) passed_over: PassedOver,
}

impl Default for Inspection {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            live: 0,
            idle: Idle::default(),
            latest: HashMap::new(),
            tunnels: true,
            most: MOST,
            holes: Holes::default(),
            fragments: Fragments::default(),
            // Drawn anew for every run, so that no capture can be made to have two sessions of one digest.
            options: Options {
                secret: [0, 1].map(|word: u64| RandomState::new().hash_one(word)),
                loose: false,
                explain: false,
                timeout: None,
            },
            items: Vec::new(),
            last: Time::MIN,
            passed_over: PassedOver::default(),
        }
    }
}

impl Inspection {
    /// One that looks for packets in tunnels, if `tunnels` says so, and reads connections whose SYN-ACK is not in the capture if
    /// `loose` does.
    pub(crate) fn new(tunnels: bool, loose: bool) -> Self {
        let mut inspection = Self {
            tunnels,
            ..Self::default()
        };
        inspection.options.loose = loose;
        inspection
    }

    /// The same, that tells by which rules records were told from data, if `explain` says so.
    pub(crate) fn explaining(mut self, explain: bool) -> Self {
        self.options.explain = explain;
        self
    }

    /// The same, that gives connections up that were idle for so many seconds; if none are given, as conntrack does.
    pub(crate) fn giving_up_after(mut self, seconds: Option<u32>) -> Self {
        self.options.timeout = seconds;
        self
    }

    /// Whether no TCP connection was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// When the last frame was captured, whatever was in it.
    pub(crate) fn last(&self) -> crate::time::Time {
        describe::time(self.last)
    }

    /// Takes a frame in. If that is asked for it says what the TCP packets with payload are that were taken in with it: this
    /// one, unless it waits for what was captured late, and those that waited for it. Records that are explained come with these.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>, ask: bool) -> Drain<'_, Item> {
        self.passed_over.frames += 1;
        self.last = self.last.max(frame.time);
        let oldest = holes::oldest_at(frame.time);
        while let Some(place) = self.holes.older_than(oldest) {
            self.flow(place, ask, |flow, told| flow.give_up(oldest, told));
        }
        let now = self.idle.clock(frame.time);
        while let Some((time, place)) = self.idle.next(now) {
            self.look_after(place, time, now, ask);
        }
        match link::carried(frame) {
            Carried::Packet(kind, octets) => {
                let packet = packet::read(kind, octets, self.tunnels);
                self.packet(frame, packet, ask, MOST_FRAGMENTED);
            }
            Carried::Other => self.passed_over.not_ip += 1,
            Carried::UnknownLink => {
                let first = (0, frame.link, frame.offset);
                self.passed_over.unknown_link.get_or_insert(first).0 += 1;
            }
        }
        self.items.drain(..)
    }

    /// Takes in what a frame, or several fragments, carried; packets in fragments may carry fragments so many times.
    fn packet(
        &mut self,
        frame: &Frame<'_>,
        (tunnel, packet): (Tunnel, Packet<'_>),
        ask: bool,
        fragmented: u8,
    ) {
        match packet {
            Packet::Tcp(tcp) => self.tcp(frame, tunnel, &tcp, ask),
            Packet::Fragment(fragment) if fragmented > 0 => {
                if let Some(whole) = self.fragments.add(&fragment, frame.time) {
                    let packet = packet::read_whole(&whole, self.tunnels);
                    self.packet(frame, packet, ask, fragmented - 1);
                }
                self.passed_over.fragments = self.fragments.passed_over();
            }
            Packet::Fragment(_) | Packet::CutFragment => self.passed_over.cut_fragments += 1,
            Packet::BadHeader => self.passed_over.bad_headers += 1,
            Packet::BadIp => self.passed_over.bad_ip += 1,
            Packet::NotIp => self.passed_over.not_ip += 1,
            Packet::Other => self.passed_over.not_tcp += 1,
        }
    }

    /// The capture has ended: nothing comes any more that packets wait for.
    pub(crate) fn end(&mut self, ask: bool) -> Drain<'_, Item> {
        for place in 0..self.rows.len() {
            self.flow(place, ask, Flow::flush);
        }
        self.items.drain(..)
    }

    fn tcp(&mut self, frame: &Frame<'_>, tunnel: Tunnel, tcp: &Tcp<'_>, ask: bool) {
        self.passed_over.cut += u64::from(tcp.payload.len() < tcp.len as usize);
        let ends = (tunnel, tcp.src.min(tcp.dst), tcp.src.max(tcp.dst));
        let known = self.latest.get(&ends).copied();
        if let Some(place) = known {
            self.look_after(place, frame.time, frame.time, ask);
            let is_gone = self.rows.get(place).is_some_and(|row| row.flow().is_none());
            if is_gone && !tcp.syn && (tcp.len == 0 || tcp.fin || tcp.rst) {
                // conntrack has forgotten it, and nothing is kept of one that begins so.
                return;
            }
        }
        if let Some(place) = known.filter(|_| tcp.syn) {
            self.flow(place, ask, |flow, told| flow.meets_syn(tcp, told));
        }
        let same = known.filter(|place| {
            let flow = self.rows.get(*place).and_then(Row::flow);
            flow.is_some_and(|flow| !flow.is_followed_by(tcp))
        });
        let place = match same {
            Some(place) => place,
            None if self.live < self.most && self.rows.len() < MOST_ROWS => {
                let flow = Flow::begin(tcp, frame.time, self.options);
                self.rows.push(Row::Live(Box::new(flow)));
                self.live += 1;
                let place = self.rows.len() - 1;
                self.latest.insert(ends, place);
                place
            }
            None => {
                // What follows does not belong to the connection that was there either.
                self.latest.remove(&ends);
                self.passed_over.no_room += 1;
                return;
            }
        };
        let at = At {
            frame: frame.number,
            time: frame.time,
        };
        self.flow(place, ask, |flow, told| flow.packet(tcp, at, told));
        // What has waited longest for what was captured late goes first: most likely that never comes.
        while self.holes.are_too_many() {
            let oldest = self.holes.older_than(Time::MAX);
            let flow = |place: usize| self.rows.get(place).and_then(Row::flow);
            let is_early = |place: &usize| flow(*place).is_some_and(Flow::has_early);
            let Some(oldest) = oldest.filter(is_early) else {
                break;
            };
            self.passed_over.late += 1;
            self.flow(oldest, ask, Flow::flush);
        }
        if self.holes.are_too_many() {
            self.passed_over.holes += 1;
            self.flow(place, ask, |flow, told| flow.give_up(Time::MAX, told));
        }
    }

    /// Changes a connection, and takes notice of what waits in it and of what is to be told.
    fn flow(&mut self, place: usize, ask: bool, change: impl FnOnce(&mut Flow, &mut Told<'_>)) {
        let Some(flow) = self.rows.get_mut(place).and_then(Row::flow_mut) else {
            return;
        };
        let before = flow.waiting();
        change(flow, &mut |flow, tcp, frame| {
            if ask && tcp.len > 0 {
                let seen = seen(flow, tcp, frame, place as u64);
                self.items.push(Item::Packet(seen));
            }
            let explained = |of: Decided| Explained::new(&of, frame, place as u64);
            let decided = View(flow).decided().into_iter().map(explained);
            self.items.extend(decided.map(Item::Record));
        });
        self.holes.changed(place, before, flow.waiting());
        let until = timeout::idle_until(flow);
        if until < flow.looked_at {
            flow.looked_at = until;
            self.idle.look_at(until, place);
        }
    }

    /// Gives a connection up that has been idle for too long, if it was to be looked after by then.
    fn look_after(&mut self, place: usize, time: Time, now: Time, ask: bool) {
        let Some(flow) = self.rows.get_mut(place).and_then(Row::flow_mut) else {
            return;
        };
        if time < flow.looked_at {
            return;
        }
        flow.looked_at = timeout::idle_until(flow);
        if now <= flow.looked_at {
            self.idle.look_at(flow.looked_at, place);
            return;
        }
        self.flow(place, ask, Flow::flush);
        if let Some(row) = self.rows.get_mut(place) {
            row.give_up();
            self.live -= 1;
        }
    }

    /// The connections in order of their first packet.
    pub(crate) fn connections(&self) -> impl Iterator<Item = Connection> + '_ {
        row::connections(&self.rows)
    }
}

/// What there is to tell of a packet that was taken in.
fn seen(flow: &Flow, tcp: &Tcp<'_>, frame: u64, id: u64) -> Seen {
    let types = |octets| View(flow).types(tcp, octets);
    Seen {
        frame,
        id,
        from: describe::side(flow.side(tcp)),
        length: tcp.len,
        types: order::names(tcp.len, |octets| types(octets).content),
        wire: order::names(tcp.len, |octets| types(octets).wire),
        state: describe::state(View(flow).state()),
    }
}
