// SPDX-License-Identifier: GPL-2.0-only
//! The kinds of packets that are measured, on one connection.

use std::{io, process::Command};

use clap::ValueEnum;

use crate::{
    connection::{Connection, Side},
    hello,
    link::Links,
    port::BATCH,
    wire::{unwanted, MSS},
};

/// Octets of a short message, and of the longest that a record takes (RFC 8446 5.1).
const SHORT: usize = 200;
const LONG: usize = 16384;

/// What flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Messages of 200 octets on a TLS 1.3 connection, each a record and a packet
    Short,
    /// Messages of 16 KiB in packets of 1500
    Long,
    /// Messages of 16 KiB, each a packet as GRO puts them together
    Merged,
    /// Acknowledgements of short messages, without payload
    Acks,
    /// As short, but the connection is not TLS
    Text,
    /// As long, but the connection is not TLS
    TextFull,
}

/// A connection and what flows on it.
pub(crate) struct Traffic {
    kind: Kind,
    connection: Connection,
    /// The stream that comes again and again, and how far into it the last packet went.
    stream: Vec<u8>,
    at: usize,
}

impl Traffic {
    /// Opens connection number `number`, and runs `command` once it is established, with {} for the client's end.
    pub(crate) fn open(
        links: &Links,
        kind: Kind,
        number: u32,
        command: Option<&str>,
    ) -> io::Result<Self> {
        let mut connection = Connection::new(number);
        links.play(connection.open())?;
        let (opening, stream) = match kind {
            Kind::Short | Kind::Acks => (hello::handshake(), hello::data(SHORT)),
            Kind::Long | Kind::Merged => (hello::handshake(), hello::data(LONG)),
            Kind::Text => (text(), vec![b'x'; hello::data(SHORT).len()]),
            Kind::TextFull => (text(), vec![b'x'; MSS]),
        };
        links.play(connection.say(&opening))?;
        if let Some(command) = command {
            run(&command.replace("{}", &connection.name()))?;
        }
        Ok(Traffic {
            kind,
            connection,
            stream,
            at: 0,
        })
    }

    /// Sends about so many packets; gives how many they were, and the nanoseconds they took. What has to flow besides is
    /// not counted. With `to_nobody` what is counted goes nowhere, for what sending costs.
    pub(crate) fn flow(
        &mut self,
        links: &Links,
        packets: usize,
        to_nobody: bool,
    ) -> io::Result<(usize, u64)> {
        let (mut count, mut taken) = (0, 0);
        while count < packets {
            let data: Vec<Vec<u8>> = (0..BATCH).map(|_| self.next()).collect();
            let (from, mut measured) = if self.kind == Kind::Acks {
                links.flood_unseen(Side::Client, &data)?;
                (Side::Server, self.acks(BATCH))
            } else {
                (Side::Client, data)
            };
            if to_nobody {
                measured = measured.into_iter().map(unwanted).collect();
            }
            count += measured.len();
            taken += links.flood(from, &measured)?;
            let (_, ack) = self.connection.send(Side::Server, &[]);
            links.flood_unseen(Side::Server, &[ack])?;
        }
        Ok((count, taken))
    }

    /// The stream's next packet from the client.
    fn next(&mut self) -> Vec<u8> {
        let len = match self.kind {
            Kind::Long => MSS,
            _ => self.stream.len(),
        };
        let payload: Vec<u8> = self
            .stream
            .iter()
            .cycle()
            .skip(self.at)
            .take(len)
            .copied()
            .collect();
        self.at = (self.at + len) % self.stream.len();
        self.connection.send(Side::Client, &payload).1
    }

    /// The server's acknowledgement of each of the last `count` packets.
    fn acks(&mut self, count: usize) -> Vec<Vec<u8>> {
        let len = self.stream.len() as u32;
        let mut server = self.connection.back(count as u32 * len);
        (0..count)
            .map(|_| {
                server.forward(len);
                server.send(Side::Server, &[]).1
            })
            .collect()
    }
}

fn text() -> Vec<hello::Turn> {
    vec![
        (Side::Client, b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        (Side::Server, b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
    ]
}

fn run(command: &str) -> io::Result<()> {
    let status = Command::new("sh").args(["-c", command]).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("'{command}' failed: {status}")))
    }
}
