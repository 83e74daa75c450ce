// SPDX-License-Identifier: GPL-2.0-only
//! A connection compares what comes again with what came first.

use super::connection::Connection;
use super::direction::Follow;
use super::handshake::Handshake;
use super::records::{read, CHUNK};
use super::scratch::Scratch;
use super::sequence::{before, later};
use super::types::{Payload, Reason, Segment};

/// How far a direction was in front of a payload.
#[derive(Clone, Copy)]
pub(super) struct Before {
    /// Octets before this number had a type.
    typed: u32,
    /// Octets before this one were taken in: those between are of a header.
    next: u32,
    header: [u8; 4],
}

impl Before {
    /// In front of `next` all has a type.
    pub(super) fn typed(next: u32) -> Self {
        Before {
            typed: next,
            next,
            header: [0; 4],
        }
    }
}

impl Connection {
    /// To be said before a payload is taken in that is remembered then.
    pub(super) fn before(&self, segment: &Segment) -> Before {
        let direction = self.sides.of(segment.from);
        Before {
            typed: direction.history.end(),
            next: direction.next(),
            header: direction.record.partial_header(),
        }
    }

    /// Octets of the payload before `end` come again: they have to be the same if they are not acknowledged.
    pub(super) fn compare<S: Scratch, P: Payload>(
        &self,
        scratch: &mut S,
        segment: &Segment,
        payload: &P,
        end: u32,
    ) -> Result<(), Reason> {
        let direction = self.sides.of(segment.from);
        let seq = segment.seq;
        let from = later(seq, direction.acked());
        if !direction.is_followed() || !before(from, end) {
            return Ok(());
        }
        let differ = direction.headers_differ(payload, seq, from, end)?
            || match scratch.get() {
                // Behind a hole nothing has a type that is compared.
                Some(handshake) if direction.follow == Follow::Records => {
                    handshake.differ(direction, payload, segment, end)?
                }
                // Nothing is outstanding but data.
                _ => false,
            };
        match differ {
            true => Err(Reason::ResentDifferently),
            false => Ok(()),
        }
    }

    /// Keeps what the new octets have to be when they come again.
    pub(super) fn remember<P: Payload>(
        &self,
        handshake: &mut Handshake,
        segment: &Segment,
        payload: &P,
        before_it: Before,
    ) -> Result<(), Reason> {
        let direction = self.sides.of(segment.from);
        let history = &direction.history;
        let Before {
            typed,
            next,
            header,
        } = before_it;
        handshake.forget(segment.from, direction.acked());
        let mut at = later(typed, history.oldest());
        while before(at, history.end()) {
            let (kind, end) = history.run(at);
            if !kind.is_compared() {
                at = end;
                continue;
            }
            let mut octets = [0; CHUNK];
            let octets = if before(at, next) {
                // Of a header whose type was open.
                let left = header.get(at.wrapping_sub(typed) as usize..);
                left.and_then(|left| left.get(..1)).ok_or(Reason::Hole)?
            } else {
                let wanted = end.wrapping_sub(at).min(CHUNK as u32);
                read(payload, at.wrapping_sub(segment.seq), wanted, &mut octets)?
            };
            let coming = end.wrapping_sub(at);
            handshake.remember(segment.from, direction.acked(), at, octets, coming);
            at = at.wrapping_add(octets.len() as u32);
        }
        Ok(())
    }
}
