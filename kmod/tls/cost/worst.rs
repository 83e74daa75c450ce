// SPDX-License-Identifier: GPL-2.0-only
//! Packets made to cost as much as one can.

use super::common::*;
use super::{established, lost, Settled};
use std::hint::black_box;
use tlsconn_tls::{Handshake, Piece, Scratch, Side, Side::Dst, Side::Src};

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

/// Octets that repeat, by name.
fn unit(name: &str) -> Vec<u8> {
    let record = |wire: u8, len: u8| [&[wire, 3, 3, 0, len][..], &vec![0x55; len.into()]].concat();
    match name {
        "text" => b"x".to_vec(),
        "types" => vec![0x17],
        "types and versions" => vec![0x17, 3],
        "headers without lengths" => vec![0x17, 3, 3],
        "headers with lengths of none" => vec![0x17, 3, 3, 0, 0],
        "headers with lengths too large" => vec![0x17, 3, 3, 0xff, 0xff],
        "records of one octet" => record(23, 1),
        "alerts" => record(21, 2),
        "change_cipher_spec" => record(20, 1),
        "pairs of records" => [record(23, 1), record(23, 1), vec![0]].concat(),
        "single records" => [record(22, 1), vec![0x17]].concat(),
        "triples of records" => [record(23, 1).repeat(3), vec![0x17, 3, 3, 0xff, 0xff]].concat(),
        "chains that break at a type" => [record(23, 1).repeat(3), vec![0x19]].concat(),
        "chains that break at a version" => [record(23, 1).repeat(3), vec![0x17, 3, 9]].concat(),
        "records of 300 octets" => [&[23, 3, 3, 1, 39][..], &[0x17; 295]].concat(),
        "random octets" => {
            let mut random = 0x2545_f491_4f6c_dd1d_u64;
            let mut next = || {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random as u8
            };
            (0..100_003).map(|_| next()).collect()
        }
        _ => panic!("no such octets: {name}"),
    }
}

/// A place for the handshake that is there, or for none.
enum Place {
    None(Settled),
    Some(Handshake),
}

impl Scratch for Place {
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

/// One packet, each time on a connection as it is: "CONNECTION: UNIT, KIB". Without octets if `times` of it cost what the
/// copies do.
pub(crate) fn packet(case: &str, times: u32, is_copy: bool) -> Option<()> {
    let (name, rest) = case.split_once(": ")?;
    let (of, kib) = rest.split_once(", ")?;
    let len = kib.strip_suffix(" KiB")?.parse::<usize>().ok()? * 1024;
    let (wire, from) = connection(name);
    let unit = unit(of);
    let octets: Vec<u8> = unit.iter().copied().cycle().take(len).collect();
    let segment = wire.segment(from);
    for _ in 0..times {
        let mut connection = wire.connection.clone();
        let mut place = match name {
            "lost" | "resynchronised" => Place::None(Settled),
            _ => Place::Some(wire.handshake.clone()),
        };
        if !is_copy {
            let octets = Slice(black_box(&octets));
            connection.segment(&mut place, &wire.config, &segment, &octets);
        }
        black_box((&connection, place.get()));
    }
    Some(())
}
