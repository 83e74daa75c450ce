// SPDX-License-Identifier: GPL-2.0-only

//! When a side sends the same data again: from the second time on it tells how long the side may take to try once more.

use crate::{sys::time::uptime_coarse, tls::Side};

/// Nanoseconds of the unit that times are kept in.
const UNIT: u64 = 10_000_000;

/// A packet that comes again so soon is the same one, at its next hook.
const SAME: u32 = 1;

/// The last packet that was sent again while its payload waited, and how long before that it was sent again before.
#[derive(Default)]
pub struct Tries {
    seq: u32,
    /// Uptime, which wraps after more than a year.
    at: u32,
    /// 0: it was sent again once.
    interval: u16,
    /// 0: none was sent; else which side, from 1.
    from: u8,
}

/// How long ago a side has sent the same again, and how long that was after the time before.
pub struct Tried {
    /// Milliseconds since it was sent last.
    pub since: u64,
    /// Milliseconds between the last two times.
    pub interval: u64,
}

impl Tries {
    /// A side has sent data from `seq` on again. Any context; under the entry's lock.
    pub fn sent(&mut self, from: Side, seq: u32) {
        let now = now();
        let from = number(from);
        let since = now.wrapping_sub(self.at);
        let is_again = self.from == from && self.seq == seq;
        if is_again && since <= SAME {
            return;
        }
        let interval = match is_again {
            true => u16::try_from(since).unwrap_or(u16::MAX),
            false => 0,
        };
        *self = Self {
            seq,
            at: now,
            interval,
            from,
        };
    }

    /// Whether nothing has waited yet.
    pub fn is_unknown(&self) -> bool {
        self.from == 0
    }

    /// What is known of a side that sends the same again.
    pub fn of(&self, side: Side) -> Option<Tried> {
        if self.from != number(side) || self.interval == 0 {
            return None;
        }
        Some(Tried {
            since: milliseconds(now().wrapping_sub(self.at)),
            interval: milliseconds(self.interval.into()),
        })
    }
}

fn number(side: Side) -> u8 {
    match side {
        Side::Src => 1,
        Side::Dst => 2,
    }
}

fn now() -> u32 {
    (uptime_coarse() / UNIT) as u32
}

fn milliseconds(units: u32) -> u64 {
    u64::from(units).saturating_mul(UNIT / 1_000_000)
}
