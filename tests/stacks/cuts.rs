// SPDX-License-Identifier: GPL-2.0-only
//! Segmentation never matters: a recorded connection cut anew gives the same outcome.

use crate::common::Wire;
use crate::relay::Passed;
use tlsconn_tls::{PacketTypes, Side, Side::Dst, Side::Src};

/// Where streams begin in sequence space.
pub(crate) const FIRST: [u32; 2] = [1000, 5000];
/// Splits that are tried at points spread over the connection.
const SPLITS: usize = 24;

/// What comes out of a connection.
#[derive(PartialEq, Debug)]
struct Outcome {
    state: tlsconn_tls::State,
    reason: tlsconn_tls::Reason,
    identity: tlsconn_tls::Identity,
    counters: [tlsconn_tls::Counters; 2],
    /// Runs of bytes of the same types.
    runs: [Vec<(PacketTypes, u32)>; 2],
}

impl Outcome {
    fn of(wire: &Wire) -> Self {
        let connection = &wire.connection;
        Outcome {
            state: connection.state(),
            reason: connection.reason(),
            identity: wire.handshake.identity,
            counters: [Src, Dst].map(|side| connection.counters(side)),
            runs: [Src, Dst].map(|side| runs(wire, side)),
        }
    }
}

fn runs(wire: &Wire, side: Side) -> Vec<(PacketTypes, u32)> {
    let mut runs: Vec<(PacketTypes, u32)> = vec![];
    for seq in FIRST[side as usize]..wire.next[side as usize] {
        let types = wire.types(side, seq, 1);
        match runs.last_mut() {
            Some((last, len)) if *last == types => *len += 1,
            _ => runs.push((types, 1)),
        }
    }
    runs
}

/// What each side sent until the other one did.
fn turns(passed: &Passed) -> Vec<(Side, Vec<u8>)> {
    let mut turns: Vec<(Side, Vec<u8>)> = vec![];
    for (from, bytes) in &passed.pieces {
        match turns.last_mut() {
            Some((last, so_far)) if last == from => so_far.extend(bytes),
            _ => turns.push((*from, bytes.clone())),
        }
    }
    turns
}

/// The same bytes byte by byte, in pieces of some lengths, merged as far as no byte of the other side comes in
/// between, in pieces of random lengths, and split at single points.
pub(crate) fn check_cuts(passed: &Passed) {
    let was = Outcome::of(&passed.wire);
    let turns = turns(passed);
    let again = |why: &str, cut: &mut dyn FnMut(usize, usize) -> usize| {
        let mut wire = Wire::default();
        for (number, (from, bytes)) in turns.iter().enumerate() {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let len = cut(number, rest.len()).clamp(1, rest.len());
                wire.send(*from, &rest[..len]);
                rest = &rest[len..];
            }
        }
        assert_eq!(wire.handshake.issued(), passed.wire.handshake.issued());
        assert_eq!(Outcome::of(&wire), was, "{why}");
    };
    for len in [1, 2, 5, 333, 65536] {
        again(&format!("cut every {len}"), &mut |_, _| len);
    }
    let mut random = Random(passed.pieces.len() as u64 + 1);
    for _ in 0..2 {
        let why = format!("random cuts from {}", random.0);
        again(&why, &mut |_, _| random.below(64));
    }
    let total: usize = turns.iter().map(|(_, bytes)| bytes.len()).sum();
    for _ in 0..SPLITS {
        // A point in the connection, as a turn and a place in it.
        let mut at = random.below(total);
        let mut turn = 0;
        while at >= turns[turn].1.len() {
            at -= turns[turn].1.len();
            turn += 1;
        }
        let mut split = false;
        again(
            &format!("turn {turn} split at {at}"),
            &mut |number, rest| {
                if number == turn && !split {
                    split = true;
                    at
                } else {
                    rest
                }
            },
        );
    }
}

/// Numbers that look random and are the same every time (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
