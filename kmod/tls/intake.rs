// SPDX-License-Identifier: GPL-2.0-only
//! A payload that begins where its direction has come to is taken in by the rules that hold there, and what of it has to come
//! again as it came is kept.

use super::deframer::deframe;
use super::established::Established;
use super::flow::Flow;
use super::handshake::Handshake;
use super::handshake_records::HandshakeRecords;
#[cfg(feature = "explain")]
use super::inner_types::tell_next;
use super::reader::Reader;
use super::resync::search;
use super::retransmit::{end_of_compared, remember};
use super::slot::HandshakeSlot;
use super::told::Told;
use super::types::{Config, Payload, Reason, Segment, State};

/// Takes a payload in from `offset` on, which is where the direction has come to.
pub(super) fn records<S: HandshakeSlot, P: Payload>(
    flow: &mut Flow,
    slot: &mut S,
    config: &Config,
    segment: &Segment,
    payload: &P,
    reader: &mut Reader<'_, P>,
    offset: u32,
) -> Result<(), Reason> {
    if flow.progress == State::Established {
        return records_after_handshake(flow, slot, segment, payload, reader, offset);
    }
    let from = segment.from;
    let at = flow.sides.of(from).next();
    let told = slot.told();
    let handshake = match flow.progress {
        State::New => slot.make(),
        _ => slot.get(),
    };
    let Some(handshake) = handshake else {
        if !flow.ended {
            return Err(Reason::TableFull);
        }
        // It was given back at the end of the connection. What was on its way then is of no interest.
        flow.lose(from);
        let direction = flow.sides.of_mut(from);
        return search(direction, flow.cold.of_mut(from), reader, offset);
    };
    if flow.lost {
        handshake.give_up();
    }
    if payload.slice(offset, reader.left(offset)).is_some() {
        records_of_handshake(flow, handshake, config, segment, reader, offset, told)?;
        return remember(flow, slot, segment, payload, at);
    }
    records_of_copy(flow, slot, config, segment, payload, reader, offset)
}

/// The same of a payload that is not in one piece: what is read and what is kept is the same copy.
fn records_of_copy<S: HandshakeSlot, P: Payload>(
    flow: &mut Flow,
    slot: &mut S,
    config: &Config,
    segment: &Segment,
    payload: &P,
    reader: &mut Reader<'_, P>,
    offset: u32,
) -> Result<(), Reason> {
    let from = segment.from;
    let at = flow.sides.of(from).next();
    let told = slot.told();
    let mut kept = match slot.get() {
        Some(handshake) => core::mem::take(handshake.outstanding.of_mut(from)),
        None => return Ok(()),
    };
    kept.forget(flow.sides.of(from).acked);
    // What else is kept stays. The rest is looked at twice.
    let count = reader.left(offset).min(kept.room_after(at));
    kept.keep(slot, payload, at, offset, count);
    // Without memory for all of it, what has to be kept is kept afterwards.
    let end = at.wrapping_add(count);
    let next = match kept.reaches(at, end) {
        true => end,
        false => at,
    };
    let mut copy = reader.of_copy(&kept, segment.seq);
    let taken = match slot.get() {
        Some(handshake) => {
            records_of_handshake(flow, handshake, config, segment, &mut copy, offset, told)
        }
        None => Ok(()),
    };
    reader.set_records_left(copy.records_left());
    kept.cut(end_of_compared(flow.sides.of(from), at));
    if let Some(handshake) = slot.get() {
        *handshake.outstanding.of_mut(from) = kept;
    }
    taken?;
    remember(flow, slot, segment, payload, next)
}

/// Takes a payload in from `offset` on. A handshake is made only for records that are no data.
#[inline]
fn records_after_handshake<S: HandshakeSlot, P: Payload>(
    flow: &mut Flow,
    slot: &mut S,
    segment: &Segment,
    payload: &P,
    reader: &mut Reader<'_, P>,
    offset: u32,
) -> Result<(), Reason> {
    let from = segment.from;
    #[cfg(feature = "explain")]
    if flow.tls13 {
        let record = flow.sides.of(from).record;
        tell_next(slot.told(), record, segment, reader, offset);
    }
    let direction = flow.sides.of_mut(from);
    if let Some(handshake) = slot.get() {
        handshake.forget(from, direction.acked);
    }
    let at = direction.next();
    let mut rules = Established::new(direction, flow.cold.of_mut(from), flow.tls13);
    deframe(&mut rules, reader, offset)?;
    if rules.compared {
        slot.make().ok_or(Reason::TableFull)?;
        remember(flow, slot, segment, payload, at)?;
    }
    Ok(())
}

/// Takes records of a handshake in, and what comes after it in the same payload.
fn records_of_handshake<P: Payload>(
    flow: &mut Flow,
    handshake: &mut Handshake,
    config: &Config,
    segment: &Segment,
    reader: &mut Reader<'_, P>,
    offset: u32,
    told: Told<'_>,
) -> Result<(), Reason> {
    let mut rules = HandshakeRecords {
        flow,
        handshake,
        config,
        segment,
        told,
    };
    let offset = deframe(&mut rules, reader, offset)?;
    if reader.left(offset) == 0 {
        return Ok(());
    }
    let from = segment.from;
    #[cfg(feature = "explain")]
    if flow.tls13 {
        let record = flow.sides.of(from).record;
        tell_next(told, record, segment, reader, offset);
    }
    let direction = flow.sides.of_mut(from);
    let mut rules = Established::new(direction, flow.cold.of_mut(from), flow.tls13);
    deframe(&mut rules, reader, offset)?;
    Ok(())
}
