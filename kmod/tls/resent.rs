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
//! One other octet in a whole cell never passes; more of them do so by a chance of 1 in 65,520. The headers of the last
//! few records are kept as they are ([`super::headers`]), for as long as the connection lives.

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

/// What an octet adds to its cell.
fn term([first, second]: Secret, at: u32, octet: u8) -> u32 {
    // The finish of SplitMix64, keyed: coefficients of neighbours have nothing in common.
    let mut mixed = first ^ u64::from(at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ second;
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // From 1 to 65,520, without a division.
    let coefficient = ((mixed >> 32).wrapping_mul(u64::from(MODULUS) - 1) >> 32) as u32 + 1;
    coefficient.wrapping_mul(octet.into()) % MODULUS
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

    /// Adds octets from `at` on, behind all others.
    pub(super) fn add(&mut self, secret: Secret, acked: u32, mut at: u32, octets: &[u8]) {
        self.forget(acked);
        if self.base == self.end {
            *self = Resent::new();
            self.base = at;
        }
        for &octet in octets {
            let mut cell = self.cell(at);
            while cell >= CELLS {
                self.make_room(acked);
                cell = self.cell(at);
            }
            if let Some(cell) = self.cells.get_mut(cell) {
                *cell = sum(*cell, term(secret, at, octet));
            }
            at = at.wrapping_add(1);
        }
        self.end = at;
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
            for &octet in read(payload, at.wrapping_sub(seq), wanted, &mut octets)? {
                let cell = self.cell(at);
                let octets_of_cell = 1_u32.wrapping_shl(self.shift);
                if at.wrapping_sub(self.base) & octets_of_cell.wrapping_sub(1) == 0 {
                    so_far = Some(0);
                }
                if direction.history.run(at).0.is_compared() {
                    so_far = so_far.map(|so_far| sum(so_far, term(secret, at, octet)));
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
