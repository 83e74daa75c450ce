// SPDX-License-Identifier: GPL-2.0-only
//! Where bytes of handshake messages stand in the stream, when only the last of a hello has to be known.

use super::record_header::{Whole, HEADER};

/// Where bytes of messages stand in the stream.
pub(super) struct Places<'a> {
    /// The sequence number of the first, or of the first record's header.
    at: u32,
    /// The records whose bodies they are; none if they lie side by side.
    records: &'a [u8],
}

impl<'a> Places<'a> {
    /// Side by side.
    pub(super) fn from(at: u32) -> Self {
        Places { at, records: &[] }
    }

    /// In the bodies of these records, the first of which begins at `at`.
    pub(super) fn of_records(at: u32, records: &'a [u8]) -> Self {
        Places { at, records }
    }

    /// The sequence number after the byte of that number.
    #[cold]
    pub(super) fn after(&self, number: usize) -> u32 {
        let mut at = self.at;
        let mut left = number;
        let mut rest = self.records;
        while let Some(Whole { body, after, .. }) = Whole::first(rest) {
            at = at.wrapping_add(HEADER.into());
            if left < body.len() {
                break;
            }
            left = left.saturating_sub(body.len());
            at = at.wrapping_add(body.len() as u32);
            rest = after;
        }
        at.wrapping_add(left as u32).wrapping_add(1)
    }
}
