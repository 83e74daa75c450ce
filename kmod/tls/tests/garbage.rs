// SPDX-License-Identifier: GPL-2.0-only
//! Bytes and numbers at random: no panic (overflow checks are on here), and no type without a record, and no difference by
//! where the handshake is kept.

use crate::common::places::Place;
use crate::common::*;
use tlsconn_tls::{Connection, Segment, Side::Dst, Side::Src, State, Types};

/// Numbers that come the same every time (xorshift64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

fn handshake_bytes(from_client: bool) -> Vec<u8> {
    let records = if from_client {
        vec![
            Hello::client13().with(42, &[]).as_client(),
            ccs(),
            handshake23(300),
            handshake23(53),
        ]
    } else {
        vec![
            Hello::server13(SHA256_SUITE).as_server(),
            ccs(),
            handshake23(23),
            handshake23(300),
            handshake23(53),
        ]
    };
    bytes(&records)
}

#[test]
fn mutated_handshakes_with_random_segments() {
    let mut random = Random(0x0074_6c73_636f_6e6e);
    for _ in 0..20_000 {
        let mut streams = [handshake_bytes(true), handshake_bytes(false)];
        for _ in 0..random.below(4) {
            let stream = &mut streams[random.below(2)];
            let place = random.below(stream.len());
            stream[place] = random.next() as u8;
        }
        let first = [random.next() as u32, random.next() as u32];
        let mut wire = Wire::at(first[0], first[1]);
        if random.below(10) == 0 {
            wire.connection = Connection::picked_up();
        }
        let (mut other, mut place) = (wire.connection.clone(), Place::default());
        for _ in 0..random.below(30) {
            if random.below(12) == 0 {
                let side = if random.below(2) == 0 { Src } else { Dst };
                wire.connection.give_up(side);
                other.give_up(side);
            }
            let from = if random.below(2) == 0 { Src } else { Dst };
            let stream = &streams[from as usize];
            // Mostly what comes next, else anything.
            let next = wire.next[from as usize].wrapping_sub(first[from as usize]) as usize;
            let start = if random.below(4) > 0 {
                next.min(stream.len())
            } else {
                random.below(stream.len())
            };
            let len = random.below(stream.len() - start + 1);
            let segment = Segment {
                from,
                seq: first[from as usize].wrapping_add(start as u32),
                ack: Some(wire.next[from.other() as usize].wrapping_sub(random.below(3) as u32)),
                fin: random.below(40) == 0,
                urgent: random.below(200) == 0,
            };
            wire.take(&segment, &stream[start..start + len]);
            other.segment(
                &mut place,
                &wire.config,
                &segment,
                &Slice(&stream[start..start + len]),
            );
            if place.0.as_ref().is_some_and(|it| other.has_settled(it)) {
                place.0 = None;
            }
            // What is on its way at the end is of no interest.
            if !wire.connection.ended() {
                assert_eq!(other.state(), wire.connection.state());
                assert_eq!(other.reason(), wire.connection.reason());
                for side in [Src, Dst] {
                    assert_eq!(other.counters(side), wire.connection.counters(side));
                }
                assert_eq!(
                    other.types(from, segment.seq, len as u32),
                    wire.types(from, segment.seq, len)
                );
            }
            if start == next {
                wire.next[from as usize] = segment.seq.wrapping_add(len as u32);
            }
            let types = wire.types(from, segment.seq, len);
            assert!(types.content != Types::EMPTY && types.wire != Types::EMPTY);
            if matches!(wire.connection.state(), State::NotTls | State::Tainted) && len > 0 {
                assert_eq!(types.content, Types::UNKNOWN);
            }
        }
    }
}

#[test]
fn nothing_but_noise() {
    let mut random = Random(0x6e6f_6973_6531_3233);
    for _ in 0..20_000 {
        let mut wire = Wire::at(random.next() as u32, random.next() as u32);
        for _ in 0..8 {
            let bytes: Vec<u8> = (0..random.below(80)).map(|_| random.next() as u8).collect();
            let segment = Segment {
                from: if random.below(2) == 0 { Src } else { Dst },
                seq: random.next() as u32,
                ack: Some(random.next() as u32),
                fin: random.below(4) == 0,
                urgent: false,
            };
            wire.take(&segment, &bytes);
            wire.send(Src, &bytes);
            wire.types(
                Src,
                random.next() as u32,
                random.next() as usize & 0xffff_ffff,
            );
        }
    }
}
