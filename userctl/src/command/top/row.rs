// SPDX-License-Identifier: GPL-2.0-only

//! A connection as it was read, and what reading it again and again has shown.

use std::time::Duration;

use crate::{
    model::{Bytes, Connection, Side, Times},
    time::Time,
};

/// A connection.
pub(crate) struct Row {
    pub(crate) connection: Connection,
    /// Bytes a second of each end, once it has been read twice.
    pub(crate) rates: Option<[u64; 2]>,
    /// What each end had sent.
    bytes: [u64; 2],
}

impl Row {
    /// One that was not there when the connections were read before. `earlier`: when that was, if it began after it.
    pub(crate) fn new(connection: Connection, now: Duration, earlier: Option<Duration>) -> Self {
        let bytes = by_end(&connection);
        Self {
            rates: earlier.map(|earlier| rates([0; 2], bytes, now.saturating_sub(earlier))),
            bytes,
            connection,
        }
    }

    /// The same, read again.
    pub(crate) fn again(&self, connection: Connection, now: Duration, earlier: Duration) -> Self {
        let bytes = by_end(&connection);
        Self {
            rates: Some(rates(self.bytes, bytes, now.saturating_sub(earlier))),
            bytes,
            connection,
        }
    }

    /// For people: how long ago its first packet came, or its last one.
    pub(crate) fn ago(&self, which: fn(&Times) -> Time, now: Duration) -> String {
        let text = |times| {
            let then = Duration::from_nanos(which(times).0);
            crate::duration::text(now.saturating_sub(then).as_secs())
        };
        self.connection
            .times
            .as_ref()
            .map_or_else(|| "-".into(), text)
    }

    /// Whether this is what was read of the same connection. Where the module was loaded anew, ids begin anew.
    pub(crate) fn is_of(&self, connection: &Connection) -> bool {
        let Connection { id, src, dst, .. } = &self.connection;
        (*id, *src, *dst) == (connection.id, connection.src, connection.dst)
    }

    /// Whether it has sent what rules hold, and has no pin.
    pub(crate) fn waits(&self) -> bool {
        let marking = self.connection.marking.as_ref();
        marking.is_some_and(|marking| marking.pin.is_none() && marking.waiting.both() != (0, 0))
    }

    pub(crate) fn is_pinned(&self) -> bool {
        let marking = self.connection.marking.as_ref();
        marking.is_some_and(|marking| marking.pin.is_some())
    }
}

/// What the initiator has sent, and what the responder has.
fn by_end(connection: &Connection) -> [u64; 2] {
    match (&connection.bytes, connection.client) {
        (Bytes::ByEnd { src, dst }, _) => [*src, *dst],
        (Bytes::ByPart { client, server }, Some(Side::Dst)) => [*server, *client],
        (Bytes::ByPart { client, server }, _) => [*client, *server],
    }
}

fn rates(before: [u64; 2], after: [u64; 2], time: Duration) -> [u64; 2] {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    [0, 1].map(|end: usize| {
        let bytes = after[end].saturating_sub(before[end]);
        bytes.saturating_mul(1000) / milliseconds
    })
}

/// For people: bytes in at most four characters.
pub(crate) fn short(bytes: u64) -> String {
    let mut unit = 1;
    for letter in ["", "k", "M", "G", "T", "P"] {
        let whole = bytes / unit;
        if whole < 10 && !letter.is_empty() {
            return format!("{whole}.{}{letter}", bytes / (unit / 10) % 10);
        }
        if whole < 1000 {
            return format!("{whole}{letter}");
        }
        unit *= 1000;
    }
    format!("{}E", bytes / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::connection;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn short_numbers() {
        for (bytes, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.0k"),
            (1999, "1.9k"),
            (10_000, "10k"),
            (999_999, "999k"),
            (1_000_000, "1.0M"),
            (123_456_789_012, "123G"),
            (u64::MAX, "18E"),
        ] {
            assert_eq!(short(bytes), text);
            assert!(short(bytes).len() <= 4);
        }
    }

    #[test]
    fn times_and_rates() {
        let sent = |client, server| Connection {
            bytes: Bytes::ByPart { client, server },
            times: Some(Times {
                first: Time(1_000_000_000),
                last: Time(2_000_000_000),
                loose: None,
            }),
            ..connection()
        };
        let found = Row::new(sent(700, 250), seconds(1), None);
        assert_eq!(found.rates, None);
        assert_eq!(found.ago(|times| times.first, seconds(61)), "1m0s");
        assert_eq!(found.ago(|times| times.last, seconds(61)), "59s");
        // A clock that was set.
        assert_eq!(found.ago(|times| times.last, seconds(0)), "0s");
        let still = found.again(sent(700, 250), seconds(3), seconds(1));
        assert_eq!(still.rates, Some([0, 0]));
        let sends = still.again(sent(700, 2250), seconds(5), seconds(3));
        assert_eq!(sends.rates, Some([0, 1000]));
        let fresh = Row::new(sent(100, 40), seconds(9), Some(seconds(7)));
        assert_eq!(fresh.rates, Some([50, 20]));
        // However little time has passed.
        assert!(fresh.again(sent(1 << 60, 40), seconds(9), seconds(9)).rates > fresh.rates);
    }

    #[test]
    fn whoever_is_the_client() {
        let unknown = Connection {
            client: None,
            bytes: Bytes::ByEnd { src: 5, dst: 600 },
            ..connection()
        };
        let row = Row::new(unknown, seconds(0), None);
        let turned = Connection {
            client: Some(Side::Dst),
            bytes: Bytes::ByPart {
                client: 800,
                server: 5,
            },
            ..connection()
        };
        let row = row.again(turned, seconds(2), seconds(0));
        assert_eq!(row.rates, Some([0, 100]));
    }
}
