// SPDX-License-Identifier: GPL-2.0-only
//! The record loop: a payload is taken in record by record, by the rules that hold where its direction is. And whole records
//! that those rules tell by their headers alone, many at a time.

use super::cold::ColdState;
use super::counted::counts_as;
use super::direction::Direction;
use super::reader::Reader;
use super::record_header::{
    header, Record, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HEADER, HEARTBEAT,
};
use super::runs::{PerWire, Runs};
use super::sequence::Kind;
use super::types::{Payload, Reason};

/// What records may come, and what is made of them: while the handshake lasts, after it, and where it is not known where records
/// begin. Each says how many bytes it has taken in.
pub(super) trait Rules<P: Payload> {
    /// The record that the direction is in.
    fn record(&self) -> &Record;

    /// Whether other rules hold from here on.
    #[inline(always)]
    fn are_over(&self) -> bool {
        false
    }

    /// Takes in what need not be looked at record by record.
    #[inline(always)]
    fn together(&mut self, _reader: &mut Reader<'_, P>, _offset: u32) -> Result<u32, Reason> {
        Ok(0)
    }

    /// Takes in a header, the rest of one, or what comes before one; `left`: bytes that there are, at least one.
    fn header(&mut self, reader: &mut Reader<'_, P>, offset: u32, left: u32)
        -> Result<u32, Reason>;

    /// Takes in bytes of a body, `wanted` at most.
    fn body(&mut self, reader: &mut Reader<'_, P>, offset: u32, wanted: u32)
        -> Result<u32, Reason>;
}

/// Takes a payload in from `offset` on, which is where its direction has come to. Says where other rules begin to hold, or where
/// the payload ends.
#[inline]
pub(super) fn deframe<P: Payload>(
    rules: &mut impl Rules<P>,
    reader: &mut Reader<'_, P>,
    mut offset: u32,
) -> Result<u32, Reason> {
    loop {
        offset = offset.saturating_add(rules.together(reader, offset)?);
        let left = reader.left(offset);
        if left == 0 || rules.are_over() {
            return Ok(offset);
        }
        let record = rules.record();
        let taken = if record.header_left() == 0 {
            let wanted = record.body_left().min(left);
            rules.body(reader, offset, wanted)?
        } else {
            rules.header(reader, offset, left)?
        };
        offset = offset.saturating_add(taken);
    }
}

/// Bytes that a short record's body has at most: with its header it fits into what [`Reader::some`] gives.
const SHORT: u16 = 124;

/// Records that were taken in together.
#[derive(Default)]
pub(super) struct Run {
    pub(super) bytes: u32,
    /// Whether some have to come again as they came.
    pub(super) compared: bool,
}

/// Takes records in whose headers are not split, up to the first byte that is none of theirs. `kind_of`: what a record
/// of that type and length is, if there may be one.
#[inline]
pub(super) fn run<P: Payload>(
    direction: &mut Direction,
    cold: &mut ColdState,
    reader: &mut Reader<'_, P>,
    offset: u32,
    kind_of: impl Fn(u8, u16) -> Option<Kind>,
) -> Result<Run, Reason> {
    let mut run = Run::default();
    loop {
        let at = offset.saturating_add(run.bytes);
        if direction.record.header_read() == 0 {
            let Some(record) = reader.header(at)?.and_then(Record::of_header) else {
                return Ok(run);
            };
            let Some(kind) = kind_of(record.wire, record.len()) else {
                return Ok(run);
            };
            if record.len() <= SHORT {
                let short = run_of_short(direction, cold, reader, at, &kind_of)?;
                run.bytes = run.bytes.saturating_add(short.bytes);
                run.compared |= short.compared;
                if short.bytes > 0 {
                    continue;
                }
            }
            reader.record_begins()?;
            direction.record = record;
            direction.kind = kind;
            direction.extend(HEADER.into(), kind);
            run.bytes = run.bytes.saturating_add(HEADER.into());
            run.compared |= kind.is_compared();
        } else if direction.record.header_left() != 0 || direction.kind != Kind::ApplicationData {
            return Ok(run);
        }
        let left = reader.left(offset.saturating_add(run.bytes));
        let body = direction.record.body_left();
        let taken = body.min(left);
        run.bytes = run.bytes.saturating_add(taken);
        if direction.kind != Kind::ApplicationData {
            match direction.body(cold, taken) {
                true => continue,
                false => return Ok(run),
            }
        }
        direction.extend(taken, Kind::ApplicationData);
        if body > left {
            direction.data_record_goes_on(left);
            return Ok(run);
        }
        direction.data_record_ends();
    }
}

/// As [`run`], of records whose bodies are there too: many short ones take much less time so.
fn run_of_short<P: Payload>(
    direction: &mut Direction,
    cold: &mut ColdState,
    reader: &mut Reader<'_, P>,
    offset: u32,
    kind_of: &impl Fn(u8, u16) -> Option<Kind>,
) -> Result<Run, Reason> {
    let most = reader.records_left();
    let bytes = reader.some(offset)?;
    let (mut rest, mut last) = (bytes, [].as_slice());
    let mut records = 0_u16;
    let mut headers = direction.headers;
    let mut compared = false;
    let mut runs = Runs::default();
    let mut counts = PerWire::default();
    while records < most {
        let Some((header!(wire @ CHANGE_CIPHER_SPEC..=HEARTBEAT, minor, high, low), after)) =
            rest.split_first_chunk::<{ HEADER as usize }>()
        else {
            break;
        };
        let len = u16::from_be_bytes([*high, *low]);
        let Some(after) = after.get(usize::from(len)..) else {
            break;
        };
        let Some(kind) = kind_of(*wire, len) else {
            break;
        };
        runs.push(bytes.len().wrapping_sub(rest.len()), kind);
        counts.add(*wire);
        match *wire {
            APPLICATION_DATA => headers.push_data(*minor, len),
            _ => {
                headers.push_no_data(len);
                compared = true;
            }
        }
        records = records.saturating_add(counts_as(kind, len));
        (last, rest) = (rest, after);
    }
    for (wire, number) in counts.all() {
        direction.count_records(cold, wire, number);
    }
    direction.records_end(last);
    direction.headers = headers;
    let taken = bytes.len().saturating_sub(rest.len());
    direction.extend_by_runs(runs, taken);
    reader.records_begin(records.min(most))?;
    let bytes = taken as u32;
    Ok(Run { bytes, compared })
}
