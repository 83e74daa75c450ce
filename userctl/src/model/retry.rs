// SPDX-License-Identifier: GPL-2.0-only

//! When a sender that is held tries again.

/// A sender has sent the same again. Times are in milliseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Retry {
    /// Since it was sent last.
    pub(crate) since: u64,
    /// Between the last two times.
    pub(crate) interval: u64,
}

impl Retry {
    /// No sender waits for longer (Linux's TCP_RTO_MAX).
    const MOST: u64 = 120_000;

    /// Seconds within which it tries again, rounded up: an interval is twice as long as the one before (RFC 6298 5.5). None
    /// where it should have tried by now: it may have given up.
    pub(crate) fn seconds(self) -> Option<u64> {
        let next = self.interval.saturating_mul(2).min(Self::MOST);
        let left = next.checked_sub(self.since)?;
        Some(left.div_ceil(1000).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_as_long_each_time() {
        for (since, interval, expected) in [
            (0, 200, Some(1)),
            (100, 800, Some(2)),
            (1000, 13_000, Some(25)),
            (30_000, 100_000, Some(90)),
            (500, 200, None),
            (130_000, 120_000, None),
        ] {
            assert_eq!(Retry { since, interval }.seconds(), expected);
        }
    }
}
