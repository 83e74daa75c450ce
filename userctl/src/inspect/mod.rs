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
    capture::Frame, clock::Clock, follow::Following, fragments::Fragments, interface::Time,
    link::Carried, options::Options, packet::Packet, passed_over::PassedOver, tunnel::Tunnel,
};
use crate::model::Connection;

/// How often packets that were put together may have fragments in them, through tunnels.
const MOST_FRAGMENTED: u8 = 3;

/// The connections of a capture, as far as it was read.
pub(crate) struct Inspection {
    following: Following,
    clock: Clock,
    fragments: Fragments,
    /// Whether packets are looked for in tunnels.
    tunnels: bool,
    /// When the last frame was captured.
    last: Time,
}

impl Default for Inspection {
    fn default() -> Self {
        // Drawn anew for every run, so that no capture can be made to have two sessions of one digest.
        let options = Options {
            secret: [0, 1].map(|word: u64| RandomState::new().hash_one(word)),
            loose: false,
            explain: false,
            timeout: None,
        };
        Self {
            following: Following::new(options),
            clock: Clock::default(),
            fragments: Fragments::default(),
            tunnels: true,
            last: Time::MIN,
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
        inspection.following.options.loose = loose;
        inspection
    }

    /// The same, that tells by which rules records were told from data, if `explain` says so.
    pub(crate) fn explaining(mut self, explain: bool) -> Self {
        self.following.options.explain = explain;
        self
    }

    /// The same, over a capture that is read as it is made, if `live` says so.
    pub(crate) fn live(mut self, live: bool) -> Self {
        if live {
            self.clock = Clock::live();
        }
        self
    }

    /// The same, that gives connections up that were idle for so many seconds; if none are given, as conntrack does.
    pub(crate) fn giving_up_after(mut self, seconds: Option<u32>) -> Self {
        self.following.options.timeout = seconds;
        self
    }

    /// Whether no TCP connection was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.following.rows.is_empty()
    }

    /// What could not be taken in.
    pub(crate) fn passed_over(&self) -> &PassedOver {
        &self.following.passed_over
    }

    /// That something is left out from now on, when it begins.
    pub(crate) fn warning(&mut self) -> Option<String> {
        self.following.passed_over.warning()
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
        self.following.items.drain(..)
    }

    fn take_in(&mut self, frame: &Frame<'_>, ask: bool) {
        self.following.passed_over.frames += 1;
        self.last = self.last.max(frame.time);
        self.following.at(frame.time, ask);
        match link::carried(frame) {
            Carried::Packet(kind, octets) => {
                let packet = packet::read(kind, octets, self.tunnels);
                self.packet(frame, packet, ask, MOST_FRAGMENTED);
            }
            Carried::Other => self.following.passed_over.not_ip += 1,
            Carried::UnknownLink => {
                let first = (0, frame.link, frame.offset);
                self.following
                    .passed_over
                    .unknown_link
                    .get_or_insert(first)
                    .0 += 1;
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
            Packet::Tcp(tcp) => self.following.tcp(frame, tunnel, &tcp, ask),
            Packet::Fragment(fragment) if fragmented > 0 => {
                if let Some(whole) = self.fragments.add(&fragment, frame.time) {
                    let packet = packet::read_whole(&whole, self.tunnels);
                    self.packet(frame, packet, ask, fragmented - 1);
                }
                self.following.passed_over.fragments = self.fragments.passed_over();
            }
            Packet::Fragment(_) | Packet::CutFragment => {
                self.following.passed_over.cut_fragments += 1
            }
            Packet::BadHeader => self.following.passed_over.bad_headers += 1,
            Packet::BadIp => self.following.passed_over.bad_ip += 1,
            Packet::NotIp => self.following.passed_over.not_ip += 1,
            Packet::Other(other) => self.following.passed_over.other(other),
        }
    }

    /// The capture has ended: nothing comes any more that packets wait for.
    pub(crate) fn end(&mut self, ask: bool) -> Drain<'_, Item> {
        if let Some(doubted) = self.clock.last() {
            self.take_in(&doubted.frame(), ask);
        }
        self.following.end(ask);
        self.following.items.drain(..)
    }

    /// Takes the connections out that are over, without those that they resume, so that nothing more is kept of them.
    pub(crate) fn take_over(&mut self) -> Vec<Connection> {
        self.following.rows.take_gone()
    }

    /// The connections in order of their first packet.
    pub(crate) fn connections(&self) -> impl Iterator<Item = Connection> + '_ {
        self.following.rows.connections()
    }
}
