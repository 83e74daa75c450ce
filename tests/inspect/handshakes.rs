// SPDX-License-Identifier: GPL-2.0-only

//! Writes a capture of many TLS 1.3 connections to standard output, pcap: handshakes CONNECTIONS MEGABYTES SECONDS. Each has a
//! handshake with a certificate, as much data as makes the capture that large, and an end; a hundred go on at a time. An example of
//! the tool, which does not see the engine's test code (kmod/tls/tests/common).

use std::{
    collections::VecDeque,
    env,
    error::Error,
    io::{self, BufWriter, Write},
};

use etherparse::PacketBuilder;

/// Connections that go on at a time.
const AT_A_TIME: usize = 100;
/// Bytes of a packet's payload at most.
const SEGMENT: usize = 1448;
/// Bytes of a connection besides its data, with the headers of its packets and the records of the file.
const OVERHEAD: usize = 4270;
/// Bytes of data in a packet's share of the capture.
const SHARE: f64 = SEGMENT as f64 / (SEGMENT + 16 + 14 + 40) as f64;

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (body.len() as u16).to_be_bytes();
    [&[kind, 3, 3, high, low], body].concat()
}

/// Nothing that compresses.
fn encrypted(len: usize, number: &mut u64) -> Vec<u8> {
    let mut body = Vec::with_capacity(len + 8);
    while body.len() < len {
        *number ^= *number << 13;
        *number ^= *number >> 7;
        *number ^= *number << 17;
        body.extend(number.to_le_bytes());
    }
    record(23, &body[..len])
}

fn hello(kind: u8, number: u64, middle: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut random = [7; 32];
    random[..8].copy_from_slice(&number.to_be_bytes());
    let len = (extensions.len() as u16).to_be_bytes();
    let body = [&[3, 3][..], &random, &[0], middle, &len, extensions].concat();
    let len = (body.len() as u32).to_be_bytes();
    record(22, &[&[kind], &len[1..], &body].concat())
}

fn client_hello(number: u64) -> Vec<u8> {
    let name = format!("host-{}.example", number % 1000);
    let len = name.len() as u8;
    let sni = [&[0, 0, 0, len + 5, 0, len + 3, 0, 0, len], name.as_bytes()].concat();
    let extensions = [&sni[..], &[0, 43, 0, 3, 2, 3, 4], &[0, 45, 0, 2, 1, 1]].concat();
    hello(1, number, &[0, 4, 0x13, 1, 0x13, 2, 1, 0], &extensions)
}

/// The packets of a connection.
struct Connection {
    number: u64,
    /// The next sequence number of the client and of the server.
    next: [u32; 2],
    packets: VecDeque<Vec<u8>>,
}

impl Connection {
    fn new(number: u64, data: usize, random: &mut u64) -> io::Result<Self> {
        let mut connection = Self {
            number,
            next: [1000, 5000],
            packets: VecDeque::new(),
        };
        connection.packet(true, "S", &[])?;
        connection.packet(false, "S", &[])?;
        connection.say(true, &client_hello(number))?;
        let server_hello = hello(2, number, &[0x13, 1, 0], &[0, 43, 0, 2, 3, 4]);
        let flight = [23, 2400, 281, 53]
            .map(|len| encrypted(len, random))
            .concat();
        connection.say(false, &[server_hello, record(20, &[1]), flight].concat())?;
        let answer = [encrypted(53, random), encrypted(300, random)].concat();
        connection.say(true, &[record(20, &[1]), answer].concat())?;
        let mut left = data;
        while left > 0 {
            let len = left.min(16_000);
            connection.say(false, &encrypted(len, random))?;
            left -= len;
        }
        for from_client in [true, false] {
            connection.packet(from_client, "F", &[])?;
        }
        connection.packet(true, "", &[])?;
        Ok(connection)
    }

    /// Octets in as many packets as they need, and an acknowledgement of the other side.
    fn say(&mut self, from_client: bool, octets: &[u8]) -> io::Result<()> {
        for piece in octets.chunks(SEGMENT) {
            self.packet(from_client, "", piece)?;
        }
        self.packet(!from_client, "", &[])
    }

    /// A packet with flags of S and F, which take a number each; all but a client's SYN acknowledge.
    fn packet(&mut self, from_client: bool, flags: &str, payload: &[u8]) -> io::Result<()> {
        let [_, b, c, d] = (self.number as u32 / 20_000).to_be_bytes();
        let client = ([10, b, c, d], 20_000 + (self.number % 20_000) as u16);
        let server = ([192, 0, 2, 1], 443);
        let ((src, dst), me) = match from_client {
            true => ((client, server), 0),
            false => ((server, client), 1),
        };
        let mut tcp = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4(src.0, dst.0, 64)
            .tcp(src.1, dst.1, self.next[me], 65_535);
        for flag in flags.chars() {
            tcp = match flag {
                'S' => tcp.syn(),
                _ => tcp.fin(),
            };
        }
        if !(from_client && flags == "S") {
            tcp = tcp.ack(self.next[1 - me]);
        }
        let mut octets = Vec::with_capacity(tcp.size(payload.len()));
        tcp.write(&mut octets, payload).map_err(io::Error::other)?;
        let len = payload.len() + flags.len();
        self.next[me] = self.next[me].wrapping_add(len as u32);
        self.packets.push_back(octets);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<u64> = env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    let [connections, megabytes, seconds] = arguments[..] else {
        return Err("usage: handshakes CONNECTIONS MEGABYTES SECONDS".into());
    };
    let share = megabytes as usize * 1_000_000 / connections.max(1) as usize;
    let data = (share.saturating_sub(OVERHEAD) as f64 * SHARE) as usize;
    let mut random = 0x2545_f491_4f6c_dd1d;
    let mut output = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, 1_u32] {
        output.write_all(&word.to_le_bytes())?;
    }
    let mut begun = 0;
    let mut under_way: VecDeque<Connection> = VecDeque::new();
    loop {
        while begun < connections && under_way.len() < AT_A_TIME {
            under_way.push_back(Connection::new(begun, data, &mut random)?);
            begun += 1;
        }
        let Some(mut connection) = under_way.pop_front() else {
            break;
        };
        let Some(packet) = connection.packets.pop_front() else {
            continue;
        };
        under_way.push_back(connection);
        let micros = begun * seconds * 1_000_000 / connections;
        let len = packet.len() as u32;
        for word in [
            (micros / 1_000_000) as u32,
            (micros % 1_000_000) as u32,
            len,
            len,
        ] {
            output.write_all(&word.to_le_bytes())?;
        }
        output.write_all(&packet)?;
    }
    output.flush()?;
    Ok(())
}
