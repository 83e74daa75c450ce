// SPDX-License-Identifier: GPL-2.0-only
//! The way back for a direction that is lost: bytes are searched for a chain of record headers.
//!
//! One candidate is followed at a time, in the memory of the record that the direction is in: the first header found is
//! kept until the place after its record holds none, and the search goes on there. What lies between is not looked at
//! again, so that the outcome does not depend on how the stream was cut.

use super::cold::ColdState;
use super::deframer::{deframe, run, Rules};
use super::direction::Direction;
use super::follow::Follow;
use super::reader::Reader;
use super::record_header::{Header, Record, APPLICATION_DATA, HEADER, TLS12_MAX};
use super::sequence::Kind;
use super::types::{Payload, Reason};

/// Bytes that are all searched. A TLS stream has a header in every 18 KiB of them, so this one is hardly TLS: from then on
/// only one stretch in sixteen is searched, so that other bulk traffic costs little.
const THOROUGH: u16 = 1 << 15;
const STRETCH: u32 = 1 << 15;
const STRETCHES: u32 = 16;

/// Records that a header counts as of which is not known yet that it is one: most of them lead nowhere, and looking for the
/// next one takes longer than going on to it.
const CANDIDATE: u16 = 16;
/// And one of a chain whose header is split, or does not fit.
const SPLIT: u16 = 4;

/// A direction that is lost, or was and is resynchronised.
struct Resync<'a> {
    direction: &'a mut Direction,
    cold: &'a mut ColdState,
}

/// Takes a payload in from `offset` on, which is where the lost or resynchronised direction has come to.
pub(super) fn search<P: Payload>(
    direction: &mut Direction,
    cold: &mut ColdState,
    reader: &mut Reader<'_, P>,
    offset: u32,
) -> Result<(), Reason> {
    deframe(&mut Resync { direction, cold }, reader, offset)?;
    Ok(())
}

impl<P: Payload> Rules<P> for Resync<'_> {
    #[inline(always)]
    fn record(&self) -> &Record {
        &self.direction.record
    }

    #[inline(always)]
    fn together(&mut self, reader: &mut Reader<'_, P>, offset: u32) -> Result<u32, Reason> {
        if self.direction.follow != Follow::Resynchronised {
            return Ok(0);
        }
        let kind_of = |wire, len| fits(len).then(|| kind_again(wire));
        Ok(run(self.direction, self.cold, reader, offset, kind_of)?.bytes)
    }

    #[inline(always)]
    fn header(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
        left: u32,
    ) -> Result<u32, Reason> {
        if is_between(self.direction, self.cold) {
            return search_beginning(self.direction, self.cold, reader, offset, left);
        }
        if self.direction.record.header_read() == 0 {
            reader.records_begin(match self.direction.follow {
                Follow::Resynchronised => SPLIT,
                _ => CANDIDATE,
            })?;
        }
        search_header(self.direction, self.cold, reader, offset, left)
    }

    #[inline(always)]
    fn body(
        &mut self,
        _reader: &mut Reader<'_, P>,
        _offset: u32,
        wanted: u32,
    ) -> Result<u32, Reason> {
        self.direction.body(self.cold, wanted);
        Ok(wanted)
    }
}

/// Whether no candidate is followed.
fn is_between(direction: &Direction, cold: &ColdState) -> bool {
    direction.follow == Follow::Bytes
        && cold.chain.headers == 0
        && direction.record.header_left() == HEADER
}

/// Looks for a header, takes what comes before it, and the header or its first byte.
fn search_beginning<P: Payload>(
    direction: &mut Direction,
    cold: &mut ColdState,
    reader: &mut Reader<'_, P>,
    offset: u32,
    left: u32,
) -> Result<u32, Reason> {
    let place = direction.next();
    let (searching, bytes) = match cold.chain.left_of(THOROUGH) {
        thorough @ 1.. => (true, thorough.into()),
        0 => (
            place / STRETCH % STRETCHES == 0,
            STRETCH.wrapping_sub(place % STRETCH),
        ),
    };
    let wanted = bytes.min(left);
    if !searching {
        direction.pass_over(place.wrapping_add(wanted));
        return Ok(wanted);
    }
    // Those after `wanted` are for a header that begins before it.
    let there = reader.some(offset)?;
    let len = there.len() as u32;
    let (found, is_header) = find(there, len == left);
    let passed = found.min(wanted);
    direction.pass_over(place.wrapping_add(passed));
    cold.chain.looked_at(passed);
    let rest = len.wrapping_sub(passed);
    // It does not begin before `wanted`, or the rest of it is still to be fetched.
    if !is_header || passed == wanted || rest < HEADER.into() && len < left {
        return Ok(passed);
    }
    reader.records_begin(CANDIDATE)?;
    let begins = offset.saturating_add(passed);
    let taken = search_header(direction, cold, reader, begins, left.wrapping_sub(passed))?;
    Ok(passed.saturating_add(taken))
}

/// Takes a header in, up to the first byte that does not fit; says how many.
fn search_header<P: Payload>(
    direction: &mut Direction,
    cold: &mut ColdState,
    reader: &mut Reader<'_, P>,
    offset: u32,
    left: u32,
) -> Result<u32, Reason> {
    let missing = direction.record.header_left();
    if missing == HEADER {
        if let Some(record) = reader.header(offset)?.and_then(Record::of_header) {
            let kind = kind_of_candidate(direction, record.wire);
            let len = record.len();
            direction.header(record, kind);
            looked_at(direction, cold, HEADER.into());
            header_ends(direction, cold, len);
            return Ok(HEADER.into());
        }
    }
    let mut taken = 0_u32;
    for &byte in reader.bytes(offset, u32::from(missing).min(left))? {
        let header = direction.header_byte(byte);
        if header == Header::Bad {
            // It may begin another.
            no_header(direction, cold);
            break;
        }
        taken = taken.saturating_add(1);
        looked_at(direction, cold, 1);
        match header {
            Header::Type(wire) => match kind_of_candidate(direction, wire) {
                Kind::Unknown => {}
                kind => direction.decide(kind),
            },
            Header::Complete(len) => header_ends(direction, cold, len),
            Header::Part | Header::Bad => {}
        }
    }
    Ok(taken)
}

/// Bytes of a header were taken in.
fn looked_at(direction: &Direction, cold: &mut ColdState, bytes: u32) {
    if direction.follow == Follow::Bytes {
        cold.chain.looked_at(bytes);
    }
}

/// What a header's first byte tells: a plain-text body may hold headers made to be found, so that what says that it is
/// no data is not believed.
fn kind_of_candidate(direction: &Direction, wire: u8) -> Kind {
    match direction.follow {
        Follow::Resynchronised => kind_again(wire),
        _ => Kind::Unknown,
    }
}

/// All of a header has come.
fn header_ends(direction: &mut Direction, cold: &mut ColdState, len: u16) {
    if !fits(len) {
        no_header(direction, cold);
        return;
    }
    if direction.follow == Follow::Bytes && cold.chain.goes_on(len) {
        direction.follow = Follow::Resynchronised;
    }
    direction.decide(kind_of_candidate(direction, direction.record.wire));
}

/// There is no header where one was expected.
fn no_header(direction: &mut Direction, cold: &mut ColdState) {
    direction.decide(Kind::Unknown);
    direction.follow = Follow::Bytes;
    direction.begin_again(cold);
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

/// Places that are looked at together, and those with what a header has in its first bytes.
const PLACES: usize = 32;
const NEAR: usize = PLACES + 2;

/// How many bytes come before the first place where a header may begin, and true. A header shows by its type and the two
/// bytes of its version. Where there is none: how many were looked at, and false. `are_all`: no more have come yet.
fn find(bytes: &[u8], are_all: bool) -> (u32, bool) {
    let mut rest = bytes;
    let mut passed = 0_u32;
    while let Some(near) = rest.first_chunk() {
        if let Some(place) = first_header(near) {
            return (passed.wrapping_add(place), true);
        }
        passed = passed.wrapping_add(PLACES as u32);
        rest = rest.get(PLACES..).unwrap_or(&[]);
    }
    if !are_all {
        return (passed, false);
    }
    while !rest.is_empty() {
        // What is not there yet may be as a header has it, and begins none.
        let mut near = [3; NEAR];
        near.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        if let Some(place) = first_header(&near) {
            return (passed.wrapping_add(place), true);
        }
        passed = passed.wrapping_add(rest.len().min(PLACES) as u32);
        rest = rest.get(PLACES..).unwrap_or(&[]);
    }
    (passed, false)
}

/// The first place where a header may begin.
#[inline(always)]
fn first_header(near: &[u8; NEAR]) -> Option<u32> {
    let (first, second) = (begin_headers(near, 0), begin_headers(near, 8));
    let (third, fourth) = (begin_headers(near, 16), begin_headers(near, 24));
    if first | second | third | fourth == 0 {
        return None;
    }
    let found = [(0, first), (8, second), (16, third), (24, fourth)];
    let (at, places) = found.into_iter().find(|(_, places)| *places != 0)?;
    Some(places.trailing_zeros().wrapping_div(8).wrapping_add(at))
}

/// Looks at eight bytes from `at` on. Sets the highest bit of each that is a type and is followed by 3 and by 0 to 4.
#[inline(always)]
fn begin_headers(near: &[u8; NEAR], at: usize) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    const LOW: u64 = EACH * 0x7f;
    const HIGH: u64 = EACH * 0x80;
    let word = |at: usize| {
        let bytes = near.get(at..).and_then(|bytes| bytes.first_chunk());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let (types, majors, minors) = (word(at), word(at + 1), word(at + 2));
    // Sums of seven bits, none of which reaches the next byte.
    let from_20 = (types & LOW).wrapping_add(EACH * (0x80 - 20));
    let from_25 = (types & LOW).wrapping_add(EACH * (0x80 - 25));
    let differs = majors ^ (EACH * 3);
    let not_3 = (differs & LOW).wrapping_add(LOW);
    let from_5 = (minors & LOW).wrapping_add(EACH * (0x80 - 5));
    from_20 & !(from_25 | types | not_3 | differs | from_5 | minors) & HIGH
}
