// SPDX-License-Identifier: GPL-2.0-only
//! Writes inputs to begin with for the engine, from the streams of the tests: makes FOLDER/direction, FOLDER/connection
//! and FOLDER/resent.

#[path = "../../../kmod/tls/tests/common/mod.rs"]
mod common;

use common::*;
use std::path::Path;
use tlsconn_tls::Side::{Dst, Src};

fn streams() -> Vec<(&'static str, Vec<Turn>)> {
    let finished12 = || record(22, &[0x16; 40], HANDSHAKE);
    let early = Hello::client13().with(42, &[]).with(41, &[1; 80]);
    let ticket = [&[0, 0, 1, 2][..], &vector16(&[7; 90])].concat();
    vec![
        (
            "tls13",
            vec![
                (Src, vec![Hello::client13().as_client()]),
                (
                    Dst,
                    [
                        vec![Hello::server13(SHA256_SUITE).as_server(), ccs()],
                        [23, 795, 281, 53].map(handshake23).to_vec(),
                    ]
                    .concat(),
                ),
                (Src, vec![ccs(), handshake23(53), data(100)]),
                (Dst, vec![data(200)]),
            ],
        ),
        (
            "tls13-retry-early",
            vec![
                (Src, vec![early.as_client(), data(60)]),
                (Dst, vec![Hello::retry(SHA384_SUITE).as_server(), ccs()]),
                (Src, vec![Hello::client13().as_client()]),
                (Dst, vec![Hello::server13(SHA384_SUITE).as_server()]),
                (Dst, [23, 62, 400, 281, 69].map(handshake23).to_vec()),
                (Src, [766, 281, 69].map(handshake23).to_vec()),
                (Src, vec![data(69)]),
            ],
        ),
        (
            "tls12",
            vec![
                (
                    Src,
                    vec![Hello::client().with(35, &[]).sni(b"a.example").as_client()],
                ),
                (
                    Dst,
                    vec![
                        Hello::server().as_server(),
                        plain(&message(11, &[0x30; 300])),
                    ],
                ),
                (Dst, vec![plain(&message(14, &[]))]),
                (
                    Src,
                    vec![plain(&message(16, &[4; 66])), ccs(), finished12()],
                ),
                (Dst, vec![plain(&message(4, &ticket)), ccs(), finished12()]),
                (
                    Src,
                    vec![
                        data(30),
                        record(24, &[1; 40], HANDSHAKE),
                        record(21, &[1; 24], ALERT),
                    ],
                ),
            ],
        ),
        (
            "tls12-resumed",
            vec![
                (Src, vec![Hello::client().with(35, &[3; 90]).as_client()]),
                (Dst, vec![Hello::server().as_server(), ccs(), finished12()]),
                (Src, vec![ccs(), finished12(), data(30), data(30), data(30)]),
                (Dst, vec![record(21, &[2, 40], ALERT)]),
            ],
        ),
    ]
}

/// Pieces that come in order, after a hole, again, and changed: the steps of that target.
fn resent(turns: &[Turn]) -> Vec<u8> {
    let mut input = vec![0];
    let mut step = |flags: u8, place: u16, len: u16, flip: u8, bytes: &[u8]| {
        input.push(flags);
        input.extend(place.to_be_bytes());
        input.extend(len.to_be_bytes());
        input.push(flip);
        input.extend(bytes);
    };
    for (from, records) in turns {
        let side = *from as u8;
        for (number, piece) in bytes(records).chunks(300).enumerate() {
            let len = piece.len() as u16;
            let after_hole = 2 * (number as u8 & 1);
            step(side | after_hole, len / 3, len, 0, piece);
            step(side | 4, len, len / 2, 0, &[]);
            step(side | 4, len / 4, len / 4, 0, &[]);
        }
        step(side | 6, 200, 0, 0, &[]);
    }
    step(4, 20, 10, 1, &[]);
    input
}

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).expect("usage: seeds FOLDER");
    let folder = Path::new(&folder);
    for target in ["direction", "connection", "resent"] {
        std::fs::create_dir_all(folder.join(target))?;
    }
    for (name, turns) in streams() {
        for side in [Src, Dst] {
            let stream: Vec<u8> = turns
                .iter()
                .filter(|(from, _)| *from == side)
                .flat_map(|(_, records)| bytes(records))
                .collect();
            for (how, suffix) in [(7_u8, ""), (0x80 | 50, "-picked-up")] {
                let file = format!("{name}-{}{suffix}", side as u8);
                let input = [&[how], &stream[..]].concat();
                std::fs::write(folder.join("direction").join(file), input)?;
            }
        }
        let mut input = vec![0];
        for (from, records) in &turns {
            for piece in bytes(records).chunks(700) {
                input.extend([*from as u8, 0]);
                input.extend(vector16(piece));
            }
        }
        std::fs::write(folder.join("connection").join(name), &input)?;
        std::fs::write(folder.join("resent").join(name), resent(&turns))?;
    }
    // SSL 2.0's framing, and text.
    let mut old = vec![
        3, 0x80, 31, 1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 0x2f, 7, 0, 0xc0,
    ];
    old.extend([0xca; 16]);
    std::fs::write(folder.join("direction/sslv2"), old)?;
    std::fs::write(folder.join("direction/text"), b"\x05GET / HTTP/1.1\r\n\r\n")
}
