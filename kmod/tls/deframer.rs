// SPDX-License-Identifier: GPL-2.0-only
//! The record loop: a payload is taken in record by record, by the rules that hold where its direction is.

use super::batch::{counts_as, Batch};
use super::cold::Cold;
use super::content_type::Kind;
use super::direction::Direction;
use super::packet::Payload;
use super::reader::Reader;
use super::record::{Header, Record};
use super::record_header::{RecordHeader, HEADER};
use super::state::Reason;

/// What records may come, and what is made of them: while the handshake lasts, after it, and where it is not known where
/// records begin.
pub(super) trait Rules {
    /// The direction that the payload is of.
    fn direction(&mut self) -> &mut Direction;

    /// Takes in all that need not be taken in by itself from `offset` on, and says how many octets that is. And the header
    /// that comes then, for [`kind_of`](Self::kind_of) to tell; none if no header does, or it is left to its octets.
    fn together<P: Payload>(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<(u32, Option<RecordHeader>), Reason>;

    /// Whether what comes now is taken in by other rules.
    fn are_over(&self) -> bool {
        false
    }

    /// How many records a header counts as that begins here, or what may be one.
    fn cost(&self) -> u16 {
        1
    }

    /// What a record of that type is, as far as a header's first octet tells; none if the header is left to its octets.
    fn kind_of(&mut self, wire: u8) -> Option<Kind>;

    /// So many octets of a header have come.
    fn looked_at(&mut self, _octets: u32) {}

    /// A header's first octet has come.
    fn begins(&mut self, wire: u8) -> Result<(), Reason>;

    /// A header is complete.
    fn header_ends(&mut self, len: u16) -> Result<(), Reason>;

    /// No header has such an octet there. It is not taken in.
    fn no_header(&mut self) -> Result<(), Reason> {
        Err(Reason::BadHeader)
    }

    /// Takes up to `wanted` octets of a body in, and says how many.
    fn body<P: Payload>(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
        wanted: u32,
    ) -> Result<u32, Reason>;
}

/// Takes a payload in from `offset` on, which is where its direction has come to; says where other rules begin, or where it
/// ends.
pub(super) fn deframe<R: Rules, P: Payload>(
    rules: &mut R,
    reader: &mut Reader<'_, P>,
    mut offset: u32,
) -> Result<u32, Reason> {
    loop {
        let (octets, header) = rules.together(reader, offset)?;
        offset = offset.saturating_add(octets);
        let left = reader.left(offset);
        if left == 0 || rules.are_over() {
            return Ok(offset);
        }
        let record = &rules.direction().record;
        let missing = record.header_left();
        let taken = if missing == 0 {
            let wanted = record.body_left().min(left);
            rules.body(reader, offset, wanted)?
        } else {
            if missing == HEADER {
                reader.records_begin(rules.cost())?;
            }
            match header.and_then(|header| Some((header, rules.kind_of(header.wire)?))) {
                Some((header, kind)) => {
                    rules.direction().header(header, kind);
                    rules.looked_at(HEADER.into());
                    rules.header_ends(header.len)?;
                    HEADER.into()
                }
                None => octets_of_header(rules, reader, offset, u32::from(missing).min(left))?,
            }
        };
        offset = offset.saturating_add(taken);
    }
}

/// Takes octets of a header in, up to the first that does not fit; says how many.
fn octets_of_header<R: Rules, P: Payload>(
    rules: &mut R,
    reader: &mut Reader<'_, P>,
    offset: u32,
    wanted: u32,
) -> Result<u32, Reason> {
    let mut taken = 0_u32;
    for &octet in reader.octets(offset, wanted)? {
        let direction = rules.direction();
        let first = !direction.seen.has_begun();
        let header = direction.header_octet(octet);
        if header != Header::Bad {
            taken = taken.saturating_add(1);
            rules.looked_at(1);
        }
        let result = match header {
            Header::Part => Ok(()),
            Header::Type(wire) => rules.begins(wire),
            Header::Complete(len) => rules.header_ends(len),
            Header::Bad => rules.no_header(),
        };
        match result {
            // The first bytes contradict nothing.
            Err(Reason::BadHeader) if first => return Err(Reason::NotTls),
            result => result?,
        }
        if header == Header::Bad {
            break;
        }
    }
    Ok(taken)
}

/// Octets that a short record's body has at most: with its header it fits into what [`Reader::some`] gives.
const SHORT: u16 = 124;

/// Records that were taken in together.
#[derive(Default)]
pub(super) struct Run {
    pub(super) octets: u32,
    /// Whether some have to come again as they came.
    pub(super) compared: bool,
    /// The header that comes next, which is none of theirs.
    pub(super) next: Option<RecordHeader>,
}

/// Takes records in whose headers are not split, up to the first octet that is none of theirs. `kind_of`: what a record
/// of that type and length is, if there may be one.
#[inline]
pub(super) fn run<P: Payload>(
    direction: &mut Direction,
    cold: &mut Cold,
    reader: &mut Reader<'_, P>,
    offset: u32,
    kind_of: impl Fn(u8, u16) -> Option<Kind>,
) -> Result<Run, Reason> {
    let mut run = Run::default();
    loop {
        let at = offset.saturating_add(run.octets);
        if direction.record.header_read() == 0 {
            let header = reader.header(at)?;
            let Some((header, kind)) =
                header.and_then(|header| Some((header, kind_of(header.wire, header.len)?)))
            else {
                run.next = header;
                return Ok(run);
            };
            if header.len <= SHORT {
                let short = run_of_short(direction, cold, reader, at, &kind_of)?;
                run.octets = run.octets.saturating_add(short.octets);
                run.compared |= short.compared;
                if short.octets > 0 {
                    continue;
                }
            }
            reader.records_begin(1)?;
            direction.record = Record::in_body(header.wire, header.minor, header.len);
            direction.kind = kind;
            direction.history.extend(HEADER.into(), kind);
            run.octets = run.octets.saturating_add(HEADER.into());
            run.compared |= kind.is_compared();
        } else if direction.record.header_left() != 0 || direction.kind != Kind::ApplicationData {
            return Ok(run);
        }
        let left = reader.left(offset.saturating_add(run.octets));
        let body = direction.record.body_left();
        let taken = body.min(left);
        run.octets = run.octets.saturating_add(taken);
        if direction.kind != Kind::ApplicationData {
            match direction.body(cold, taken) {
                true => continue,
                false => return Ok(run),
            }
        }
        direction.history.extend(taken, Kind::ApplicationData);
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
    cold: &mut Cold,
    reader: &mut Reader<'_, P>,
    offset: u32,
    kind_of: &impl Fn(u8, u16) -> Option<Kind>,
) -> Result<Run, Reason> {
    let most = reader.records_left();
    let mut batch = Batch::new(direction, reader.some(offset)?, most);
    let mut run = Run::default();
    while let Some(record) = batch.next() {
        let Some(kind) = kind_of(record.wire, record.len) else {
            break;
        };
        batch.take(&record, kind, counts_as(kind, record.len));
    }
    run.octets = batch.taken() as u32;
    run.compared = batch.has_others();
    let records = most.saturating_sub(batch.left);
    batch.put(direction, cold);
    reader.records_begin(records)?;
    Ok(run)
}
