// SPDX-License-Identifier: GPL-2.0-only
//! Octets that come again: until they are acknowledged they have to be the same, or the receiver may have taken others
//! than those that were read here. What is compared: record headers, and the bodies of every type but application_data.
//!
//! No octet is kept. Cells of equal length, side by side in sequence space, each hold a sum of their octets, each octet
//! times a coefficient that a secret and its place give. A cell has one octet as long as no more than 256 are
//! outstanding; with more of them the cells grow, two sums making one. What comes again is summed up cell by cell,
//! however it is cut, and compared whenever a cell is whole. Octets at both ends of what came again that fill no cell
//! are compared only once what is next to them comes again too.
//!
//! One other octet in a whole cell never passes; more of them do so by a chance of 2 in 65,536 at most. The headers of
//! the last few records are kept as they are ([`super::headers`]), for as long as the connection lives.

use super::direction::Direction;
use super::records::{read, CHUNK};
use super::sequence::{before, later};
use super::types::{Payload, Reason};

/// Cells of a direction.
const CELLS: usize = 256;
/// The largest prime below 2^16.
const MODULUS: u32 = 65_521;

/// A number that nobody else knows.
pub(super) type Secret = [u64; 2];

/// The coefficients of octets side by side, four from each number that is drawn.
struct Coefficients {
    secret: Secret,
    at: u32,
    drawn: u64,
}

impl Coefficients {
    /// From `at` on.
    fn from(secret: Secret, at: u32) -> Self {
        let mut coefficients = Coefficients {
            secret,
            at,
            drawn: 0,
        };
        coefficients.draw();
        coefficients
    }

    /// The finish of SplitMix64, keyed: what neighbours get has nothing in common.
    fn draw(&mut self) {
        let [first, second] = self.secret;
        let mut mixed = first ^ u64::from(self.at / 4).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ second;
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.drawn = mixed ^ (mixed >> 31);
    }

    /// What the next octet adds to its cell, less than 2^24.
    fn term(&mut self, octet: u8) -> u32 {
        let drawn = (self.drawn >> (self.at % 4 * 16)) as u16;
        // From 1 to 65,520, without a division.
        let coefficient = (u32::from(drawn).wrapping_mul(MODULUS - 1) >> 16) + 1;
        self.at = self.at.wrapping_add(1);
        if self.at % 4 == 0 {
            self.draw();
        }
        coefficient.wrapping_mul(octet.into())
    }
}

fn sum(a: u16, b: u32) -> u16 {
    (u32::from(a).wrapping_add(b) % MODULUS) as u16
}

/// Sums of a direction's handshake octets, and others that are not data.
#[derive(Clone, Debug)]
pub(super) struct Resent {
    /// Where the first cell begins.
    base: u32,
    /// Behind the last octet summed up.
    end: u32,
    /// A cell has 2^shift octets.
    shift: u32,
    cells: [u16; CELLS],
    /// Where octets that came again ended within a cell, and their sum.
    open: Option<(u32, u16)>,
}

impl Resent {
    /// Nothing seen.
    pub(super) const fn new() -> Self {
        Resent {
            base: 0,
            end: 0,
            shift: 0,
            cells: [0; CELLS],
            open: None,
        }
    }

    /// Octets up to `acked` are not needed any longer. To be said as the stream goes on, so that none of them are taken
    /// for others when the numbers wrap.
    pub(super) fn forget(&mut self, acked: u32) {
        if !before(acked, self.end) {
            self.base = acked;
            self.end = acked;
            self.open = None;
        }
    }

    /// Whether it knows of octets that are not acknowledged.
    pub(super) fn has_outstanding(&self, acked: u32) -> bool {
        self.base != self.end && before(acked, self.end)
    }

    /// Adds octets from `at` on, no more than [`CHUNK`], behind all others. `coming`: how many there are for now, those
    /// that will be added next too.
    pub(super) fn add(
        &mut self,
        secret: Secret,
        acked: u32,
        mut at: u32,
        octets: &[u8],
        coming: u32,
    ) {
        self.forget(acked);
        if self.base == self.end {
            *self = Resent::new();
            self.base = at;
            // At once as large as the cells would become.
            while coming.wrapping_shr(self.shift) as usize > CELLS {
                self.shift = self.shift.saturating_add(1);
            }
        }
        let mut coefficients = Coefficients::from(secret, at);
        let mut left = octets;
        while !left.is_empty() {
            let mut cell = self.cell(at);
            while cell >= CELLS {
                self.make_room(acked);
                cell = self.cell(at);
            }
            let (in_cell, behind) = left
                .split_at_checked(self.left_of_cell(at))
                .unwrap_or((left, &[]));
            if let Some(cell) = self.cells.get_mut(cell) {
                // So many terms do not wrap.
                let terms = in_cell.iter().map(|&octet| coefficients.term(octet));
                *cell = sum(*cell, terms.fold(0, u32::wrapping_add));
            }
            at = at.wrapping_add(in_cell.len() as u32);
            left = behind;
        }
        self.end = at;
    }

    /// Octets of a cell from `at` on.
    fn left_of_cell(&self, at: u32) -> usize {
        let octets = 1_u32.wrapping_shl(self.shift);
        let gone = at.wrapping_sub(self.base) & octets.wrapping_sub(1);
        octets.wrapping_sub(gone) as usize
    }

    fn cell(&self, at: u32) -> usize {
        at.wrapping_sub(self.base).wrapping_shr(self.shift) as usize
    }

    /// Takes out what is acknowledged, or makes two cells one.
    fn make_room(&mut self, acked: u32) {
        self.open = None;
        let gone = match before(self.base, acked) {
            true => self.cell(acked).min(CELLS),
            false => 0,
        };
        if gone > 0 {
            self.cells.copy_within(gone.., 0);
            self.cells.iter_mut().rev().take(gone).for_each(|c| *c = 0);
            self.base = self
                .base
                .wrapping_add((gone as u32).wrapping_shl(self.shift));
            return;
        }
        for at in 0..CELLS {
            let of = |at: usize| self.cells.get(at).copied().unwrap_or(0);
            let both = sum(of(at * 2), of(at * 2 + 1).into());
            if let Some(cell) = self.cells.get_mut(at) {
                *cell = both;
            }
        }
        self.shift = self.shift.saturating_add(1);
    }

    /// Whether octets of a payload that come again, those from `seq` to `end`, are others than before.
    pub(super) fn differ<P: Payload>(
        &mut self,
        secret: Secret,
        direction: &Direction,
        payload: &P,
        seq: u32,
        end: u32,
    ) -> Result<bool, Reason> {
        // Numbers of a side that has sent nothing to be compared stand at nought, which may be half the space away.
        if !self.has_outstanding(direction.acked()) {
            return Ok(false);
        }
        let mut at = later(later(seq, self.base), direction.compared_from());
        let mut so_far = match self.open.take() {
            Some((next, so_far)) if next == at && next == seq => Some(so_far),
            _ => None,
        };
        let end = match before(end, self.end) {
            true => end,
            false => self.end,
        };
        while before(at, end) {
            let mut octets = [0; CHUNK];
            let wanted = end.wrapping_sub(at).min(CHUNK as u32);
            let mut coefficients = Coefficients::from(secret, at);
            for &octet in read(payload, at.wrapping_sub(seq), wanted, &mut octets)? {
                let cell = self.cell(at);
                let octets_of_cell = 1_u32.wrapping_shl(self.shift);
                if at.wrapping_sub(self.base) & octets_of_cell.wrapping_sub(1) == 0 {
                    so_far = Some(0);
                }
                let term = coefficients.term(octet);
                if direction.history.run(at).0.is_compared() {
                    so_far = so_far.map(|so_far| sum(so_far, term));
                }
                at = at.wrapping_add(1);
                let whole = at == self.end || self.cell(at) != cell;
                let is = if whole { so_far.take() } else { None };
                if is.is_some_and(|is| self.cells.get(cell) != Some(&is)) {
                    return Ok(true);
                }
            }
        }
        self.open = so_far.map(|so_far| (at, so_far));
        Ok(false)
    }
}
