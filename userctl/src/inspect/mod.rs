// SPDX-License-Identifier: GPL-2.0-only

//! The engine over a capture: frames to packets, packets to connections, connections to the engine. Memory grows with
//! the number of connections and what waits behind holes in them, both bounded, not with the size of the capture.

mod ahead;
mod block;
pub(crate) mod capture;
mod clock;
mod describe;
mod early;
pub(crate) mod explained;
mod fault;
mod flow;
mod follow;
mod fragments;
mod hello;
mod holes;
mod idle;
mod input;
mod interface;
mod item;
mod ja4;
mod link;
mod options;
mod order;
mod packet;
mod passed_over;
mod place;
mod preface;
mod reorder;
mod rows;
#[cfg(test)]
mod tests;
mod timeout;
mod tunnel;
mod unpack;
mod view;
mod wifi;
mod wrapping;

use std::{
    hash::{BuildHasher, RandomState},
    vec::Drain,
};

pub(crate) use self::item::{Item, Seen};
use self::{
    capture::Frame, clock::Clock, flow::Flow, fragments::Fragments, holes::Holes, idle::Idle,
    interface::Time, link::Carried, options::Options, packet::Packet, passed_over::PassedOver,
    rows::Rows, tunnel::Tunnel,
};
use crate::model::Connection;

/// How often packets that were put together may have fragments in them, through tunnels.
const MOST_FRAGMENTED: u8 = 3;

/// The connections of a capture, as far as it was read.
pub(crate) struct Inspection {
    rows: Rows,
    clock: Clock,
    idle: Idle,
    /// Whether packets are looked for in tunnels.
    tunnels: bool,
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
            rows: Rows::default(),
            clock: Clock::default(),
            idle: Idle::default(),
            tunnels: true,
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
        if let Some(doubted) = self.clock.settle(frame.time) {
            self.take_in(&doubted.frame(), ask);
        }
        if self.clock.believes(frame) {
            self.take_in(frame, ask);
        }
        self.items.drain(..)
    }

    fn take_in(&mut self, frame: &Frame<'_>, ask: bool) {
        self.passed_over.frames += 1;
        self.last = self.last.max(frame.time);
        let oldest = holes::oldest_at(frame.time);
        while let Some(place) = self.holes.older_than(oldest) {
            self.flow(place, ask, |flow, tell| flow.give_up(oldest, tell));
        }
        while let Some((time, place)) = self.idle.next(frame.time) {
            self.look_after(place, time, frame.time, ask);
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
            Packet::Other(other) => self.passed_over.other(other),
        }
    }

    /// The capture has ended: nothing comes any more that packets wait for.
    pub(crate) fn end(&mut self, ask: bool) -> Drain<'_, Item> {
        if let Some(doubted) = self.clock.last() {
            self.take_in(&doubted.frame(), ask);
        }
        for place in self.rows.places() {
            self.flow(place, ask, Flow::flush);
        }
        self.items.drain(..)
    }

    /// Takes the connections out that are over, without those that they resume, so that nothing more is kept of them.
    pub(crate) fn take_over(&mut self) -> impl Iterator<Item = Connection> + '_ {
        self.rows.take_gone()
    }

    /// The connections in order of their first packet.
    pub(crate) fn connections(&self) -> impl Iterator<Item = Connection> + '_ {
        self.rows.connections()
    }
}
