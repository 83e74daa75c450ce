// SPDX-License-Identifier: GPL-2.0-only
//! A TCP connection between two hosts that have no TCP: what both would send.

use crate::{
    hello::Turn,
    wire::{frame, End, Header, ACK, MSS, PSH, SYN},
};

/// Which end sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The one that opened the connection.
    Client,
    /// The one that answered.
    Server,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// A frame and who sends it.
pub(crate) type Sent = (Side, Vec<u8>);

/// The MAC addresses of the gateway's interfaces to both hosts, as guest/net.py gives them.
const GATEWAY: [[u8; 6]; 2] = [[2, 0, 0, 0, 1, 1], [2, 0, 0, 0, 2, 1]];

/// First sequence numbers.
const FIRST: [u32; 2] = [0x1000_0000, 0x5000_0000];
const SERVER: End = End {
    address: [10, 2, 0, 2],
    port: 443,
};
const PORTS: u32 = 60000;

/// Both ends' sequence numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    client: End,
    next: [u32; 2],
}

impl Connection {
    /// Connection number `number`: a client's address and port of its own, of 10.1.16.0 upward.
    pub(crate) fn new(number: u32) -> Self {
        let host = number / PORTS;
        Connection {
            client: End {
                address: [10, 1, 16 + (host >> 8) as u8, host as u8],
                port: 1024 + (number % PORTS) as u16,
            },
            next: FIRST,
        }
    }

    /// The client's address and port, as people write them.
    pub(crate) fn name(&self) -> String {
        let [a, b, c, d] = self.client.address;
        format!("{a}.{b}.{c}.{d}:{}", self.client.port)
    }

    /// The frame with that payload; the connection moves on behind it.
    pub(crate) fn send(&mut self, from: Side, payload: &[u8]) -> Sent {
        let flags = if payload.is_empty() { ACK } else { PSH | ACK };
        self.flagged(from, flags, payload)
    }

    fn flagged(&mut self, from: Side, flags: u8, payload: &[u8]) -> Sent {
        let ends = [self.client, SERVER];
        let header = Header {
            seq: self.next[from as usize],
            ack: if flags & ACK == 0 {
                0
            } else {
                self.next[from.other() as usize]
            },
            flags,
        };
        let taken = payload.len() as u32 + u32::from(flags & SYN != 0);
        self.next[from as usize] = header.seq.wrapping_add(taken);
        let frame = frame(
            GATEWAY[from as usize],
            ends[from as usize],
            ends[from.other() as usize],
            header,
            payload,
        );
        (from, frame)
    }

    /// The connection as the server knew it that many of the client's octets ago.
    pub(crate) fn back(&self, octets: u32) -> Self {
        let mut before = *self;
        before.next[Side::Client as usize] =
            before.next[Side::Client as usize].wrapping_sub(octets);
        before
    }

    /// The client has sent so many octets more.
    pub(crate) fn forward(&mut self, octets: u32) {
        let next = &mut self.next[Side::Client as usize];
        *next = next.wrapping_add(octets);
    }

    /// The three packets that open it.
    pub(crate) fn open(&mut self) -> Vec<Sent> {
        vec![
            self.flagged(Side::Client, SYN, &[]),
            self.flagged(Side::Server, SYN | ACK, &[]),
            self.flagged(Side::Client, ACK, &[]),
        ]
    }

    /// A dialogue, each turn in packets of `MSS` and acknowledged as a whole, by the answer where there is one.
    pub(crate) fn say(&mut self, turns: &[Turn]) -> Vec<Sent> {
        let mut sent = vec![];
        for (from, octets) in turns {
            for segment in octets.chunks(MSS) {
                sent.push(self.send(*from, segment));
            }
        }
        if let Some((from, _)) = turns.last() {
            sent.push(self.send(from.other(), &[]));
        }
        sent
    }
}
