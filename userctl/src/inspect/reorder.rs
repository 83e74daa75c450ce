// SPDX-License-Identifier: GPL-2.0-only

//! Segments behind a hole, kept until it fills.

use std::mem;

use tlsconn_tls::{Config, Connection, Handshake, Payload, Segment, Side, State};

/// Octets that are kept of a connection.
const BOUND: usize = 64 << 10;

/// What keeping a segment costs beside its octets, so that many small ones are bounded too.
const COST: usize = 64;

/// A payload in memory.
struct Slice<'a>(&'a [u8]);

impl Payload for Slice<'_> {
    fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        let from = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.0.get(offset..)?.get(..to.len()));
        match from {
            Some(from) => {
                to.copy_from_slice(from);
                true
            }
            None => false,
        }
    }
}

/// The engine's part of a connection, and what waits to be taken in.
pub(crate) struct InOrder {
    pub(crate) connection: Connection,
    pub(crate) handshake: Handshake,
    /// By side, the sequence number that comes next; none before the side's first payload.
    next: [Option<u32>; 2],
    kept: Vec<(Segment, Vec<u8>)>,
    octets: usize,
}

impl InOrder {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            handshake: Handshake::new(),
            next: [None, None],
            kept: Vec::new(),
            octets: 0,
        }
    }

    /// The sequence number of a side's first octet is known.
    pub(crate) fn begins(&mut self, side: Side, first: u32) {
        if let Some(next) = self.next.get_mut(side as usize) {
            next.get_or_insert(first);
        }
    }

    /// Takes a packet in: at once, and a second time when the hole in front of it has filled.
    pub(crate) fn segment(&mut self, segment: &Segment, payload: &[u8]) {
        self.take(segment, payload);
        let over = matches!(self.connection.state(), State::NotTls | State::Tainted);
        if over || self.connection.ended() {
            self.let_go();
            return;
        }
        if let Some(ack) = segment.ack {
            self.acknowledged(segment.from.other(), ack);
        }
        let waits = !payload.is_empty() && !self.reaches(segment, payload.len());
        let cost = payload.len() + COST;
        // Past the bound it is left out: once it is acknowledged, the direction is lost.
        if waits && self.octets.saturating_add(cost) <= BOUND {
            self.octets += cost;
            self.kept.push((*segment, payload.into()));
        }
        while let Some((segment, payload)) = self.filled() {
            self.take(&segment, &payload);
        }
    }

    /// A hole that is acknowledged does not fill any longer.
    fn acknowledged(&mut self, side: Side, ack: u32) {
        if let Some(Some(next)) = self.next.get_mut(side as usize) {
            if before(*next, ack) {
                *next = ack;
            }
        }
    }

    /// Nothing waits any longer: what is left is not followed, but counts.
    fn let_go(&mut self) {
        for (segment, payload) in mem::take(&mut self.kept) {
            self.take(&segment, &payload);
        }
        self.octets = 0;
    }

    fn take(&mut self, segment: &Segment, payload: &[u8]) {
        self.connection.segment(
            &mut self.handshake,
            &Config::default(),
            segment,
            &Slice(payload),
        );
    }

    /// Whether a segment starts no later than what comes next of its side, which it then moves on.
    fn reaches(&mut self, segment: &Segment, len: usize) -> bool {
        let Some(next) = self.next.get_mut(segment.from as usize) else {
            return false;
        };
        let end = segment
            .seq
            .wrapping_add(u32::try_from(len).unwrap_or(u32::MAX));
        match next {
            Some(next) if before(*next, segment.seq) => return false,
            Some(next) if !before(*next, end) => {}
            _ => *next = Some(end),
        }
        true
    }

    /// A kept segment with no hole in front of it any longer.
    fn filled(&mut self) -> Option<(Segment, Vec<u8>)> {
        let place = (0..self.kept.len()).find(|place| {
            self.kept.get(*place).is_some_and(|(segment, _)| {
                let next = self.next.get(segment.from as usize).copied().flatten();
                next.is_some_and(|next| !before(next, segment.seq))
            })
        })?;
        let (segment, payload) = self.kept.swap_remove(place);
        self.octets = self.octets.saturating_sub(payload.len() + COST);
        self.reaches(&segment, payload.len());
        Some((segment, payload))
    }
}

/// Whether `a` comes before `b` in a space that wraps.
pub(crate) fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) >= 1 << 31
}
