// SPDX-License-Identifier: GPL-2.0-only
//! Packets made to cost as much as one can.

use super::common::{tls12, tls13, *};
use super::{established, lost, Settled};
use std::hint::black_box;
use tlsconn_tls::{Handshake, HandshakeSlot, Piece, Side, Side::Dst, Side::Src};

/// A connection that a packet comes to, by name, and the side that sends it.
fn connection(name: &str) -> (Wire, Side) {
    let turns = handshake13();
    let begun = |number: usize| {
        let mut wire = Wire {
            handshake: Handshake::keyed([1, 2]),
            ..Wire::default()
        };
        wire.play(&turns[..number], &whole);
        wire
    };
    match name {
        "lost" => (lost(), Src),
        "resynchronised" => {
            let mut wire = lost();
            wire.records(Src, &[data(9), data(9), data(9)]);
            (wire, Src)
        }
        "established" => (established(), Src),
        "TLS 1.2" => {
            let mut wire = begun(0);
            wire.play(&tls12::full(Hello::client(), tls12::server12()), &whole);
            (wire, Src)
        }
        "opened" => (begun(0), Src),
        "opened, alert" => {
            let mut wire = begun(0);
            wire.send(Src, &unit("alerts"));
            (wire, Src)
        }
        "early data" => {
            let mut wire = begun(0);
            wire.records(Src, &[tls13::early_client_hello()]);
            wire.records(Dst, &[tls13::psk_server_hello(SHA256_SUITE)]);
            (wire, Src)
        }
        "server of TLS 1.2" => {
            let mut wire = begun(0);
            wire.records(Src, &[Hello::client().as_client()]);
            wire.records(Dst, &[tls12::server12().as_server()]);
            (wire, Dst)
        }
        "client of TLS 1.2" => (connection("server of TLS 1.2").0, Src),
        "encrypted" => {
            let (mut wire, _) = connection("server of TLS 1.2");
            wire.records(Src, &[ccs()]);
            (wire, Src)
        }
        "hello" => (begun(1), Src),
        "client's flight" => (begun(2), Src),
        "server's flight" => {
            let mut wire = begun(1);
            wire.records(Dst, &turns[1].1[..2]);
            (wire, Dst)
        }
        _ => panic!("no such connection: {name}"),
    }
}

/// Bytes that repeat, by name or as records: "22x125+23x1" by their types and lengths.
fn unit(name: &str) -> Vec<u8> {
    let record = |wire: u8, len: u8| [&[wire, 3, 3, 0, len][..], &vec![0x55; len.into()]].concat();
    let warning = || vec![21, 3, 3, 0, 2, 1, 90];
    match name {
        "text" => b"x".to_vec(),
        "types" => vec![0x17],
        "types and versions" => vec![0x17, 3],
        "headers without lengths" => vec![0x17, 3, 3],
        "headers with lengths of none" => vec![0x17, 3, 3, 0, 0],
        "headers with lengths too large" => vec![0x17, 3, 3, 0xff, 0xff],
        "records of one byte" => record(23, 1),
        "alerts" => record(21, 2),
        "encrypted alerts" => record(21, 18),
        "heartbeats" => record(24, 1),
        "warnings" => warning(),
        "alerts of 352 bytes" => [&[21, 3, 3, 1, 96][..], &[0x55; 352]].concat(),
        "handshake records of one byte" => [&[22, 3, 3, 0, 1][..], &[0]].concat(),
        "handshake records of three bytes" => [&[22, 3, 3, 0, 3][..], &[0; 3]].concat(),
        "handshake records of 40 bytes" => record(22, 40),
        "handshake records of 125 bytes" => record(22, 125),
        "records of 64 bytes" => record(23, 64),
        "records of 125 bytes" => record(23, 125),
        "all types" => [record(20, 1), warning(), record(23, 1), record(24, 1)].concat(),
        "long types in turns" => [record(22, 125), record(23, 125)].concat(),
        "types in turns" => [record(20, 1), record(23, 1)].concat(),
        "handshake in turns" => [record(20, 1), vec![22, 3, 3, 0, 1, 0]].concat(),
        "small messages" => large(&[0; 4]),
        "small messages of five" => large(&[0, 0, 0, 1, 7]),
        "tickets of one byte" => large(&[4, 0, 0, 7, 0, 0, 0, 0, 0, 1, 7]),
        "a ticket" => large_with(&[4, 0, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xf9], &[7]),
        "small extensions" => hello_with(&[7, 7, 0, 0]),
        "extensions of one byte" => hello_with(&[7, 7, 0, 1, 1]),
        "a ticket in a hello" => hello_with_ticket(),
        "hello of short records" => hello_with(&[7, 7, 0, 0])[5..]
            .chunks(3)
            .flat_map(|bytes| [&[22, 3, 3, 0, bytes.len() as u8], bytes].concat())
            .collect(),
        "hello of SSL 2.0" => {
            let mut bytes = vec![0xff, 0xff, 1, 3, 3, 0x7f, 0xe3, 0, 0, 0, 16];
            bytes.resize(0x8001, 7);
            bytes
        }
        "change_cipher_spec" => record(20, 1),
        "pairs of records" => [record(23, 1), record(23, 1), vec![0]].concat(),
        "single records" => [record(22, 1), vec![0x17]].concat(),
        "triples of records" => [record(23, 1).repeat(3), vec![0x17, 3, 3, 0xff, 0xff]].concat(),
        "chains that break at a type" => [record(23, 1).repeat(3), vec![0x19]].concat(),
        "chains that break at a version" => [record(23, 1).repeat(3), vec![0x17, 3, 9]].concat(),
        "records of 300 bytes" => [&[23, 3, 3, 1, 39][..], &[0x17; 295]].concat(),
        "random bytes" => {
            let mut random = 0x2545_f491_4f6c_dd1d_u64;
            let mut next = || {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random as u8
            };
            (0..100_003).map(|_| next()).collect()
        }
        records => records
            .split('+')
            .flat_map(|name| {
                let (wire, len) = name.split_once('x').expect("such bytes");
                let [high, low] = len.parse::<u16>().expect("a length").to_be_bytes();
                let body = vec![0x55; usize::from(u16::from_be_bytes([high, low]))];
                [&[wire.parse().expect("a type"), 3, 3, high, low][..], &body].concat()
            })
            .collect(),
    }
}

/// Full records of messages: some bytes, and others again and again.
fn large_with(front: &[u8], again: &[u8]) -> Vec<u8> {
    let bytes: Vec<u8> = front
        .iter()
        .chain(again.iter().cycle())
        .copied()
        .take(70_000)
        .collect();
    bytes
        .chunks(16_384)
        .flat_map(|bytes| {
            let [high, low] = (bytes.len() as u16).to_be_bytes();
            [&[22, 3, 3, high, low], bytes].concat()
        })
        .collect()
}

fn large(again: &[u8]) -> Vec<u8> {
    large_with(&[], again)
}

/// A ClientHello up to its extensions, which are all the same.
fn hello_with(extension: &[u8]) -> Vec<u8> {
    let most = 65_535 / extension.len() * extension.len();
    large_with(&hello_front(most), extension)
}

fn hello_with_ticket() -> Vec<u8> {
    let mut front = hello_front(65_535);
    front.extend([0, 35, 0xff, 0xfb]);
    large_with(&front, &[7])
}

fn hello_front(extensions: usize) -> Vec<u8> {
    let mut front = vec![1];
    front.extend(&(extensions as u32 + 43).to_be_bytes()[1..]);
    front.extend([3, 3]);
    front.extend([0xc1; 32]);
    front.extend([0, 0, 2, 0x13, 1, 1, 0]);
    front.extend((extensions as u16).to_be_bytes());
    front
}

/// A place for the handshake that is there, or for none.
enum Place {
    None(Settled),
    Some(Handshake),
}

impl HandshakeSlot for Place {
    fn get(&mut self) -> Option<&mut Handshake> {
        match self {
            Place::None(place) => place.get(),
            Place::Some(place) => place.get(),
        }
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        self.get()
    }

    fn piece(&mut self) -> Option<Box<Piece>> {
        Some(Box::default())
    }
}

/// One packet, each time on a connection as it is: "CONNECTION: UNIT, KIB". Without bytes if `times` of it cost what the
/// copies do.
pub(crate) fn packet(case: &str, times: u32, is_copy: bool) -> Option<()> {
    let (name, rest) = case.split_once(": ")?;
    let (of, kib) = rest.split_once(", ")?;
    let len = kib.strip_suffix(" KiB")?.parse::<usize>().ok()? * 1024;
    let (wire, from) = connection(name);
    let unit = unit(of);
    let bytes: Vec<u8> = unit.iter().copied().cycle().take(len).collect();
    let segment = wire.segment(from);
    for _ in 0..times {
        let mut connection = wire.connection.clone();
        let mut place = match name {
            "lost" | "resynchronised" => Place::None(Settled),
            _ => Place::Some(wire.handshake.clone()),
        };
        if !is_copy {
            let bytes = Slice(black_box(&bytes));
            connection.segment(&mut place, &wire.config, &segment, &bytes);
        }
        black_box((&connection, place.get()));
    }
    Some(())
}
