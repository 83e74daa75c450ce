// SPDX-License-Identifier: GPL-2.0-only
//! One direction of a connection: how far it was read, acknowledged and ended.

use super::cold::ColdState;
use super::follow::{Follow, Seen};
use super::record_header::{
    Framing, Header, Record, ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER,
};
use super::retransmitted_headers::Headers;
use super::runs::Runs;
use super::sequence::{before, History, Kind};
use super::types::{Counters, PacketTypes};

/// What the packet path touches of a direction. In the order of how often.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Direction {
    bytes: u64,
    /// What the other side has acknowledged.
    pub(super) acked: u32,
    /// Complete records of wire type application_data; like all counts they stay at the largest number.
    data_records: u32,
    pub(super) headers: Headers,
    pub(super) record: Record,
    /// What the record is; `Unknown` while its header does not tell yet.
    pub(super) kind: Kind,
    /// Bytes of a header that does not tell yet: they come after the history's end.
    untyped: u8,
    pub(super) follow: Follow,
    pub(super) seen: Seen,
    pub(super) history: History,
    /// Bytes that do not wait to be let through: of types that are not held, and all that came while a pin was there.
    passed: u64,
}

impl Direction {
    /// Bytes at its end that a run of data which goes on does not touch.
    pub(super) const COLD: usize = History::COLD + size_of::<u64>();

    /// Nothing known.
    pub(super) fn unset() -> Self {
        Direction {
            follow: Follow::Unset,
            ..Self::new(0)
        }
    }

    /// The sequence number of the first byte is known.
    pub(super) fn new(first: u32) -> Self {
        Direction {
            bytes: 0,
            history: History::new(first),
            acked: first,
            data_records: 0,
            headers: Headers::default(),
            record: Record::new(),
            kind: Kind::Unknown,
            untyped: 0,
            follow: Follow::Records,
            seen: Seen::default(),
            passed: 0,
        }
    }

    /// The sequence number that comes next.
    #[inline]
    pub(super) fn next(&self) -> u32 {
        self.history.end().wrapping_add(u32::from(self.untyped))
    }

    /// Whether bytes of a header have come that do not tell what its record is.
    pub(super) fn is_untyped(&self) -> bool {
        self.untyped > 0
    }

    /// Whether nothing is known of it, its first sequence number included.
    pub(super) fn is_unset(&self) -> bool {
        self.follow == Follow::Unset
    }

    /// Whether where its records begin is known.
    pub(super) fn is_followed(&self) -> bool {
        matches!(self.follow, Follow::Records | Follow::Resynchronised)
    }

    /// Counts new bytes of payload.
    #[inline]
    pub(super) fn add_bytes(&mut self, bytes: u32) {
        // No connection lives long enough for it to wrap.
        self.bytes = self.bytes.wrapping_add(u64::from(bytes));
    }

    /// Takes bytes in that are of a kind.
    #[inline(always)]
    pub(super) fn extend(&mut self, bytes: u32, kind: Kind) {
        self.history.extend(bytes, kind);
        // Of data, whose kind is a constant, there is nothing to be done.
        if kind.passes() {
            self.add_passed(bytes);
        }
    }

    /// So many bytes do not wait.
    #[inline]
    pub(super) fn add_passed(&mut self, bytes: u32) {
        self.passed = self.passed.saturating_add(bytes.into());
    }

    /// Takes runs of kinds in; `len`: bytes of all.
    pub(super) fn extend_by_runs(&mut self, runs: Runs, len: usize) {
        let passed = runs.put(&mut self.history, len);
        self.add_passed(passed);
    }

    /// Bytes of it that wait to be let through. What a header's first bytes belong to that do not tell yet is not known.
    pub(super) fn waiting(&self) -> u64 {
        let known = self.bytes.saturating_sub(self.untyped.into());
        known.saturating_sub(self.passed)
    }

    /// From here on what comes waits, and what the other side has not acknowledged: rules may have held it.
    pub(super) fn waits_from_here(&mut self) {
        self.passed = self.acknowledged();
    }

    /// Bytes that the other side has not acknowledged, without those of a header that does not tell yet.
    pub(super) fn outstanding(&self) -> u32 {
        match before(self.history.end(), self.acked) {
            true => 0,
            false => self.history.end().wrapping_sub(self.acked),
        }
    }

    fn acknowledged(&self) -> u64 {
        self.bytes.saturating_sub(self.outstanding().into())
    }

    /// What comes again of what is not acknowledged is not known, and waits, from here on.
    pub(super) fn hold_outstanding(&mut self) {
        self.history.unknown_from(self.acked);
        self.passed = self.passed.min(self.acknowledged());
    }

    /// The stream has come to `next`, and what was sent up to there is of no interest any longer.
    #[cold]
    pub(super) fn take_up(&mut self, next: u32) {
        self.add_bytes(next.wrapping_sub(self.next()));
        self.history = History::new(next);
        self.acked = next;
        self.untyped = 0;
    }

    /// Takes bytes up to `end` in whose records are not known.
    pub(super) fn pass_over(&mut self, end: u32) {
        let bytes = end.wrapping_sub(self.next());
        self.extend(bytes, Kind::Unknown);
    }

    /// From here on where records begin is not known.
    pub(super) fn lose(&mut self, cold: &mut ColdState) {
        if !self.is_followed() {
            return;
        }
        self.decide(Kind::Unknown);
        // What comes again is compared no longer: what is not acknowledged could be something else then.
        self.hold_outstanding();
        self.follow = Follow::Bytes;
        self.seen.set_begun();
        self.begin_again(cold);
    }

    /// Forgets the chain that was followed.
    pub(super) fn begin_again(&mut self, cold: &mut ColdState) {
        self.record = Record::new();
        self.headers = Headers::default();
        cold.chain.breaks();
    }

    /// Bytes that a lost direction will not see: the chain goes on only if they are of a record's body.
    pub(super) fn pass_hole(&mut self, cold: &mut ColdState, bytes: u32) {
        if self.record.header_left() == 0 && bytes <= self.record.body_left() {
            self.body(cold, bytes);
        } else {
            self.decide(Kind::Unknown);
            self.begin_again(cold);
            self.pass_over(self.next().wrapping_add(bytes));
        }
    }

    /// The other side's acknowledgement; false if it is for bytes that were never seen here, so that they will not be
    /// sent again.
    #[inline]
    pub(super) fn acknowledge(&mut self, cold: &ColdState, ack: u32) -> bool {
        if ack == self.acked || self.is_unset() {
            return true;
        }
        if before(self.acked, ack) {
            self.acked = ack;
        }
        let next = self.next();
        // A FIN takes one number up (RFC 9293 3.4).
        let with_fin = self.seen.has_fin() && cold.fin == next && ack == next.wrapping_add(1);
        !before(next, ack) || with_fin || self.follow == Follow::Bytes
    }

    /// Whether a packet with bytes up to `end` lies before what was sent and acknowledged, so that the receiver drops
    /// it, and a FIN with it (RFC 9293 3.10.7.4, first check). Conntrack lets those pass that somebody else makes up blindly.
    pub(super) fn is_old(&self, end: u32) -> bool {
        before(end, self.acked) && before(end, self.next())
    }

    /// A packet with bytes up to `end`, the last one of the direction if it has the FIN flag. False if a FIN stands
    /// before these bytes, or before others that have come.
    pub(super) fn ends_at(
        &mut self,
        cold: &mut ColdState,
        end: u32,
        fin: bool,
        has_payload: bool,
    ) -> bool {
        if fin && !self.seen.has_fin() {
            cold.fin = end;
            self.seen.set_fin();
        }
        let is_beyond = |bytes_end| self.seen.has_fin() && before(cold.fin, bytes_end);
        !(is_beyond(self.next()) || has_payload && is_beyond(end))
    }

    /// Whether its FIN is acknowledged.
    pub(super) fn has_ended(&self, cold: &ColdState) -> bool {
        self.seen.has_fin() && before(cold.fin, self.acked)
    }

    /// Takes a byte of a record header in.
    pub(super) fn header_byte(&mut self, byte: u8) -> Header {
        let header = self.record.header_byte(byte, !self.seen.has_begun());
        match header {
            Header::Bad => return header,
            Header::Complete(_) => self.seen.set_begun(),
            Header::Type(_) | Header::Part => {}
        }
        match self.kind {
            Kind::Unknown => self.untyped = self.untyped.saturating_add(1),
            kind => self.extend(1, kind),
        }
        header
    }

    /// Takes a whole header in where one begins: what [`header_byte`](Self::header_byte) does byte by byte. `kind`:
    /// what its first byte tells.
    #[inline]
    pub(super) fn header(&mut self, record: Record, kind: Kind) {
        self.record = record;
        self.kind = kind;
        match kind {
            Kind::Unknown => self.untyped = HEADER,
            kind => self.extend(HEADER.into(), kind),
        }
    }

    /// Records were taken in together; those bytes begin with the last of them.
    #[inline]
    pub(super) fn records_end(&mut self, last: &[u8]) {
        if let Some(record) = last.first_chunk().copied().and_then(Record::of_header) {
            self.record = record;
            self.record.ends();
        }
    }

    /// What the record is has become known.
    pub(super) fn decide(&mut self, kind: Kind) {
        self.kind = kind;
        self.extend(u32::from(self.untyped), kind);
        self.untyped = 0;
    }

    /// The handshake is over: a header that has begun and does not tell yet is of data.
    pub(super) fn decide_open(&mut self) {
        if self.follow != Follow::Records {
            return;
        }
        if self.untyped > 0 {
            self.decide(Kind::ApplicationData);
        }
        // What was said at its first byte holds for no more than has come.
        let is_in_header = self.record.header_read() > 0 && self.record.header_left() > 0;
        if is_in_header && self.kind == Kind::EncryptedHandshake {
            self.kind = Kind::ApplicationData;
        }
    }

    /// Takes bytes of the record's body in; whether the record is complete.
    #[inline]
    pub(super) fn body(&mut self, cold: &mut ColdState, bytes: u32) -> bool {
        self.extend(bytes, self.kind);
        let complete = self.record.body(bytes);
        if complete {
            self.kind = Kind::Unknown;
            if self.follow != Follow::Bytes {
                self.count_records(cold, self.record.wire, 1);
                self.headers.push(&self.record);
            }
        }
        complete
    }

    /// So many records of a type are complete.
    #[inline]
    pub(super) fn count_records(&mut self, cold: &mut ColdState, wire: u8, records: u16) {
        if wire == APPLICATION_DATA {
            self.data_records = self.data_records.saturating_add(records.into());
            return;
        }
        let [ccs, alert] = &mut cold.few_records;
        let [handshake, heartbeat] = &mut cold.records;
        let few = u8::try_from(records).unwrap_or(u8::MAX);
        match wire {
            CHANGE_CIPHER_SPEC => *ccs = ccs.saturating_add(few),
            ALERT => *alert = alert.saturating_add(few),
            HANDSHAKE => *handshake = handshake.saturating_add(records),
            _ => *heartbeat = heartbeat.saturating_add(records),
        }
    }

    /// All bytes of an application_data record's body have come.
    #[inline(always)]
    pub(super) fn data_record_ends(&mut self) {
        self.kind = Kind::Unknown;
        self.count_data_record(self.record.minor, self.record.len());
        self.record.ends();
    }

    /// A record of data was complete.
    #[inline(always)]
    pub(super) fn count_data_record(&mut self, minor: u8, len: u16) {
        self.data_records = self.data_records.saturating_add(1);
        self.headers.push_data(minor, len);
    }

    /// So many bytes of the body have come, and more will.
    #[inline]
    pub(super) fn data_record_goes_on(&mut self, bytes: u32) {
        self.kind = Kind::ApplicationData;
        self.record.goes_on(bytes);
    }

    /// Whether the record's body is framed as in SSL 2.0.
    pub(super) fn is_sslv2(&self) -> bool {
        self.record.framing == Framing::Sslv2
    }

    /// The types of `len` bytes from `seq` on, as they are stored.
    #[inline(always)]
    pub(super) fn types(&self, seq: u32, len: u32) -> PacketTypes {
        match self.follow {
            Follow::Records if self.untyped > 0 => {
                let wire = self.record.wire_type();
                self.history
                    .types_with_header(seq, len, self.untyped.into(), wire)
            }
            // What may begin a header where records are looked for need not be one.
            _ => self.history.types(seq, len),
        }
    }

    /// Bytes of payload and whole records so far.
    pub(super) fn counters(&self, cold: &ColdState) -> Counters {
        let [ccs, alert] = cold.few_records.map(u64::from);
        let [handshake, heartbeat] = cold.records.map(u64::from);
        Counters {
            bytes: self.bytes,
            records: [
                ccs,
                alert,
                handshake,
                u64::from(self.data_records),
                heartbeat,
            ],
        }
    }
}
