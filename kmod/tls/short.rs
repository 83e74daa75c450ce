// SPDX-License-Identifier: GPL-2.0-only
//! Short records of a handshake are taken in together: a packet may have very many, and one by one they take much longer.

use super::connection::Connection;
use super::content::Encrypted;
use super::handshake::Handshake;
use super::headers::Headers;
use super::reader::Reader;
use super::record::{
    Record, ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER,
};
use super::runs::Runs;
use super::sequence::Kind;
use super::types::{Config, Payload, Reason, Segment, Side, State};

/// Octets that a short record's body has at most: with its header it fits into what [`Reader::some`] gives.
pub(super) const SHORT: u16 = 124;

/// Octets of messages that are read at once.
const MESSAGES: usize = 256;

/// A record whose header and body are there.
struct Whole<'a> {
    record: Record,
    body: &'a [u8],
    behind: &'a [u8],
}

impl<'a> Whole<'a> {
    /// The one in front of these octets; none if it is not whole, or its header has not its usual form.
    #[inline]
    fn first(octets: &'a [u8]) -> Option<Self> {
        let (&header, behind) = octets.split_first_chunk::<{ HEADER as usize }>()?;
        let record = Record::of_header(header)?;
        let (body, behind) = behind.split_at_checked(record.len().into())?;
        Some(Whole {
            record,
            body,
            behind,
        })
    }
}

/// Bodies of records side by side.
struct Messages {
    octets: [u8; MESSAGES],
    len: usize,
}

impl Messages {
    fn new() -> Self {
        Messages {
            octets: [0; MESSAGES],
            len: 0,
        }
    }

    /// Those of the handshake records in front of these octets, the first of which is whole and may come: no more than
    /// `most`. Says how many, and what is behind them.
    fn gather<'a>(
        &mut self,
        octets: &'a [u8],
        most: u16,
        headers: &mut Headers,
    ) -> (u16, &'a [u8]) {
        let mut rest = octets;
        let mut number = 0_u16;
        self.len = 0;
        while number < most {
            let Some((&[HANDSHAKE, 3, 0..=4, high, low], behind)) = rest.split_first_chunk() else {
                break;
            };
            let len = u16::from_be_bytes([high, low]);
            let end = self.len.wrapping_add(len.into());
            let (Some((body, behind)), Some(to), 1..) = (
                behind.split_at_checked(len.into()),
                self.octets.get_mut(self.len..end),
                len,
            ) else {
                break;
            };
            to.copy_from_slice(body);
            headers.push_no_data(len);
            (rest, self.len) = (behind, end);
            number = number.wrapping_add(1);
        }
        (number, rest)
    }

    fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

/// Where octets of messages stand in the stream.
pub(super) struct Places<'a> {
    /// The sequence number of the first, or of the first record's header.
    at: u32,
    /// The records whose bodies they are; none if they lie side by side.
    records: &'a [u8],
}

impl<'a> Places<'a> {
    /// Side by side.
    pub(super) fn from(at: u32) -> Self {
        Places { at, records: &[] }
    }

    /// The sequence number behind the octet of that number.
    #[cold]
    pub(super) fn behind(&self, number: usize) -> u32 {
        let mut at = self.at;
        let mut left = number;
        let mut rest = self.records;
        while let Some(Whole { body, behind, .. }) = Whole::first(rest) {
            at = at.wrapping_add(HEADER.into());
            if left < body.len() {
                break;
            }
            left = left.saturating_sub(body.len());
            at = at.wrapping_add(body.len() as u32);
            rest = behind;
        }
        at.wrapping_add(left as u32).wrapping_add(1)
    }
}

/// Which records may come: for each wire type from 20 on eight bits with the fewest octets, and with how many more.
#[derive(Clone, Copy)]
struct May {
    fewest: u64,
    more: u64,
}

impl May {
    /// For short records [`length_fits`](super::record::length_fits) says the same.
    fn of(connection: &Connection, encrypted: bool) -> Self {
        /// No short record has so many.
        const NONE: u64 = 0xff;
        let plain = connection.tls13 || !encrypted;
        let [ccs, alert, mut handshake, mut data] = match plain {
            true => [1, 1, 1, 0],
            false => [0; 4],
        };
        let mut others = [ccs, data];
        if connection.progress == State::New {
            // The first message is looked at by itself.
            (handshake, data, others) = (NONE, NONE, [NONE; 2]);
        } else if connection.tls13 {
            // No handshake record stands behind ServerHello in TLS 1.3 (RFC 8446 5.2).
            handshake = NONE;
        }
        let [ccs, heartbeat] = others;
        May {
            fewest: ccs | alert << 8 | handshake << 16 | data << 24 | heartbeat << 32,
            more: match plain {
                true => 0xfe_fefe_fe00,
                false => 0xfe_fefe_fefe,
            },
        }
    }

    #[inline(always)]
    fn be(self, place: u32, len: u16) -> bool {
        let fewest = self.fewest.wrapping_shr(place) as u8;
        let more = self.more.wrapping_shr(place) as u8;
        len.wrapping_sub(fewest.into()) <= more.into()
    }
}

/// What a record carries by its wire type, four bits each from 20 on.
const KINDS: u32 = Kind::ChangeCipherSpec as u32
    | (Kind::Alert as u32) << 4
    | (Kind::Handshake as u32) << 8
    | (Kind::ApplicationData as u32) << 12
    | (Kind::Heartbeat as u32) << 16;

impl Connection {
    /// Takes short records in, up to the first that has something against it or is not whole: those are for
    /// [`records`](Self::records) to take in. Says how many octets they have.
    pub(super) fn short_records<P: Payload>(
        &mut self,
        handshake: &mut Handshake,
        config: &Config,
        segment: &Segment,
        reader: &mut Reader<'_, P>,
        offset: u32,
    ) -> Result<u32, Reason> {
        let most = reader.records_left();
        let octets = reader.some(offset)?;
        let mut left = most;
        let taken = self.short_ones(handshake, config, segment, octets, &mut left);
        reader.records_begin(most.saturating_sub(left))?;
        taken
    }

    fn short_ones(
        &mut self,
        handshake: &mut Handshake,
        config: &Config,
        segment: &Segment,
        octets: &[u8],
        records: &mut u16,
    ) -> Result<u32, Reason> {
        let from = segment.from;
        let mut encrypted = handshake.is_encrypted(from);
        let mut may = May::of(self, encrypted);
        let end = self.sides.of(from).next().wrapping_add(octets.len() as u32);
        let mut messages = Messages::new();
        let mut headers = self.sides.of(from).headers;
        let mut rest = octets;
        let mut runs = Runs::default();
        // Eight bits for each wire type from 20 on: there are no more than 51 records in so few octets.
        let mut counts = 0_u64;
        let mut left = *records;
        let mut taken = Ok(());
        while left > 0 {
            let Some((&[wire @ 20..=24, 3, minor @ 0..=4, high, low], behind)) =
                rest.split_first_chunk()
            else {
                break;
            };
            let len = u16::from_be_bytes([high, low]);
            let Some((body, behind)) = behind.split_at_checked(len.into()) else {
                break;
            };
            let place = u32::from(wire.wrapping_sub(CHANGE_CIPHER_SPEC)).wrapping_mul(8);
            if !may.be(place, len) {
                break;
            }
            let at = octets.len().wrapping_sub(rest.len());
            let mut kind = KINDS.wrapping_shr(place / 2) & 0xf;
            let mut may_end = false;
            match wire {
                APPLICATION_DATA => {
                    headers.push_data(minor, len);
                    if let Some(flights) = handshake.content.flights() {
                        let encrypted = Encrypted {
                            from,
                            len,
                            end: end.wrapping_sub(behind.len() as u32),
                            ack: segment.ack,
                        };
                        let (told, done) = flights.whole(&encrypted, config);
                        if told == Kind::EncryptedHandshake {
                            handshake.add_in_doubt(encrypted.octets());
                        }
                        if done {
                            handshake.content.end();
                        }
                        kind = told as u32;
                        may_end = done;
                    }
                }
                HANDSHAKE if !encrypted => {
                    runs.push(at, kind);
                    let places = Places {
                        at: end.wrapping_sub(rest.len() as u32),
                        records: rest,
                    };
                    let mut with_these = headers;
                    let (number, behind) = messages.gather(rest, left, &mut with_these);
                    let read = handshake.octets(from, messages.octets(), &places);
                    if let Err(wrong) = read {
                        taken = Err(wrong);
                        break;
                    }
                    (headers, rest) = (with_these, behind);
                    left = left.wrapping_sub(number);
                    counts = counts.wrapping_add(u64::from(number) << 16);
                    self.goes_on(handshake, from, true);
                    may = May::of(self, encrypted);
                    continue;
                }
                _ => {
                    headers.push_no_data(len);
                    if wire == HANDSHAKE {
                        handshake.finished(from);
                        may_end = true;
                    } else if encrypted {
                        // Nothing of it can be read.
                    } else if wire == ALERT {
                        self.closed |= handshake.alerts(from, body);
                    } else if wire == CHANGE_CIPHER_SPEC {
                        handshake.change_cipher_spec(from);
                        encrypted = handshake.is_encrypted(from);
                        may = May::of(self, encrypted);
                    }
                }
            }
            runs.push(at, kind);
            counts = counts.wrapping_add(1_u64.wrapping_shl(place));
            left = left.wrapping_sub(1);
            rest = behind;
            if may_end && handshake.is_complete() {
                self.goes_on(handshake, from, true);
                if self.progress == State::Established {
                    break;
                }
            }
        }
        *records = left;
        let len = octets.len().saturating_sub(rest.len());
        let direction = self.sides.of_mut(from);
        runs.put(&mut direction.history, len);
        direction.headers = headers;
        for (wire, count) in (CHANGE_CIPHER_SPEC..).zip(counts.to_le_bytes()) {
            if count > 0 {
                direction.count_records(self.asides.of_mut(from), wire, count.into());
            }
        }
        if let Err((number, why)) = taken {
            self.take_before(from, rest, number);
            self.goes_on(handshake, from, false);
            return Err(why);
        }
        Ok(len as u32)
    }

    /// Takes those octets of handshake records in that stand before the octet of that number of their bodies.
    #[cold]
    fn take_before(&mut self, from: Side, octets: &[u8], number: usize) {
        let direction = self.sides.of_mut(from);
        let mut left = number;
        let mut rest = octets;
        while let Some(Whole {
            record,
            body,
            behind,
        }) = Whole::first(rest)
        {
            direction.header(record, Kind::Handshake);
            let taken = left.min(body.len());
            direction.body(self.asides.of_mut(from), taken as u32);
            if taken < body.len() {
                return;
            }
            left = left.saturating_sub(taken);
            rest = behind;
        }
    }
}
