// SPDX-License-Identifier: GPL-2.0-only
//! What there is to tell of a decision.

use super::super::{
    decided::{Decided, Rule},
    encrypted::Encrypted,
    reader::Reader,
    record_header::{length_fits, Header, Record, APPLICATION_DATA},
    told::Told,
    types::{Payload, Segment, State, Types},
};
use super::{Flights, InnerTypes, Verdict};

/// That a record is data which neither flight bounds.
fn data(rule: Rule, record: &Encrypted) -> Decided {
    Decided {
        rule,
        from: record.from,
        len: record.len,
        end: record.end,
        acknowledged: None,
        left: None,
        types: Types::APPLICATION_DATA,
        is_last: false,
    }
}

impl InnerTypes {
    /// Tells of a record that is data because of where it stands, before it is taken in.
    #[inline(always)]
    pub(in super::super) fn tell_data(&self, told: Told<'_>, record: &Encrypted, state: State) {
        match self {
            InnerTypes::AsOnWire if state == State::Hello => {
                told.decided(|| data(Rule::E1, record));
            }
            InnerTypes::Done => told.first_data(record.from, || data(Rule::A1, record)),
            _ => {}
        }
    }
}

/// Tells of the next record after a handshake of TLS 1.3, if its header is complete in the payload from `offset` on, and it is
/// the side's first. `record`: the one that the direction is in.
#[inline(always)]
pub(in super::super) fn tell_next<P: Payload>(
    told: Told<'_>,
    record: Record,
    segment: &Segment,
    reader: &mut Reader<'_, P>,
    offset: u32,
) {
    if told.asks_for_data(segment.from) {
        if let Some(record) = next(record, segment, reader, offset) {
            told.first_data(record.from, || data(Rule::A1, &record));
        }
    }
}

/// The next record of data of which the header is complete in a payload, from `offset` on.
fn next<P: Payload>(
    mut record: Record,
    segment: &Segment,
    reader: &mut Reader<'_, P>,
    mut offset: u32,
) -> Option<Encrypted> {
    loop {
        if record.header_left() == 0 {
            let left = reader.left(offset);
            offset = offset.saturating_add(record.body_left().min(left));
            record.body(left);
        }
        let &byte = reader.bytes(offset, 1).ok()?.first()?;
        offset = offset.saturating_add(1);
        match record.header_byte(byte, false) {
            Header::Complete(len) if record.wire == APPLICATION_DATA => {
                let at = segment.seq.wrapping_add(offset);
                let fits = length_fits(record.wire, len, true, true, State::Established);
                return fits.then_some(Encrypted {
                    from: segment.from,
                    len,
                    end: at.wrapping_add(len.into()),
                    ack: segment.ack,
                });
            }
            Header::Bad => return None,
            _ => {}
        }
    }
}

impl Flights {
    /// What was decided of a record, and what of.
    pub(super) fn decided(&self, record: &Encrypted, budget: u32, verdict: Verdict) -> Decided {
        let (flight, left) = match record.from == self.settled.client {
            true => {
                let flight = self.server.has_begun().then(|| self.server.flight_end());
                (flight, budget.saturating_sub(self.client.bytes()))
            }
            false => (self.client.start(), self.server.left()),
        };
        Decided {
            acknowledged: record.acknowledged(flight),
            left: Some(left),
            types: verdict.kind.types().content,
            is_last: verdict.is_over,
            ..data(verdict.rule, record)
        }
    }
}
