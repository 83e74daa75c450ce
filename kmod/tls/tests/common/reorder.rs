// SPDX-License-Identifier: GPL-2.0-only
//! Segments after a hole, kept as the engine's users keep them.

use super::Slice;
use tlsconn_tls::{Config, Connection, HandshakeSlot, Segment, SegmentOutcome, Side};

struct Waiting {
    segment: Segment,
    bytes: Vec<u8>,
    since: u32,
}

/// What is kept of a connection, in the order in which it came.
#[derive(Default)]
pub struct Reorder {
    kept: Vec<Waiting>,
}

impl Reorder {
    /// Hands a segment to the engine, and those that were kept as soon as nothing is missing before them. `now` in
    /// seconds.
    pub fn take<S: HandshakeSlot>(
        &mut self,
        connection: &mut Connection,
        handshake: &mut S,
        config: &Config,
        segment: &Segment,
        bytes: &[u8],
        now: u32,
    ) {
        for side in [Side::Src, Side::Dst] {
            let old = |kept: &Waiting| {
                kept.segment.from == side && now - kept.since > config.hole_seconds
            };
            if self.kept.iter().any(old) {
                connection.give_up(side);
                self.hand_in(connection, handshake, config, side);
            }
        }
        let taken = connection.segment(handshake, config, segment, &Slice(bytes));
        if taken == SegmentOutcome::AfterHole {
            let same = |kept: &Waiting| kept.segment == *segment && kept.bytes == bytes;
            if self.kept.iter().any(same) {
                return;
            }
            self.kept.push(Waiting {
                segment: *segment,
                bytes: bytes.to_vec(),
                since: now,
            });
            if self.bytes() > config.hole_octets as usize {
                connection.give_up(segment.from);
            }
        }
        self.hand_in(connection, handshake, config, segment.from);
    }

    pub fn bytes(&self) -> usize {
        self.kept.iter().map(|kept| kept.bytes.len()).sum()
    }

    /// Hands in what has no hole before it any longer, the lowest number first.
    fn hand_in<S: HandshakeSlot>(
        &mut self,
        connection: &mut Connection,
        handshake: &mut S,
        config: &Config,
        side: Side,
    ) {
        loop {
            let ready = |kept: &Waiting| {
                kept.segment.from == side && !connection.is_after_hole(side, kept.segment.seq)
            };
            let places = (0..self.kept.len()).filter(|place| ready(&self.kept[*place]));
            let Some(place) = places.reduce(|a, b| {
                let ahead = self.kept[b]
                    .segment
                    .seq
                    .wrapping_sub(self.kept[a].segment.seq);
                if (ahead as i32) < 0 {
                    b
                } else {
                    a
                }
            }) else {
                return;
            };
            let kept = self.kept.remove(place);
            connection.segment(handshake, config, &kept.segment, &Slice(&kept.bytes));
        }
    }
}
