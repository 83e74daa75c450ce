// SPDX-License-Identifier: GPL-2.0-only
//! What there is to tell of a decision.

use super::super::{
    connection::Connection,
    decided::{Decided, Decisions, Rule},
    reader::Reader,
    record_header::{length_fits, Header, APPLICATION_DATA},
    told::Told,
    types::{Payload, Segment, Side, State, Types},
};
use super::{Encrypted, Flights, InnerTypes, ServerFlight, Verdict, AFTER_FINISHED, SERVER_FLIGHT};

impl Decided {
    /// That a record is data which neither flight bounds.
    fn data(rule: Rule, record: &Encrypted) -> Self {
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
}

impl Told<'_> {
    /// Tells of a record between ServerHello and the client's Finished, after it was taken in.
    #[inline(always)]
    pub(in super::super) fn of_flights(
        self,
        flights: &Flights,
        record: &Encrypted,
        budget: u32,
        verdict: Verdict,
    ) {
        if let Some(told) = self.told {
            let decided = flights.decided(record, budget, verdict);
            told.all.borrow_mut().push(decided);
        }
    }

    /// Tells of a record that is data because of where it stands, before it is taken in.
    #[inline(always)]
    pub(in super::super) fn of_data(self, content: &InnerTypes, record: &Encrypted, state: State) {
        match content {
            InnerTypes::AsOnWire if state == State::Hello => self.data(Rule::E1, record),
            InnerTypes::Done => self.first(record),
            _ => {}
        }
    }

    /// Tells of the next record after the handshake, if its header is complete in the payload from `offset` on, and it is the
    /// side's first.
    #[inline(always)]
    pub(in super::super) fn of_next<P: Payload>(
        self,
        connection: &Connection,
        segment: &Segment,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) {
        if connection.tls13 && self.asks_for_data(segment.from) {
            if let Some(record) = next(connection, segment, reader, offset) {
                self.first(&record);
            }
        }
    }

    /// Whether a side's first record after the handshake was not told of yet.
    #[inline(always)]
    pub(in super::super) fn asks_for_data(self, from: Side) -> bool {
        let has_come = |told: &Decisions| told.data.get().get(from as usize) == Some(&true);
        self.told.is_some_and(|told| !has_come(told))
    }

    fn first(self, record: &Encrypted) {
        let Some(told) = self.told.filter(|_| self.asks_for_data(record.from)) else {
            return;
        };
        let [src, dst] = told.data.get();
        told.data.set(match record.from {
            Side::Src => [true, dst],
            Side::Dst => [src, true],
        });
        self.data(Rule::A1, record);
    }

    fn data(self, rule: Rule, record: &Encrypted) {
        if let Some(told) = self.told {
            told.all.borrow_mut().push(Decided::data(rule, record));
        }
    }
}

/// The next record of data of which the header is complete in a payload, from `offset` on.
fn next<P: Payload>(
    connection: &Connection,
    segment: &Segment,
    reader: &mut Reader<'_, P>,
    mut offset: u32,
) -> Option<Encrypted> {
    let mut record = connection.sides.of(segment.from).record;
    loop {
        if record.header_left() == 0 {
            let left = reader.left(offset);
            offset = offset.saturating_add(record.body_left().min(left));
            record.body(left);
        }
        let &octet = reader.octets(offset, 1).ok()?.first()?;
        offset = offset.saturating_add(1);
        match record.header_octet(octet, false) {
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

impl Encrypted {
    /// How much more than what stands before `end` its packet acknowledges.
    fn acknowledged(&self, end: Option<u32>) -> Option<i32> {
        Some(self.ack?.wrapping_sub(end?) as i32)
    }
}

impl ServerFlight {
    /// Bytes that may still come.
    fn left(&self) -> u32 {
        match self.in_doubt {
            0 => SERVER_FLIGHT.saturating_sub(self.octets),
            in_doubt => AFTER_FINISHED.saturating_sub(in_doubt),
        }
    }
}

impl Flights {
    /// What was decided of a record, and what of.
    fn decided(&self, record: &Encrypted, budget: u32, verdict: Verdict) -> Decided {
        let (flight, left) = match record.from == self.settled.client {
            true => {
                let flight = (self.server.records > 0).then(|| self.server.flight_end());
                (flight, budget.saturating_sub(self.client.octets()))
            }
            false => (self.client.start(), self.server.left()),
        };
        Decided {
            acknowledged: record.acknowledged(flight),
            left: Some(left),
            types: verdict.kind.types().content,
            is_last: verdict.is_over,
            ..Decided::data(verdict.rule, record)
        }
    }
}
