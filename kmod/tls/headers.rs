// SPDX-License-Identifier: GPL-2.0-only
//! The headers of a direction's last records: they have to come again as they came first.

use super::record::{Framing, Record, HEADER};
use super::records::{read, CHUNK};
use super::sequence::before;
use super::types::{Payload, Reason};

/// Records in front of the one that a direction is in whose headers are kept.
const KEPT: u32 = 4;

/// The headers of the last records, newest lowest: where they stand follows from their lengths.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Headers {
    /// The lengths, 16 bits each, the newest two first.
    lens: [u32; 2],
    /// Wire type and the second octet of the version, 8 bits each, or 0: not known from here on.
    kinds: u32,
}

/// Of the version's second octet, 5 bits: more than 4 is in a first header only.
const MINOR: u8 = 0x1f;

fn kind_of(record: &Record) -> u8 {
    match record.framing {
        Framing::Tls => (record.wire.wrapping_sub(19) << 5) | (record.minor & MINOR),
        Framing::Sslv2 => 0,
    }
}

/// A header as it was read.
struct Kept {
    start: u32,
    kind: u8,
    len: u16,
    /// Octets of it that were read.
    octets: u8,
}

impl Headers {
    /// A record is complete.
    #[inline(always)]
    pub(super) fn push(&mut self, record: &Record) {
        let [newer, older] = self.lens;
        self.lens = [
            (newer << 16) | u32::from(record.len()),
            (older << 16) | (newer >> 16),
        ];
        self.kinds = (self.kinds << 8) | u32::from(kind_of(record));
    }

    /// Whether a header in a payload that comes again and begins at `seq` is another than before, in its octets from
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
        let octets = current.header_read();
        let start = next
            .wrapping_sub(octets.into())
            .wrapping_sub(current.body_read().into());
        let mut header = Kept {
            start,
            kind: kind_of(current),
            len: current.len(),
            octets,
        };
        if header.kind != 0 && header.differs(payload, seq, from, end)? {
            return Ok(true);
        }
        let [newer, older] = self.lens;
        let lens = (u64::from(older) << 32) | u64::from(newer);
        for place in 0..KEPT {
            let len = (lens >> (place * 16)) as u16;
            let kind = (self.kinds >> (place * 8)) as u8;
            if kind == 0 {
                break;
            }
            header = Kept {
                start: header
                    .start
                    .wrapping_sub(u32::from(len).wrapping_add(HEADER.into())),
                kind,
                len,
                octets: HEADER,
            };
            if header.differs(payload, seq, from, end)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Kept {
    fn differs<P: Payload>(
        &self,
        payload: &P,
        seq: u32,
        from: u32,
        end: u32,
    ) -> Result<bool, Reason> {
        let [high, low] = self.len.to_be_bytes();
        let before_it = [
            (self.kind >> 5).wrapping_add(19),
            3,
            self.kind & MINOR,
            high,
            low,
        ];
        let mut at = self.start;
        for (place, was) in before_it.into_iter().enumerate().take(self.octets.into()) {
            if !before(at, from) && before(at, end) {
                let mut octets = [0; CHUNK];
                for octet in read(payload, at.wrapping_sub(seq), 1, &mut octets)? {
                    let is = match place {
                        2 => octet & MINOR,
                        _ => *octet,
                    };
                    if is != was {
                        return Ok(true);
                    }
                }
            }
            at = at.wrapping_add(1);
        }
        Ok(false)
    }
}
