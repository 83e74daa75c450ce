// SPDX-License-Identifier: GPL-2.0-only
//! A connection under way.

use super::*;

/// A connection under way, what was sent on it with what that is, and where it began.
pub(crate) struct Talk {
    pub(crate) wire: Wire,
    pub(crate) first: [u32; 2],
    pub(crate) said: Vec<Turn>,
}

impl Talk {
    pub(crate) fn begin() -> Self {
        Self::new(Config::default().client_flight_budget)
    }

    /// Up to a server's flight.
    pub(crate) fn flights(cipher: u16, after_hello: &[Record]) -> Self {
        let mut talk = Self::begin();
        talk.say(Src, vec![client_hello()]);
        let flight = [&[server_hello(cipher), ccs()], after_hello].concat();
        talk.say(Dst, flight);
        talk
    }

    /// Up to the flight of a server that asks for a certificate.
    pub(crate) fn asked(cipher: u16) -> Self {
        Self::flights(cipher, &asking_flight(cipher)[2..])
    }

    pub(crate) fn new(budget: u32) -> Self {
        let mut wire = Wire::default();
        wire.config.client_flight_budget = budget;
        Talk {
            first: wire.next,
            wire,
            said: vec![],
        }
    }

    pub(crate) fn say(&mut self, from: Side, records: Vec<Record>) {
        self.wire.records(from, &records);
        self.said.push((from, records));
    }

    /// Sent before what the other side has sent last had come.
    pub(crate) fn say_unaware(&mut self, from: Side, records: Vec<Record>) {
        self.say_acking(0, from, records);
    }

    /// In a packet that acknowledges so many bytes of what the other side has sent last.
    pub(crate) fn say_acking(&mut self, acked: u32, from: Side, records: Vec<Record>) {
        let last = self.said.last().expect("something was said");
        let unseen = bytes(&last.1).len() as u32 - acked;
        let other = from.other() as usize;
        self.wire.next[other] -= unseen;
        self.wire.records(from, &records);
        self.wire.next[other] += unseen;
        self.said.push((from, records));
    }

    pub(crate) fn check(&self, why: &str, state: State) {
        self.wire.check(self.first, &self.said, why);
        assert_eq!(self.wire.connection.state(), state, "{why}");
    }
}
