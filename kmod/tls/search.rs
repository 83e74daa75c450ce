// SPDX-License-Identifier: GPL-2.0-only
//! The way back for a direction that is lost: octets are searched for a chain of record headers.
//!
//! One candidate is followed at a time, in the memory of the record that the direction is in: the first header found is
//! kept until the place behind its record holds none, and the search goes on there. What lies between is not looked at
//! again, so that the outcome does not depend on how the stream was cut.

use super::aside::Aside;
use super::direction::{Direction, Follow};
use super::headers::Headers;
use super::record::{is_wire_type, Header, Record, APPLICATION_DATA, HEADER, TLS12_MAX};
use super::records::{read, CHUNK};
use super::sequence::Kind;
use super::types::{Payload, Reason};

/// Headers in a row that show the way.
const HEADERS: u8 = 3;
/// Octets of two records that do so too.
const TWO_RECORDS: u16 = 4096;

/// Octets that are searched one by one. A TLS stream has a header in every 18 KiB of them, so this one is hardly TLS:
/// from then on only one stretch of 64 KiB in sixteen is searched, so that other bulk traffic costs little.
const THOROUGH: u32 = 1 << 20;
const STRETCH: u32 = 1 << 16;
const STRETCHES: u32 = 16;

/// What was found of a chain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chain {
    headers: u8,
    /// Octets of its records.
    octets: u16,
    /// Octets searched for its beginning.
    searched: u32,
}

impl Chain {
    /// A header stands where it is expected; whether that shows where records begin.
    fn goes_on(&mut self, len: u16) -> bool {
        self.headers = self.headers.saturating_add(1);
        self.octets = self
            .octets
            .saturating_add(len)
            .saturating_add(HEADER.into());
        self.headers >= HEADERS || self.headers == 2 && self.octets >= TWO_RECORDS
    }

    fn breaks(&mut self) {
        self.headers = 0;
        self.octets = 0;
    }
}

impl Direction {
    /// From here on where records begin is not known.
    pub(super) fn lose(&mut self, aside: &mut Aside) {
        if !self.is_followed() {
            return;
        }
        self.decide(Kind::Unknown);
        // What comes again is compared no longer: what is not acknowledged could be something else then.
        self.history.unknown_from(self.acked());
        self.follow = Follow::Octets;
        self.set_begun();
        self.begin_again(aside);
    }

    /// Forgets the chain that was followed.
    fn begin_again(&mut self, aside: &mut Aside) {
        self.record = Record::new();
        self.headers = Headers::default();
        aside.chain.breaks();
    }

    /// Octets that a lost direction will not see: the chain goes on only if they are of a record's body.
    pub(super) fn pass_hole(&mut self, aside: &mut Aside, octets: u32) {
        if self.record.header_left() == 0 && octets <= self.record.body_left() {
            self.body(aside, octets);
        } else {
            self.decide(Kind::Unknown);
            self.begin_again(aside);
            self.pass_over(self.next().wrapping_add(octets));
        }
    }

    /// Takes a payload in from `offset` on, which is where the lost or resynchronised direction has come to.
    pub(super) fn search<P: Payload>(
        &mut self,
        aside: &mut Aside,
        payload: &P,
        mut offset: u32,
    ) -> Result<(), Reason> {
        while offset < payload.len() {
            let left = payload.len().wrapping_sub(offset);
            let taken = if self.record.header_left() == 0 {
                let octets = self.record.body_left().min(left);
                self.body(aside, octets);
                octets
            } else if self.is_between(aside) {
                self.search_beginning(aside, payload, offset, left)?
            } else {
                let mut octets = [0; CHUNK];
                let wanted = u32::from(self.record.header_left()).min(left);
                // Fewer are taken if the header turns out to be none.
                self.search_header(aside, read(payload, offset, wanted, &mut octets)?)
            };
            offset = offset.saturating_add(taken);
        }
        Ok(())
    }

    /// Whether no candidate is followed.
    fn is_between(&self, aside: &Aside) -> bool {
        self.follow == Follow::Octets
            && aside.chain.headers == 0
            && self.record.header_left() == HEADER
    }

    /// Looks for the first octet of a header, and takes what is in front of it.
    fn search_beginning<P: Payload>(
        &mut self,
        aside: &mut Aside,
        payload: &P,
        offset: u32,
        left: u32,
    ) -> Result<u32, Reason> {
        let place = self.next();
        let (searching, octets) = match THOROUGH.checked_sub(aside.chain.searched) {
            Some(thorough @ 1..) => (true, thorough),
            _ => (
                place / STRETCH % STRETCHES == 0,
                STRETCH.wrapping_sub(place % STRETCH),
            ),
        };
        let mut passed = octets.min(left);
        if searching {
            let mut octets = [0; CHUNK];
            passed = passed.min(CHUNK as u32);
            let octets = read(payload, offset, passed, &mut octets)?;
            let found = octets.iter().position(|&octet| is_wire_type(octet));
            if let Some(found) = found {
                self.pass_over(place.wrapping_add(found as u32));
                passed = (found as u32).saturating_add(1);
                self.search_octet(aside, *octets.get(found).ok_or(Reason::Hole)?);
            }
            aside.chain.searched = aside.chain.searched.saturating_add(passed);
            if found.is_some() {
                return Ok(passed);
            }
        }
        self.pass_over(place.wrapping_add(passed));
        Ok(passed)
    }

    /// Takes octets of a header in, up to the first that does not fit; says how many.
    fn search_header(&mut self, aside: &mut Aside, octets: &[u8]) -> u32 {
        let mut taken = 0_u32;
        for &octet in octets {
            taken = taken.saturating_add(1);
            if !self.search_octet(aside, octet) {
                break;
            }
        }
        taken
    }

    /// Takes an octet in where a header may stand; whether it fits.
    fn search_octet(&mut self, aside: &mut Aside, octet: u8) -> bool {
        match self.header_octet(octet) {
            Header::Type(APPLICATION_DATA) if self.follow == Follow::Resynchronised => {
                self.decide(Kind::ApplicationData);
                true
            }
            Header::Type(_) | Header::Part => true,
            Header::Complete(1..=TLS12_MAX) => {
                self.header_fits(aside);
                true
            }
            Header::Complete(_) => {
                self.no_header(aside);
                false
            }
            Header::Bad => {
                self.no_header(aside);
                // It may begin another.
                if is_wire_type(octet) {
                    self.header_octet(octet);
                } else {
                    self.pass_over(self.next().wrapping_add(1));
                }
                false
            }
        }
    }

    fn header_fits(&mut self, aside: &mut Aside) {
        if self.follow == Follow::Octets && aside.chain.goes_on(self.record.len()) {
            self.follow = Follow::Resynchronised;
        }
        // A plain-text body may hold headers made to be found: what says that it is no data is not believed.
        let kind = match (self.follow, self.record.wire) {
            (Follow::Resynchronised, APPLICATION_DATA) => Kind::ApplicationData,
            _ => Kind::Unknown,
        };
        self.decide(kind);
    }

    /// There is no header where one was expected.
    fn no_header(&mut self, aside: &mut Aside) {
        self.decide(Kind::Unknown);
        self.follow = Follow::Octets;
        self.begin_again(aside);
    }
}
