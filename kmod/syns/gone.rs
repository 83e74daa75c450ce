// SPDX-License-Identifier: GPL-2.0-only

//! What is remembered of SYNs whose data is not kept any longer: who sent them, and where the data ended.

use crate::sys::{conntrack::Tuple, random::keyed_hash};
use kernel::prelude::*;

/// Ends of data that is not kept any longer: as many as there are cells, each tuple in one of [`WAYS`], the newest in the
/// place of another.
pub(super) struct Gone {
    pub(super) cells: KVec<(u32, u32)>,
    turn: usize,
    pub(super) any: bool,
}

/// Cells, a power of two: 32 KiB.
pub(super) const CELLS: usize = 4096;
const WAYS: usize = 4;

impl Gone {
    /// Without cells, so that nothing is remembered. No memory is taken.
    pub(super) const fn none() -> Self {
        Self {
            cells: KVec::new(),
            turn: 0,
            any: false,
        }
    }

    /// The tuple's cells, and what it is told by in there: not 0.
    fn place(tuple: &Tuple) -> (usize, u32) {
        let hash = keyed_hash(&tuple.bytes());
        let place = (hash as usize) % (CELLS / WAYS) * WAYS;
        (place, (hash >> 32) as u32 | 1)
    }

    /// Remembers where the data on a SYN ended, in one of its tuple's cells in turn. The caller has locked the namespace's SYNs.
    pub(super) fn add(&mut self, tuple: &Tuple, end: u32) {
        let (place, tag) = Self::place(tuple);
        self.any = true;
        self.turn = self.turn.wrapping_add(1);
        let cell = place.wrapping_add(self.turn % WAYS);
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell = (tag, end);
        }
    }

    /// Whether data that ended there has gone. The caller has locked the namespace's SYNs.
    pub(super) fn has(&self, tuple: &Tuple, end: u32) -> bool {
        let (place, tag) = Self::place(tuple);
        let cells = self.cells.get(place..).unwrap_or(&[]);
        cells.iter().take(WAYS).any(|cell| *cell == (tag, end))
    }
}
