// SPDX-License-Identifier: GPL-2.0-only
//! The headers of a direction's last records of data: they have to come again as they came first.

use super::record_header::{Framing, Record, APPLICATION_DATA, HEADER, MAJOR};
use super::sequence::before;
use super::types::{Payload, Reason};

/// Records before the one that a direction is in whose headers are kept.
const KEPT: u32 = 8;

/// The headers of the last records, newest lowest: where they stand follows from their lengths.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Headers {
    /// The lengths, 16 bits each, the newest first. As bytes, which need no alignment.
    lens: [u8; 16],
    /// Four bits each: of data the second byte of the version and 1; of others [`NO_DATA`]; 0: not known from here on.
    kinds: u32,
}

/// A record that is no data: all of it is kept elsewhere ([`super::outstanding`]).
const NO_DATA: u8 = 15;

fn kind_of(record: &Record) -> u8 {
    match (record.framing, record.wire) {
        (Framing::Sslv2, _) => 0,
        (Framing::Tls, APPLICATION_DATA) => record.minor.wrapping_add(1).min(NO_DATA),
        (Framing::Tls, _) => NO_DATA,
    }
}

/// A header as it was read.
struct KeptHeader {
    start: u32,
    kind: u8,
    len: u16,
    /// Bytes of it that were read.
    bytes: u8,
}

impl Headers {
    /// A record is complete.
    #[inline(always)]
    pub(super) fn push(&mut self, record: &Record) {
        self.push_kind(kind_of(record), record.len());
    }

    /// The same of a record of data.
    #[inline(always)]
    pub(super) fn push_data(&mut self, minor: u8, len: u16) {
        self.push_kind(minor.wrapping_add(1), len);
    }

    /// And of any other.
    #[inline(always)]
    pub(super) fn push_no_data(&mut self, len: u16) {
        self.push_kind(NO_DATA, len);
    }

    #[inline(always)]
    fn push_kind(&mut self, kind: u8, len: u16) {
        let lens = u128::from_le_bytes(self.lens);
        self.lens = ((lens << 16) | u128::from(len)).to_le_bytes();
        self.kinds = (self.kinds << 4) | u32::from(kind);
    }

    /// Whether a header in a payload that comes again and begins at `seq` is another than before, in its bytes from
    /// `from` to `end`. `next` is where the direction has come to.
    pub(super) fn differ<P: Payload>(
        &self,
        current: &Record,
        next: u32,
        payload: &P,
        seq: u32,
        from: u32,
        end: u32,
    ) -> Result<bool, Reason> {
        let bytes = current.header_read();
        let mut header = KeptHeader {
            start: current.start(next),
            kind: kind_of(current),
            len: current.len(),
            bytes,
        };
        if header.kind != 0 && header.differs(payload, seq, from, end)? {
            return Ok(true);
        }
        for place in 0..KEPT {
            let Some(before_it) = self.before(header.start, place) else {
                break;
            };
            header = before_it;
            if header.differs(payload, seq, from, end)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The header in that place, newest first; `start`: where the one after it begins.
    fn before(&self, start: u32, place: u32) -> Option<KeptHeader> {
        let len = u128::from_le_bytes(self.lens).wrapping_shr(place.wrapping_mul(16)) as u16;
        let kind = self.kinds.wrapping_shr(place.wrapping_mul(4)) as u8 & 15;
        (kind != 0).then(|| KeptHeader {
            start: start.wrapping_sub(u32::from(len).wrapping_add(HEADER.into())),
            kind,
            len,
            bytes: HEADER,
        })
    }

    /// Where the oldest of them begins, if it is not that of the first record; `start`: where the record begins that the
    /// direction is in.
    pub(super) fn known_from(&self, start: u32) -> Option<u32> {
        (0..KEPT).try_fold(start, |start, place| {
            self.before(start, place).map(|header| header.start)
        })
    }
}

impl KeptHeader {
    fn differs<P: Payload>(
        &self,
        payload: &P,
        seq: u32,
        from: u32,
        end: u32,
    ) -> Result<bool, Reason> {
        if self.kind == NO_DATA {
            return Ok(false);
        }
        let [high, low] = self.len.to_be_bytes();
        let minor = self.kind.wrapping_sub(1);
        let before_it = [APPLICATION_DATA, MAJOR, minor, high, low];
        let mut at = self.start;
        for was in before_it.into_iter().take(self.bytes.into()) {
            if !before(at, from) && before(at, end) {
                // A payload that is shorter than it said has a hole.
                let [byte] = payload.bytes(at.wrapping_sub(seq)).ok_or(Reason::Hole)?;
                if byte != was {
                    return Ok(true);
                }
            }
            at = at.wrapping_add(1);
        }
        Ok(false)
    }
}
