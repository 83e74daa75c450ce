// SPDX-License-Identifier: GPL-2.0-only
//! Short records of a handshake are taken in together: a packet may have very many, and one by one they take much longer.

use super::connection::Connection;
use super::content::Encrypted;
use super::handshake::Handshake;
use super::reader::Reader;
use super::record::{
    Record, ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER,
};
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

/// Which records may come.
struct May {
    /// A bit for each wire type, the lowest for 20.
    wires: u8,
    /// Nothing but data is encrypted.
    plain: bool,
}

impl May {
    fn of(connection: &Connection, encrypted: bool) -> Self {
        const ALL: u8 = 0b11111;
        const ALERTS: u8 = 0b10;
        const NO_HANDSHAKE: u8 = 0b11011;
        May {
            wires: match connection.progress {
                // The first message is looked at by itself.
                State::New => ALERTS,
                // No handshake record stands behind ServerHello in TLS 1.3 (RFC 8446 5.2).
                _ if connection.tls13 => NO_HANDSHAKE,
                _ => ALL,
            },
            plain: connection.tls13 || !encrypted,
        }
    }

    /// Whether a short record of that type and length may: for these [`length_fits`](super::record::length_fits) says the
    /// same.
    #[inline(always)]
    fn be(&self, wire: u8, len: u16) -> bool {
        let bit = 1_u8.wrapping_shl(u32::from(wire.wrapping_sub(CHANGE_CIPHER_SPEC)));
        let fits = match wire {
            CHANGE_CIPHER_SPEC => len == 1 || !self.plain,
            ALERT | HANDSHAKE => len > 0 || !self.plain,
            _ => true,
        };
        self.wires & bit != 0 && fits
    }
}

/// Records of one kind side by side that are not in the history yet.
struct Same {
    kind: Kind,
    wire: u8,
    records: u16,
    octets: u32,
}

impl Same {
    #[inline(always)]
    fn add(&mut self, octets: u32) {
        self.records = self.records.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets);
    }
}

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
        let mut headers = self.sides.of(from).headers;
        let mut rest = octets;
        let mut same = Same {
            kind: Kind::Unknown,
            wire: 0,
            records: 0,
            octets: 0,
        };
        while let Some(left) = records.checked_sub(1) {
            let Some((&[wire @ 20..=24, 3, minor @ 0..=4, high, low], behind)) =
                rest.split_first_chunk()
            else {
                break;
            };
            let len = u16::from_be_bytes([high, low]);
            let Some((body, behind)) = behind.split_at_checked(len.into()) else {
                break;
            };
            if !may.be(wire, len) {
                break;
            }
            let mut may_end = false;
            let kind = match wire {
                APPLICATION_DATA => {
                    headers.push_data(minor, len);
                    if handshake.content.is_settled() {
                        Kind::ApplicationData
                    } else {
                        may_end = true;
                        let encrypted = Encrypted {
                            from,
                            len,
                            end: end.wrapping_sub(behind.len() as u32),
                            ack: segment.ack,
                        };
                        handshake.kind_of_encrypted(&encrypted, config)
                    }
                }
                HANDSHAKE if !encrypted => {
                    self.take_same(from, &mut same);
                    self.sides.of_mut(from).headers = headers;
                    let taken = self.short_messages(handshake, from, rest, records)?;
                    headers = self.sides.of(from).headers;
                    may = May::of(self, encrypted);
                    rest = rest.get(taken..).unwrap_or_default();
                    continue;
                }
                _ => {
                    headers.push_no_data(len);
                    match wire {
                        CHANGE_CIPHER_SPEC => {
                            if !encrypted {
                                handshake.change_cipher_spec(from);
                                encrypted = handshake.is_encrypted(from);
                                may = May::of(self, encrypted);
                            }
                            Kind::ChangeCipherSpec
                        }
                        ALERT => {
                            if !encrypted {
                                self.closed |= handshake.alerts(from, body);
                            }
                            Kind::Alert
                        }
                        HANDSHAKE => {
                            handshake.finished(from);
                            may_end = true;
                            Kind::Handshake
                        }
                        _ => Kind::Heartbeat,
                    }
                }
            };
            if kind != same.kind {
                self.take_same(from, &mut same);
                (same.kind, same.wire) = (kind, wire);
            }
            same.add(u32::from(len).wrapping_add(HEADER.into()));
            *records = left;
            rest = behind;
            if may_end && handshake.is_complete() {
                self.goes_on(handshake, from, true);
                if self.progress == State::Established {
                    break;
                }
            }
        }
        self.take_same(from, &mut same);
        self.sides.of_mut(from).headers = headers;
        let taken = octets.len().saturating_sub(rest.len());
        Ok(taken as u32)
    }

    /// Records of one kind are in the history and counted from now on.
    fn take_same(&mut self, from: Side, same: &mut Same) {
        let direction = self.sides.of_mut(from);
        direction.history.extend(same.octets, same.kind);
        direction.count_records(self.asides.of_mut(from), same.wire, same.records);
        (same.records, same.octets) = (0, 0);
    }

    /// Takes plain-text handshake records in, the first of which may come here: their messages as if they stood in one.
    /// Says how many octets they are; `records` may still begin in the packet.
    fn short_messages(
        &mut self,
        handshake: &mut Handshake,
        from: Side,
        octets: &[u8],
        records: &mut u16,
    ) -> Result<usize, Reason> {
        let headers = self.sides.of(from).headers;
        let before = *records;
        let mut messages = [0; MESSAGES];
        let (mut rest, mut len) = (octets, 0_usize);
        while let Some(left) = records.checked_sub(1) {
            let Some(Whole {
                record,
                body,
                behind,
            }) = Whole::first(rest)
            else {
                break;
            };
            let end = len.saturating_add(body.len());
            let (HANDSHAKE, false, Some(to)) =
                (record.wire, body.is_empty(), messages.get_mut(len..end))
            else {
                break;
            };
            to.copy_from_slice(body);
            self.sides.of_mut(from).headers.push(&record);
            (rest, len) = (behind, end);
            *records = left;
        }
        let taken = octets.len().saturating_sub(rest.len());
        let places = Places {
            at: self.sides.of(from).next(),
            records: octets,
        };
        let messages = messages.get(..len).unwrap_or_default();
        if let Err((number, why)) = handshake.octets(from, messages, &places) {
            self.sides.of_mut(from).headers = headers;
            self.take_before(from, octets, number);
            self.goes_on(handshake, from, false);
            return Err(why);
        }
        let direction = self.sides.of_mut(from);
        direction.history.extend(taken as u32, Kind::Handshake);
        let number = before.saturating_sub(*records);
        direction.count_records(self.asides.of_mut(from), HANDSHAKE, number);
        self.goes_on(handshake, from, true);
        Ok(taken)
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
