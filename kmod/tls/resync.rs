// SPDX-License-Identifier: GPL-2.0-only
//! Rules for a direction that is lost, and its way back: octets are searched for a chain of record headers.
//!
//! One candidate is followed at a time, in the memory of the record that the direction is in: the first header found is
//! kept until the place after its record holds none, and the search goes on there. What lies between is not looked at
//! again, so that the outcome does not depend on how the stream was cut.

use super::cold::Cold;
use super::content_type::Kind;
use super::deframer::{run, Rules};
use super::direction::{Direction, Follow};
use super::headers::Headers;
use super::packet::Payload;
use super::reader::Reader;
use super::record::Record;
use super::record_header::{find_header, RecordHeader, APPLICATION_DATA, HEADER, TLS12_MAX};
use super::state::Reason;

/// Octets that are all searched. A TLS stream has a header in every 18 KiB of them, so this one is hardly TLS: from then on
/// only one stretch in sixteen is searched, so that other bulk traffic costs little.
const THOROUGH: u32 = 1 << 15;
const STRETCH: u32 = 1 << 15;
const STRETCHES: u32 = 16;

/// Records that a header counts as of which is not known yet that it is one: most of them lead nowhere, and looking for the
/// next one takes longer than going on to it.
const CANDIDATE: u16 = 16;
/// And one of a chain whose header is split, or does not fit.
const SPLIT: u16 = 4;

/// A direction in which where records begin is not known, or known again by a chain.
pub(super) struct Resync<'a> {
    direction: &'a mut Direction,
    cold: &'a mut Cold,
}

impl<'a> Resync<'a> {
    #[inline]
    pub(super) fn new(direction: &'a mut Direction, cold: &'a mut Cold) -> Self {
        Resync { direction, cold }
    }

    /// From here on where records begin is not known.
    pub(super) fn lose(&mut self) {
        let direction = &mut *self.direction;
        if !direction.is_followed() {
            return;
        }
        direction.decide(Kind::Unknown);
        // What comes again is compared no longer: what is not acknowledged could be something else then.
        direction.history.unknown_from(direction.acked());
        direction.follow = Follow::Octets;
        direction.seen.set_begun();
        self.begin_again();
    }

    /// Forgets the chain that was followed.
    fn begin_again(&mut self) {
        self.direction.record = Record::new();
        self.direction.headers = Headers::default();
        self.cold.chain.breaks();
    }

    /// Octets that a lost direction will not see: the chain goes on only if they are of a record's body.
    pub(super) fn pass_hole(&mut self, octets: u32) {
        let direction = &mut *self.direction;
        if direction.record.header_left() == 0 && octets <= direction.record.body_left() {
            direction.body(self.cold, octets);
        } else {
            direction.decide(Kind::Unknown);
            self.begin_again();
            let direction = &mut *self.direction;
            direction.pass_over(direction.next().wrapping_add(octets));
        }
    }

    /// Looks for a header in what is left, and takes what comes before it; how many octets, and whether a header may begin
    /// then.
    fn search<P: Payload>(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
        left: u32,
    ) -> Result<(u32, bool), Reason> {
        let place = self.direction.next();
        let (searching, octets) = match THOROUGH.checked_sub(self.cold.chain.searched) {
            Some(thorough @ 1..) => (true, thorough),
            _ => (
                place / STRETCH % STRETCHES == 0,
                STRETCH.wrapping_sub(place % STRETCH),
            ),
        };
        let wanted = octets.min(left);
        if !searching {
            self.direction.pass_over(place.wrapping_add(wanted));
            return Ok((wanted, false));
        }
        // Those after `wanted` are for a header that begins before it.
        let there = reader.some(offset)?;
        let len = there.len() as u32;
        let (found, is_header) = find_header(there, len == left);
        let passed = found.min(wanted);
        self.direction.pass_over(place.wrapping_add(passed));
        self.cold.chain.looked_at(passed);
        let rest = len.wrapping_sub(passed);
        // It does not begin before `wanted`, or the rest of it is still to be fetched.
        let is_late = passed == wanted || rest < HEADER.into() && len < left;
        Ok((passed, is_header && !is_late))
    }

    /// There is no header where one was expected.
    fn chain_ends(&mut self) {
        self.direction.decide(Kind::Unknown);
        self.direction.follow = Follow::Octets;
        self.begin_again();
    }

    /// What a header's first octet tells: a plain-text body may hold headers made to be found, so that what says that it is
    /// no data is not believed.
    fn kind_of_candidate(&self, wire: u8) -> Kind {
        match self.direction.follow {
            Follow::Resynchronised => kind_again(wire),
            _ => Kind::Unknown,
        }
    }
}

impl Rules for Resync<'_> {
    #[inline(always)]
    fn direction(&mut self) -> &mut Direction {
        self.direction
    }

    /// Records of a chain that has shown the way, or what lies before a header where none is followed.
    #[inline]
    fn together<P: Payload>(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(u32, Option<RecordHeader>), Reason> {
        if self.direction.follow == Follow::Resynchronised {
            let kind_of = |wire, len| fits(len).then(|| kind_again(wire));
            let run = run(self.direction, self.cold, reader, offset, kind_of)?;
            return Ok((run.octets, run.next));
        }
        let mut passed = 0_u32;
        if self.direction.record.header_left() != HEADER {
            return Ok((passed, None));
        }
        let mut is_header = self.cold.chain.headers > 0;
        while !is_header {
            let at = offset.saturating_add(passed);
            let left = reader.left(at);
            if left == 0 {
                return Ok((passed, None));
            }
            let (octets, found) = self.search(reader, at, left)?;
            passed = passed.saturating_add(octets);
            is_header = found;
        }
        let header = reader.header(offset.saturating_add(passed))?;
        Ok((passed, header))
    }

    #[inline]
    fn cost(&self) -> u16 {
        match self.direction.follow {
            Follow::Resynchronised => SPLIT,
            _ => CANDIDATE,
        }
    }

    #[inline]
    fn kind_of(&mut self, wire: u8) -> Option<Kind> {
        Some(self.kind_of_candidate(wire))
    }

    #[inline]
    fn looked_at(&mut self, octets: u32) {
        if self.direction.follow == Follow::Octets {
            self.cold.chain.looked_at(octets);
        }
    }

    fn begins(&mut self, wire: u8) -> Result<(), Reason> {
        match self.kind_of_candidate(wire) {
            Kind::Unknown => {}
            kind => self.direction.decide(kind),
        }
        Ok(())
    }

    fn header_ends(&mut self, len: u16) -> Result<(), Reason> {
        if !fits(len) {
            self.chain_ends();
            return Ok(());
        }
        if self.direction.follow == Follow::Octets && self.cold.chain.goes_on(len) {
            self.direction.follow = Follow::Resynchronised;
        }
        let kind = self.kind_of_candidate(self.direction.record.wire);
        self.direction.decide(kind);
        Ok(())
    }

    /// What is there instead may begin another.
    fn no_header(&mut self) -> Result<(), Reason> {
        self.chain_ends();
        Ok(())
    }

    #[inline]
    fn body<P: Payload>(
        &mut self,
        _reader: &mut Reader<'_, P>,
        _offset: u32,
        wanted: u32,
    ) -> Result<u32, Reason> {
        self.direction.body(self.cold, wanted);
        Ok(wanted)
    }
}

/// Whether a record may have that length.
fn fits(len: u16) -> bool {
    (1..=TLS12_MAX).contains(&len)
}

/// What a record of that type is once where records begin is known again.
fn kind_again(wire: u8) -> Kind {
    match wire {
        APPLICATION_DATA => Kind::ApplicationData,
        _ => Kind::Unknown,
    }
}
