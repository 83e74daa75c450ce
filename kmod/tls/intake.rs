// SPDX-License-Identifier: GPL-2.0-only
//! A followed direction takes a payload in, by the rules that hold when it comes, and what has to come again as it was is
//! kept.

use super::cold::Cold;
use super::config::Config;
use super::deframer::deframe;
use super::direction::Direction;
use super::established::Established;
use super::handshake::Handshake;
use super::handshake_records::Handshaking;
use super::packet::{Payload, Segment};
use super::reader::Reader;
use super::resync::Resync;
use super::retransmit::{end_of_compared, remember};
use super::scratch::Scratch;
use super::state::{Reason, State};
use super::status::Status;

/// What of a connection the payload of a segment touches.
pub(super) struct Intake<'a> {
    pub(super) config: &'a Config,
    pub(super) segment: &'a Segment,
    pub(super) status: &'a mut Status,
    /// The sender's direction, and the other.
    pub(super) mine: &'a mut Direction,
    pub(super) theirs: &'a mut Direction,
    pub(super) cold: &'a mut Cold,
}

impl Intake<'_> {
    /// Takes a payload in from `offset` on, which is where the direction has come to.
    pub(super) fn records<S: Scratch, P: Payload>(
        &mut self,
        scratch: &mut S,
        payload: &P,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(), Reason> {
        if self.status.progress == State::Established {
            return self.after_handshake(scratch, payload, reader, offset);
        }
        let at = self.mine.next();
        let handshake = match self.status.progress {
            State::New => scratch.make(),
            _ => scratch.get(),
        };
        let Some(handshake) = handshake else {
            if !self.status.ended {
                return Err(Reason::TableFull);
            }
            // It was given back at the end of the connection. What was on its way then is of no interest.
            let mut resync = Resync::new(self.mine, self.cold);
            resync.lose();
            deframe(&mut resync, reader, offset)?;
            return Ok(());
        };
        if self.status.lost {
            handshake.give_up();
        }
        if payload.slice(offset, reader.left(offset)).is_some() {
            self.of_handshake(handshake, reader, offset)?;
            return remember(self.mine, scratch, self.segment, payload, at);
        }
        self.of_copy(scratch, payload, reader, offset)
    }

    /// A handshake is made only for records that are no data.
    #[inline]
    fn after_handshake<S: Scratch, P: Payload>(
        &mut self,
        scratch: &mut S,
        payload: &P,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(), Reason> {
        if let Some(handshake) = scratch.get() {
            handshake.forget(self.segment.from, self.mine.acked());
        }
        let at = self.mine.next();
        let mut established = Established::new(self.mine, self.cold, self.status.tls13);
        deframe(&mut established, reader, offset)?;
        if established.compared {
            scratch.make().ok_or(Reason::TableFull)?;
            remember(self.mine, scratch, self.segment, payload, at)?;
        }
        Ok(())
    }

    /// The same of a payload that is not in one piece: what is read and what is kept is the same copy.
    fn of_copy<S: Scratch, P: Payload>(
        &mut self,
        scratch: &mut S,
        payload: &P,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(), Reason> {
        let from = self.segment.from;
        let at = self.mine.next();
        let mut kept = match scratch.get() {
            Some(handshake) => core::mem::take(handshake.kept.of_mut(from)),
            None => return Ok(()),
        };
        kept.forget(self.mine.acked());
        // What else is kept stays. The rest is looked at twice.
        let count = reader.left(offset).min(kept.room_after(at));
        kept.keep(&mut || scratch.piece(), payload, at, offset, count);
        // Without memory for all of it, what has to be kept is kept afterwards.
        let end = at.wrapping_add(count);
        let next = match kept.reaches(at, end) {
            true => end,
            false => at,
        };
        let mut copy = reader.of_copy(&kept, self.segment.seq);
        let taken = match scratch.get() {
            Some(handshake) => self.of_handshake(handshake, &mut copy, offset),
            None => Ok(()),
        };
        reader.set_records_left(copy.records_left());
        kept.cut(end_of_compared(self.mine, at));
        if let Some(handshake) = scratch.get() {
            *handshake.kept.of_mut(from) = kept;
        }
        taken?;
        remember(self.mine, scratch, self.segment, payload, next)
    }

    /// Records of the handshake, and those after it.
    fn of_handshake<P: Payload>(
        &mut self,
        handshake: &mut Handshake,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(), Reason> {
        let mut handshaking = Handshaking {
            status: self.status,
            mine: self.mine,
            theirs: self.theirs,
            cold: self.cold,
            handshake,
            from: self.segment.from,
            ack: self.segment.ack,
            budget: self.config.client_flight_budget,
        };
        let offset = deframe(&mut handshaking, reader, offset)?;
        if reader.left(offset) > 0 {
            let mut established = Established::new(self.mine, self.cold, self.status.tls13);
            deframe(&mut established, reader, offset)?;
        }
        Ok(())
    }
}
