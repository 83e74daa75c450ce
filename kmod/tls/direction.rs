// SPDX-License-Identifier: GPL-2.0-only
//! One direction of a connection: how far it was read, acknowledged and ended.

use super::headers::Headers;
use super::record::{Framing, Header, Record};
use super::search::Chain;
use super::sequence::{before, later, History, Kind};
use super::types::{Counters, PacketTypes, Payload, Reason};

/// Whether the direction's records can be followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Follow {
    /// Its first sequence number is not known yet.
    Unset,
    /// Where records begin is known.
    Records,
    /// It is known again, by a chain of record headers.
    Resynchronised,
    /// It is not known.
    Octets,
}

/// A direction of a connection.
#[derive(Clone, Debug)]
pub(super) struct Direction {
    bytes: u64,
    /// Complete records by wire type; they stay at the largest number.
    records: [u32; 5],
    first: u32,
    /// What the other side has acknowledged.
    acked: u32,
    /// The sequence number of the FIN, once there is one.
    fin: u32,
    fin_seen: bool,
    pub(super) history: History,
    pub(super) record: Record,
    /// What the record is; `Unknown` while its header does not tell yet.
    kind: Kind,
    /// Octets of a header that does not tell yet: they come behind the history's end.
    untyped: u8,
    pub(super) follow: Follow,
    /// Whether a whole record header was seen.
    pub(super) begun: bool,
    pub(super) chain: Chain,
    pub(super) headers: Headers,
}

impl Direction {
    /// Nothing known.
    pub(super) fn unset() -> Self {
        Direction {
            follow: Follow::Unset,
            ..Self::new(0)
        }
    }

    /// The sequence number of the first octet is known.
    pub(super) fn new(first: u32) -> Self {
        Direction {
            bytes: 0,
            records: [0; 5],
            first,
            acked: first,
            fin: 0,
            fin_seen: false,
            history: History::new(first),
            record: Record::new(),
            kind: Kind::Unknown,
            untyped: 0,
            follow: Follow::Records,
            begun: false,
            chain: Chain::default(),
            headers: Headers::default(),
        }
    }

    pub(super) fn first(&self) -> u32 {
        self.first
    }

    pub(super) fn acked(&self) -> u32 {
        self.acked
    }

    /// The sequence number that comes next.
    pub(super) fn next(&self) -> u32 {
        self.history.end().wrapping_add(u32::from(self.untyped))
    }

    pub(super) fn is_unset(&self) -> bool {
        self.follow == Follow::Unset
    }

    /// Whether where its records begin is known.
    pub(super) fn is_followed(&self) -> bool {
        matches!(self.follow, Follow::Records | Follow::Resynchronised)
    }

    pub(super) fn add_bytes(&mut self, octets: u32) {
        self.bytes = self.bytes.saturating_add(u64::from(octets));
    }

    /// Takes octets up to `end` in whose records are not known.
    pub(super) fn pass_over(&mut self, end: u32) {
        let octets = end.wrapping_sub(self.next());
        self.history.extend(octets, Kind::Unknown);
    }

    /// The other side's acknowledgement; false if it is for octets that were never seen here, so that they will not be
    /// sent again.
    pub(super) fn acknowledge(&mut self, ack: u32) -> bool {
        if self.is_unset() {
            return true;
        }
        if before(self.acked, ack) {
            self.acked = ack;
        }
        let next = self.next();
        let with_fin = self.fin() == Some(next) && ack == next.wrapping_add(1);
        !before(next, ack) || with_fin || self.follow == Follow::Octets
    }

    /// A packet with octets up to `end`, the last one of the direction if it has the FIN flag. False if a FIN has come
    /// before these octets.
    pub(super) fn ends_at(&mut self, end: u32, fin: bool, has_payload: bool) -> bool {
        if fin && !self.fin_seen {
            self.fin = end;
            self.fin_seen = true;
        }
        !(has_payload && self.fin().is_some_and(|fin| before(fin, end)))
    }

    /// Whether its FIN is acknowledged.
    pub(super) fn has_ended(&self) -> bool {
        self.fin().is_some_and(|fin| before(fin, self.acked))
    }

    fn fin(&self) -> Option<u32> {
        self.fin_seen.then_some(self.fin)
    }

    /// Takes an octet of a record header in.
    pub(super) fn header_octet(&mut self, octet: u8) -> Header {
        let header = self.record.header_octet(octet, !self.begun);
        match header {
            Header::Bad => return header,
            Header::Complete(_) => self.begun = true,
            Header::Type(_) | Header::Part => {}
        }
        match self.kind {
            Kind::Unknown => self.untyped = self.untyped.saturating_add(1),
            kind => self.history.extend(1, kind),
        }
        header
    }

    /// What the record is has become known.
    pub(super) fn decide(&mut self, kind: Kind) {
        self.kind = kind;
        self.history.extend(u32::from(self.untyped), kind);
        self.untyped = 0;
    }

    /// From where on octets that come again are compared: acknowledged ones are not, nor those whose type is forgotten.
    pub(super) fn compared_from(&self) -> u32 {
        later(self.acked, self.history.oldest())
    }

    /// Whether a header among the octets of a payload from `from` to `end`, which come again, is another than before.
    pub(super) fn headers_differ<P: Payload>(
        &self,
        payload: &P,
        seq: u32,
        from: u32,
        end: u32,
    ) -> Result<bool, Reason> {
        self.headers
            .differ(&self.record, self.next(), payload, seq, from, end)
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Takes octets of the record's body in; whether the record is complete.
    pub(super) fn body(&mut self, octets: u32) -> bool {
        self.history.extend(octets, self.kind);
        let complete = self.record.body(octets);
        if complete {
            self.kind = Kind::Unknown;
            if self.follow != Follow::Octets {
                self.count_record();
                self.headers.push(&self.record);
            }
        }
        complete
    }

    fn count_record(&mut self) {
        let place = usize::from(self.record.wire.wrapping_sub(20));
        if let Some(count) = self.records.get_mut(place) {
            *count = count.saturating_add(1);
        }
    }

    /// Whether the record's body is framed as in SSL 2.0.
    pub(super) fn is_sslv2(&self) -> bool {
        self.record.framing == Framing::Sslv2
    }

    pub(super) fn types(&self, seq: u32, len: u32) -> PacketTypes {
        self.history.types(seq, len)
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            bytes: self.bytes,
            records: self.records.map(u64::from),
        }
    }
}
