// SPDX-License-Identifier: GPL-2.0-only
//! The part of a direction that few packets touch, apart from the rest so that they need not fetch it.

use super::record_header::HEADER;

/// Headers in a row that show the way.
const HEADERS: u8 = 3;
/// Bytes of two records that do so too.
const TWO_RECORDS: u16 = 4096;

/// What was found of a chain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chain {
    pub(super) headers: u8,
    /// How many records of the packet at hand the fast path has taken in. Here, where it takes no room.
    pub(super) taken: u8,
    /// Bytes of its records.
    bytes: u16,
    /// Bytes that were looked at for it, those of headers that led nowhere too; up to the largest number.
    searched: u16,
}

impl Chain {
    /// A header stands where it is expected; whether that shows where records begin.
    pub(super) fn goes_on(&mut self, len: u16) -> bool {
        self.headers = self.headers.saturating_add(1);
        self.bytes = self.bytes.saturating_add(len).saturating_add(HEADER.into());
        self.headers >= HEADERS || self.headers == 2 && self.bytes >= TWO_RECORDS
    }

    /// Bytes were looked at while there is no chain that shows the way.
    pub(super) fn looked_at(&mut self, bytes: u32) {
        let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
        self.searched = self.searched.saturating_add(bytes);
    }

    /// How many of `bytes` that are looked at in any case are left.
    pub(super) fn left_of(&self, bytes: u16) -> u16 {
        bytes.saturating_sub(self.searched)
    }

    /// A header did not check out: the chain begins anew.
    pub(super) fn breaks(&mut self) {
        self.headers = 0;
        self.bytes = 0;
    }
}

/// What the packet path seldom touches of a direction.
#[derive(Clone, Debug)]
pub(super) struct ColdState {
    first: u32,
    /// The sequence number of the FIN, once there is one.
    pub(super) fin: u32,
    pub(super) chain: Chain,
    /// Complete records of wire types 22 and 24.
    pub(super) records: [u16; 2],
    /// And of 20 and 21, of which there are few.
    pub(super) few_records: [u8; 2],
}

impl ColdState {
    /// Of a direction that begins at this sequence number.
    pub(super) fn new(first: u32) -> Self {
        ColdState {
            first,
            fin: 0,
            chain: Chain::default(),
            records: [0; 2],
            few_records: [0; 2],
        }
    }

    /// The sequence number of the first byte.
    pub(super) fn first(&self) -> u32 {
        self.first
    }
}
