// SPDX-License-Identifier: GPL-2.0-only

//! Segments behind a hole, kept until it fills.

use tlsconn_tls::{
    Config, Connection, Decided, Decisions, Handshake, Payload, Segment, SegmentOutcome, Side,
};

use super::{interface::Time, ja4::Fingerprint, options::Options, place::Place};

/// What keeping a segment costs beside its octets, so that many small ones are bounded too.
const COST: u32 = 64;

/// A payload in memory.
struct Slice<'a>(&'a [u8]);

impl Payload for Slice<'_> {
    fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn slice(&self, offset: u32, len: u32) -> Option<&[u8]> {
        let from = usize::try_from(offset).ok()?;
        self.0.get(from..)?.get(..usize::try_from(len).ok()?)
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
    /// By which rules records were told from data, if that is asked for.
    decisions: Option<Decisions>,
    pub(crate) fingerprint: Fingerprint,
    /// In the order in which they came.
    kept: Vec<Kept>,
    cost: u32,
}

/// A segment behind a hole.
struct Kept {
    segment: Segment,
    payload: Vec<u8>,
    /// When it was captured.
    since: Time,
}

/// What a connection has waiting behind holes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Waiting {
    /// Octets that it takes.
    pub(crate) cost: u32,
    /// When the oldest of it was captured.
    pub(crate) since: Option<Time>,
}

impl Waiting {
    /// This and that together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            cost: self.cost.saturating_add(other.cost),
            since: self.since.into_iter().chain(other.since).min(),
        }
    }
}

impl InOrder {
    pub(crate) fn new(connection: Connection, options: Options) -> Self {
        Self {
            connection,
            handshake: Handshake::keyed(options.secret),
            decisions: options.explain.then(Decisions::default),
            fingerprint: Fingerprint::default(),
            kept: Vec::new(),
            cost: 0,
        }
    }

    /// Takes a packet in: at once, and a second time when the hole before it has filled.
    pub(crate) fn segment(&mut self, segment: &Segment, payload: &[u8], now: Time) {
        if self.take(segment, payload) == SegmentOutcome::AfterHole {
            self.keep(segment, payload, now);
        }
        self.hand_in();
    }

    /// No longer waits for what is missing before segments that were captured before `oldest`.
    pub(crate) fn give_up(&mut self, oldest: Time) {
        for side in [Side::Src, Side::Dst] {
            let is_old = |kept: &Kept| kept.segment.from == side && kept.since < oldest;
            if self.kept.iter().any(is_old) {
                self.connection.give_up(side);
            }
        }
        self.hand_in();
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> Waiting {
        Waiting {
            cost: self.cost,
            since: self.kept.iter().map(|kept| kept.since).min(),
        }
    }

    /// What was decided since it was asked last.
    pub(super) fn decided(&self) -> Vec<Decided> {
        let decisions = self.decisions.as_ref();
        decisions.map(Decisions::take).unwrap_or_default()
    }

    fn take(&mut self, segment: &Segment, payload: &[u8]) -> SegmentOutcome {
        let mut place = Place {
            handshake: &mut self.handshake,
            fingerprint: &self.fingerprint,
            decisions: self.decisions.as_ref(),
        };
        self.connection
            .segment(&mut place, &Config::default(), segment, &Slice(payload))
    }

    fn keep(&mut self, segment: &Segment, payload: &[u8], now: Time) {
        let is_same = |kept: &Kept| kept.segment.seq == segment.seq && kept.payload == payload;
        if payload.is_empty() || self.kept.iter().any(is_same) {
            return;
        }
        self.cost = self.cost.saturating_add(cost(payload));
        self.kept.push(Kept {
            segment: *segment,
            payload: payload.into(),
            since: now,
        });
        if self.cost > Config::default().hole_octets {
            self.connection.give_up(segment.from);
        }
    }

    /// Hands in what has no hole before it any longer.
    fn hand_in(&mut self) {
        while let Some(Kept {
            segment, payload, ..
        }) = self.filled()
        {
            self.take(&segment, &payload);
        }
    }

    /// A kept segment with no hole before it any longer, the lowest number first.
    fn filled(&mut self) -> Option<Kept> {
        let mut lowest: Option<(usize, u32)> = None;
        for (place, Kept { segment, .. }) in self.kept.iter().enumerate() {
            let ready = !self.connection.is_after_hole(segment.from, segment.seq);
            if ready && lowest.is_none_or(|(_, seq)| before(segment.seq, seq)) {
                lowest = Some((place, segment.seq));
            }
        }
        let kept = self.kept.remove(lowest?.0);
        self.cost = self.cost.saturating_sub(cost(&kept.payload));
        Some(kept)
    }
}

/// What keeping a payload costs.
fn cost(payload: &[u8]) -> u32 {
    Slice(payload).len().saturating_add(COST)
}

/// Whether `a` comes before `b` in a space that wraps.
pub(crate) fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) >= 1 << 31
}
