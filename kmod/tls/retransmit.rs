// SPDX-License-Identifier: GPL-2.0-only
//! A connection compares what comes again with what came first: byte by byte, however it is cut.

use super::direction::Direction;
use super::flow::Flow;
use super::follow::Follow;
use super::outstanding::Outstanding;
use super::sequence::{before, later, Kind};
use super::slot::HandshakeSlot;
use super::types::{Payload, Reason, Segment};

/// Bytes of a payload that are compared at a time.
const CHUNK: usize = 256;

/// What comparing has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    Same,
    Other,
    /// Of some it is not known any longer.
    Unknown,
}

/// Bytes of the payload before `end` come again: they have to be the same if they are not acknowledged. What cannot be
/// compared is unknown from now on.
pub(super) fn compare<S: HandshakeSlot, P: Payload>(
    flow: &mut Flow,
    slot: &mut S,
    segment: &Segment,
    payload: &P,
    end: u32,
) -> Result<(), Reason> {
    let direction = flow.sides.of_mut(segment.from);
    let seq = segment.seq;
    let from = later(seq, direction.acked);
    if !direction.is_followed() || !before(from, end) {
        return Ok(());
    }
    let (record, next) = (&direction.record, direction.next());
    if direction
        .headers
        .differ(record, next, payload, seq, from, end)?
    {
        return Err(Reason::ResentDifferently);
    }
    // After a hole nothing has a type that is compared, and without a handshake nothing is outstanding but data.
    let found = match slot.get() {
        Some(handshake) if direction.follow == Follow::Records => compare_kept(
            direction,
            handshake.outstanding.of(segment.from),
            payload,
            seq,
            from,
            end,
        )?,
        _ => Found::Same,
    };
    match found {
        Found::Other => return Err(Reason::ResentDifferently),
        Found::Unknown => direction.hold_outstanding(),
        // The fast path may have taken in bytes of this very packet.
        Found::Same if flow.cold.of(segment.from).chain.taken > 0 => {}
        Found::Same => forget_old_data(direction, from, end),
    }
    Ok(())
}

/// Keeps what the new bytes, those from `at` on, have to be when they come again.
pub(super) fn remember<S: HandshakeSlot, P: Payload>(
    flow: &Flow,
    slot: &mut S,
    segment: &Segment,
    payload: &P,
    at: u32,
) -> Result<(), Reason> {
    let direction = flow.sides.of(segment.from);
    let mut kept = match slot.get() {
        Some(handshake) => core::mem::take(handshake.outstanding.of_mut(segment.from)),
        None => return Ok(()),
    };
    kept.forget(direction.acked);
    let mut at = later(at, direction.history.oldest());
    while let Some((is_compared, end)) = run_of_compared(direction, at) {
        if is_compared {
            let offset = at.wrapping_sub(segment.seq);
            kept.keep(slot, payload, at, offset, end.wrapping_sub(at));
        }
        at = end;
    }
    if let Some(handshake) = slot.get() {
        *handshake.outstanding.of_mut(segment.from) = kept;
    }
    Ok(())
}

/// Whether bytes at `at` have to come again as they were, and where those end of which the same is true; None after
/// all that have come. A header that does not tell yet is compared too.
fn run_of_compared(direction: &Direction, at: u32) -> Option<(bool, u32)> {
    if before(at, direction.history.end()) {
        let (kind, end) = direction.history.run(at);
        return Some((kind.is_compared(), end));
    }
    before(at, direction.next()).then(|| (true, direction.next()))
}

/// Where the last run ends of bytes from `at` on that have to come again as they were; `at` where there is none.
pub(super) fn end_of_compared(direction: &Direction, mut at: u32) -> u32 {
    let mut last = at;
    at = later(at, direction.history.oldest());
    while let Some((is_compared, end)) = run_of_compared(direction, at) {
        if is_compared {
            last = end;
        }
        at = end;
    }
    last
}

fn compare_kept<P: Payload>(
    direction: &Direction,
    kept: &Outstanding,
    payload: &P,
    seq: u32,
    from: u32,
    end: u32,
) -> Result<Found, Reason> {
    let mut found = Found::Same;
    let mut at = later(from, direction.history.oldest());
    while before(at, end) {
        let Some((is_compared, run_end)) = run_of_compared(direction, at) else {
            break;
        };
        let run_end = match before(run_end, end) {
            true => run_end,
            false => end,
        };
        if is_compared && !kept.reaches(at, run_end) {
            found = Found::Unknown;
        } else if is_compared && differ(kept, payload, seq, at, run_end)? {
            return Ok(Found::Other);
        }
        at = run_end;
    }
    Ok(found)
}

/// Whether bytes of a payload, which begins at `seq`, are others than those that are kept: those from `at` to `end`.
fn differ<P: Payload>(
    kept: &Outstanding,
    payload: &P,
    seq: u32,
    mut at: u32,
    end: u32,
) -> Result<bool, Reason> {
    while before(at, end) {
        let was = kept.bytes(at);
        let count = was.len().min(CHUNK).min(end.wrapping_sub(at) as usize);
        let mut bytes = [0; CHUNK];
        // A payload that is shorter than it said has a hole.
        let (Some(was), Some(is)) = (was.get(..count), bytes.get_mut(..count)) else {
            return Err(Reason::Hole);
        };
        if count == 0 || !payload.read(at.wrapping_sub(seq), is) {
            return Err(Reason::Hole);
        }
        if was != is {
            return Ok(true);
        }
        at = at.wrapping_add(count as u32);
    }
    Ok(false)
}

/// Bytes of data among those from `from` to `end` whose records' headers are not known any longer: makes them unknown.
#[cold]
fn forget_old_data(direction: &mut Direction, from: u32, end: u32) {
    let start = direction.record.start(direction.next());
    let Some(known_from) = direction.headers.known_from(start) else {
        return;
    };
    let mut at = later(from, direction.history.oldest());
    while before(at, end) && before(at, known_from) {
        let (kind, run_end) = direction.history.run(at);
        if kind == Kind::ApplicationData {
            direction.history.unknown_between(at, known_from);
            return;
        }
        if !before(at, run_end) {
            return;
        }
        at = run_end;
    }
}
