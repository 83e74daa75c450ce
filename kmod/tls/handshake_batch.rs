// SPDX-License-Identifier: GPL-2.0-only
//! Short records of a handshake are taken in together: a packet may have very many, and one by one they take much longer.

use super::batch::{counts_as, is_more, Batch};
use super::content_type::Kind;
use super::encrypted::Encrypted;
use super::handshake_records::Handshaking;
use super::message::Places;
use super::packet::Payload;
use super::reader::Reader;
use super::record_header::{
    Whole, ALERT, ALERT_MAX, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEARTBEAT,
};
use super::state::{Reason, State};

/// Octets that a short record's body has at most. With its header it mostly fits into what [`Reader::some`] gives.
pub(super) const SHORT: u16 = 508;

/// Octets of messages that are read at once.
const MESSAGES: usize = 256;

/// Records that one counts as besides itself which takes longer: a plain-text alert, one of another type than the one before
/// it, one that is kept and not very short.
const SINGLE: u16 = 1;

/// The same of one that only the rules for the flights of TLS 1.3 tell from data, with a body of that length. The smallest that
/// stacks make of a flight, with a `record_size_limit` of 64 (RFC 8449), fill a packet of 58 KB; long ones are few in a packet.
#[inline(always)]
fn flight_besides(len: u16) -> u16 {
    match len {
        72..88 => 2,
        ..128 => 3,
        _ => 1,
    }
}

/// Records that a plain-text handshake record counts as besides itself where it follows one of another type, as nobody sends
/// many who takes turns so: each turn takes as long.
const TURN: u16 = 4;

/// A batch, and what its messages need.
struct Front<'a> {
    batch: Batch<'a>,
    /// The sequence number after its octets.
    end: u32,
    /// Room for bodies side by side.
    messages: Option<[u8; MESSAGES]>,
}

impl Handshaking<'_> {
    /// Takes short records in, up to the first that has something against it or is not whole: those are taken in one by one.
    /// Says how many octets they have.
    pub(super) fn short_records<P: Payload>(
        &mut self,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<u32, Reason> {
        let most = reader.records_left();
        let octets = reader.some(offset)?;
        let mut front = Front {
            batch: Batch::new(self.mine, octets, most),
            end: self.mine.next().wrapping_add(octets.len() as u32),
            messages: None,
        };
        let wrong = self.short_ones(&mut front);
        let batch = front.batch;
        let taken = batch.taken() as u32;
        batch.put(self.mine, self.cold);
        if let Err((number, _)) = wrong {
            self.take_before(batch.rest, number);
            self.goes_on(false);
        }
        let records = most.saturating_sub(batch.left);
        reader.records_begin(records)?;
        match wrong {
            Ok(()) => Ok(taken),
            Err((_, why)) => Err(why),
        }
    }

    /// Run by run. Where a message is not what an endpoint would take, it says which octet of those that are left is wrong.
    fn short_ones(&mut self, front: &mut Front<'_>) -> Result<(), (usize, Reason)> {
        let mut has_others = false;
        loop {
            let before = front.batch.rest.len();
            let is_open = self.status.progress != State::New;
            let encrypted = self.handshake.is_encrypted(self.from);
            let is_message = front.batch.rest.first() == Some(&HANDSHAKE)
                && is_open
                && !encrypted
                && !self.status.tls13;
            match is_message {
                true => {
                    if has_others {
                        front.batch.left = front.batch.left.saturating_sub(TURN);
                    }
                    self.short_messages(front)?;
                }
                _ if self.handshake.inner_types.flights().is_some() => {
                    self.short_run::<true>(front);
                }
                _ => self.short_run::<false>(front),
            }
            let is_over = self.status.progress == State::Established;
            if front.batch.rest.len() == before || is_over {
                return Ok(());
            }
            has_others = !is_message;
        }
    }

    /// All but plain-text handshake records. `FLIGHTS`: between ServerHello of TLS 1.3 and the client's Finished, where data
    /// need not be data.
    #[inline(never)]
    fn short_run<const FLIGHTS: bool>(&mut self, front: &mut Front<'_>) {
        let from = self.from;
        let encrypted = self.handshake.is_encrypted(from);
        let plain = !encrypted || self.status.tls13;
        // The first message is looked at by itself.
        let is_open = self.status.progress != State::New;
        let mut batch = front.batch;
        let mut record = Encrypted {
            from,
            len: 0,
            end: front.end,
            ack: self.ack,
        };
        let mut in_doubt = 0_u32;
        let mut has_changed = encrypted;
        let finished = self.mine.seen.has_finished();
        let mut before_it = batch.rest.first().copied().unwrap_or_default();
        let mut is_done = false;
        while !is_done {
            let Some(whole) = batch.next() else {
                break;
            };
            let (wire, len) = (whole.wire, whole.len);
            let kind = match wire {
                APPLICATION_DATA if FLIGHTS => {
                    record.len = len;
                    record.end = front.end.wrapping_sub(whole.after.len() as u32);
                    let Some(flights) = self.handshake.inner_types.flights() else {
                        break;
                    };
                    let verdict = flights.whole(&record, self.budget);
                    if verdict.kind == Kind::InDoubt {
                        in_doubt = in_doubt.wrapping_add(record.octets());
                    }
                    self.note_finished(&verdict);
                    is_done = verdict.is_over;
                    verdict.kind
                }
                APPLICATION_DATA if is_open => Kind::ApplicationData,
                ALERT | CHANGE_CIPHER_SPEC if finished => break,
                ALERT if !plain && len <= ALERT_MAX => Kind::Alert,
                ALERT if plain && len == 2 => {
                    self.status.closed |= !encrypted && self.handshake.alerts(from, whole.body);
                    Kind::Alert
                }
                CHANGE_CIPHER_SPEC if is_open && (len == 1 || !plain) => {
                    // What one has not changed the next does not either.
                    if !has_changed {
                        has_changed = true;
                        self.handshake.change_cipher_spec(from);
                        is_done = self.handshake.is_encrypted(from);
                    }
                    Kind::ChangeCipherSpec
                }
                HANDSHAKE if !plain => {
                    self.handshake.finished(from);
                    is_done =
                        self.status.progress == State::Handshake && self.handshake.is_complete();
                    Kind::Handshake
                }
                HEARTBEAT if is_open => Kind::Heartbeat,
                _ => break,
            };
            let is_flight = FLIGHTS && wire == APPLICATION_DATA;
            let besides = match wire {
                _ if is_flight => flight_besides(len),
                ALERT if plain => SINGLE,
                _ if wire != before_it || is_more(kind, len) => SINGLE,
                _ => 0,
            };
            before_it = wire;
            batch.take(&whole, kind, besides.wrapping_add(1));
        }
        let is_any = front.batch.left > batch.left;
        front.batch = batch;
        if FLIGHTS {
            self.handshake.add_in_doubt(in_doubt);
            if is_done {
                self.handshake.inner_types.end();
            }
        }
        self.goes_on(is_any);
    }

    /// Plain-text handshake records: their messages as if they stood in one.
    #[inline(never)]
    fn short_messages(&mut self, front: &mut Front<'_>) -> Result<(), (usize, Reason)> {
        let messages = front.messages.get_or_insert([0; MESSAGES]);
        let mut batch = front.batch;
        // Those within a message of which nothing is read.
        let skippable = self.handshake.skippable(self.from);
        let (mut skipped, mut number) = (0_u32, 0_u16);
        let (mut first, mut end) = (batch.rest, 0_usize);
        while let Some(
            record @ Whole {
                wire: HANDSHAKE,
                len: 1..,
                ..
            },
        ) = batch.next()
        {
            let with_it = skipped.saturating_add(record.len.into());
            if end == 0 && with_it < skippable {
                (skipped, first) = (with_it, record.after);
            } else {
                let to = end.wrapping_add(record.len.into());
                let Some(room) = messages.get_mut(end..to) else {
                    break;
                };
                room.copy_from_slice(record.body);
                end = to;
            }
            batch.pass(&record, counts_as(Kind::Handshake, record.len));
            number = number.wrapping_add(1);
        }
        if skipped > 0 {
            self.handshake.skip(self.from, skipped);
        }
        let places = Places::within(front.end.wrapping_sub(first.len() as u32), first);
        front.batch.left = batch.left;
        let messages = messages.get(..end).unwrap_or_default();
        self.handshake
            .octets(self.from, messages, &places)
            .map_err(|(number, why)| (number.saturating_add(skipped as usize), why))?;
        if number > 0 {
            let at = front.batch.taken();
            batch.note(at, Kind::Handshake, HANDSHAKE, number);
        }
        front.batch = batch;
        self.goes_on(number > 0);
        Ok(())
    }

    /// Takes those octets of handshake records in that stand before the octet of that number of their bodies.
    #[cold]
    fn take_before(&mut self, octets: &[u8], number: usize) {
        let mut left = number;
        let mut rest = octets;
        while let Some(whole) = Whole::first(rest) {
            let body = whole.body;
            self.mine.header(whole.header(), Kind::Handshake);
            let taken = left.min(body.len());
            self.mine.body(self.cold, taken as u32);
            if taken < body.len() {
                return;
            }
            left = left.saturating_sub(taken);
            rest = whole.after;
        }
    }
}
