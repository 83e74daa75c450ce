// SPDX-License-Identifier: GPL-2.0-only
//! How a stream is cut, in which order its segments come and what is sent again never matters; streams by proptest.

use crate::common::reorder::Reorder;
use crate::common::*;
use proptest::prelude::*;
use tlsconn_tls::{Handshake, PacketTypes, Reason, Segment, Side, Side::Dst, Side::Src, State};

/// A handshake and data after it.
#[derive(Clone, Debug)]
struct Shape {
    tls13: bool,
    suite: u16,
    retry: bool,
    psk: bool,
    asks_certificate: bool,
    has_certificate: bool,
    certificate: usize,
    /// Lengths of a client's records with a certificate, up to its Finished.
    certificate_flight: Vec<usize>,
    /// Lengths of what the server sends right after its Finished.
    tickets: Vec<usize>,
    name: Option<Vec<u8>>,
    session_id: Vec<u8>,
    /// Bytes of a record with plain-text handshake messages.
    record: usize,
    data: Vec<(bool, usize)>,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let flags = proptest::array::uniform5(any::<bool>());
    let suite = prop_oneof![Just(SHA256_SUITE), Just(SHA384_SUITE), Just(CCM_8_SUITE)];
    let name = proptest::option::of(proptest::collection::vec(any::<u8>(), 1..=255));
    let session_id = proptest::collection::vec(any::<u8>(), 0..=32);
    let record = prop_oneof![1..40_usize, 40..3000_usize];
    let data = proptest::collection::vec((any::<bool>(), 0..3000_usize), 0..6);
    let tickets = proptest::collection::vec(17..500_usize, 0..4);
    let lens = (200..9000_usize, certificate_flights(), tickets);
    (flags, suite, lens, name, session_id, record, data).prop_map(
        |(flags, suite, lens, name, session_id, record, data)| {
            let (certificate, certificate_flight, tickets) = lens;
            let [tls13, retry, psk, asks_certificate, has_certificate] = flags;
            Shape {
                tls13,
                suite,
                retry,
                psk,
                asks_certificate,
                has_certificate,
                certificate,
                certificate_flight,
                tickets,
                name,
                session_id,
                record,
                data,
            }
        },
    )
}

/// A Certificate of full records and perhaps a shorter one, and a CertificateVerify; none as short as a Finished.
fn certificate_flights() -> impl Strategy<Value = Vec<usize>> {
    let place = any::<prop::sample::Index>;
    (
        101..3000_usize,
        1..4_usize,
        proptest::option::of(place()),
        place(),
        any::<bool>(),
    )
        .prop_map(|(full, number, rest, verify, is_long)| {
            let shorter = |place: prop::sample::Index| 100 + place.index(full - 100);
            let mut lens = vec![full; number];
            lens.extend(rest.map(shorter));
            lens.extend(is_long.then_some(full));
            lens.push(shorter(verify));
            lens
        })
}

impl Shape {
    /// Handshake messages in records, fewer than a packet may have.
    fn records(&self, messages: &[Vec<u8>]) -> Vec<Record> {
        let bytes = messages.concat();
        let len = self.record.max(bytes.len().div_ceil(2000));
        bytes.chunks(len).map(plain).collect()
    }

    fn client(&self) -> Hello {
        let mut hello = if self.tls13 {
            Hello::client13()
        } else {
            Hello::client()
        };
        hello.extensions.retain(|(extension, _)| *extension != 0);
        hello.session_id.clone_from(&self.session_id);
        match &self.name {
            Some(name) => hello.sni(name),
            None => hello,
        }
    }

    fn turns(&self) -> Vec<Turn> {
        let hello = self.records(&[message(1, &self.client().client_body())]);
        let mut turns = vec![(Src, hello)];
        if self.tls13 {
            self.tls13(&mut turns);
        } else {
            self.tls12(&mut turns);
        }
        for &(from_client, len) in &self.data {
            let from = if from_client { Src } else { Dst };
            // The first of a TLS 1.3 server may still look like its flight if it comes right after; here it does not.
            turns.push((from, vec![data(len.max(17))]));
        }
        turns
    }

    fn tls12(&self, turns: &mut Vec<Turn>) {
        let finished = || record(22, &[0x16; 40], HANDSHAKE);
        let hello = Hello {
            cipher: 0xc02f,
            session_id: self.session_id.clone(),
            ..Hello::server()
        };
        let hello = message(2, &hello.server_body());
        if self.psk {
            let mut answer = self.records(&[hello]);
            answer.extend([ccs(), finished()]);
            turns.extend([(Dst, answer), (Src, vec![ccs(), finished()])]);
            return;
        }
        let messages = [
            hello,
            message(11, &vec![0x30; self.certificate]),
            message(14, &[]),
        ];
        turns.push((Dst, self.records(&messages)));
        let mut answer = self.records(&[message(16, &[4; 66])]);
        answer.extend([ccs(), finished()]);
        turns.push((Src, answer));
        let ticket = [&[0, 0, 1, 2][..], &vector16(&[7; 170])].concat();
        let mut end = self.records(&[message(4, &ticket)]);
        end.extend([ccs(), finished()]);
        turns.push((Dst, end));
    }

    fn tls13(&self, turns: &mut Vec<Turn>) {
        let finished = match self.suite {
            SHA384_SUITE => 69,
            CCM_8_SUITE => 45,
            _ => 53,
        };
        let hello = |hello: Hello| Hello {
            session_id: self.session_id.clone(),
            ..hello
        };
        if self.retry {
            let retry = hello(Hello::retry(self.suite));
            let mut answer = self.records(&[message(2, &retry.server_body())]);
            answer.push(ccs());
            turns.push((Dst, answer));
            turns.push((
                Src,
                self.records(&[message(1, &self.client().client_body())]),
            ));
        }
        let mut server = hello(Hello::server13(self.suite));
        let mut flight = vec![23];
        if self.psk {
            server = server.with(41, &[0, 0]);
        } else {
            flight.extend(self.asks_certificate.then_some(62));
            flight.extend([self.certificate, 281]);
        }
        flight.push(finished);
        let mut answer = self.records(&[message(2, &server.server_body())]);
        // There is one after the server's first message (RFC 8446 D.4).
        answer.extend((!self.retry).then(ccs));
        answer.extend(flight.into_iter().map(handshake23));
        answer.extend(self.tickets.iter().copied().map(doubt));
        turns.push((Dst, answer));
        let empty_certificate = finished - if self.suite == SHA384_SUITE { 44 } else { 28 };
        let lens = match (self.psk || !self.asks_certificate, self.has_certificate) {
            (true, _) => vec![],
            (false, true) => self.certificate_flight.clone(),
            (false, false) => vec![empty_certificate],
        };
        let mut records = vec![ccs()];
        records.extend(lens.into_iter().map(doubt));
        records.push(handshake23(finished));
        turns.push((Src, records));
    }
}

/// How a turn's segments are cut, ordered and sent again: numbers that are taken modulo what there is.
#[derive(Clone, Debug)]
struct Path {
    cuts: Vec<u16>,
    order: Vec<u16>,
    again: Vec<(u16, u16)>,
}

fn paths() -> impl Strategy<Value = Path> {
    (
        // No piece is empty: a turn has an end.
        proptest::collection::vec(prop_oneof![1..10_u16, 1..1449_u16, 1..=u16::MAX], 1..12),
        proptest::collection::vec(any::<u16>(), 1..12),
        proptest::collection::vec(any::<(u16, u16)>(), 0..4),
    )
        .prop_map(|(cuts, order, again)| Path { cuts, order, again })
}

fn play(turns: &[Turn], first: [u32; 2], path: &Path) -> Wire {
    let mut wire = Wire {
        handshake: Handshake::keyed([5, 6]),
        ..Wire::at(first[0], first[1])
    };
    let mut reorder = Reorder::default();
    let mut take = |wire: &mut Wire, segment: &Segment, bytes: &[u8]| {
        let Wire {
            connection,
            handshake,
            config,
            ..
        } = wire;
        reorder.take(connection, handshake, config, segment, bytes, 0);
    };
    for (from, records) in turns {
        let bytes = bytes(records);
        let all = wire.segment(*from);
        let at = |at: usize| Segment {
            seq: all.seq.wrapping_add(at as u32),
            ..all
        };
        let mut places = vec![];
        let mut start = 0;
        for cut in path.cuts.iter().cycle() {
            let end = bytes.len().min(start + usize::from(*cut));
            places.push((start, end));
            start = end;
            if start == bytes.len() {
                break;
            }
        }
        for (number, place) in path.order.iter().cycle().enumerate().take(places.len()) {
            let other = usize::from(*place) % places.len();
            places.swap(number, other);
        }
        for (start, end) in &places {
            take(&mut wire, &at(*start), &bytes[*start..*end]);
        }
        // Again, cut anew, before it is acknowledged.
        for (start, len) in &path.again {
            let start = usize::from(*start) % bytes.len();
            let end = bytes.len().min(start + usize::from(*len) % 3000);
            take(&mut wire, &at(start), &bytes[start..end]);
        }
        wire.next[*from as usize] = all.seq.wrapping_add(bytes.len() as u32);
    }
    wire
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn segmentation_never_matters(
        shape in shapes(),
        path in paths(),
        first in any::<[u32; 2]>(),
    ) {
        let turns = shape.turns();
        let mut whole_turns = Wire {
            handshake: Handshake::keyed([5, 6]),
            ..Wire::at(first[0], first[1])
        };
        whole_turns.play(&turns, &whole);
        prop_assert_eq!(whole_turns.connection.reason(), Reason::None);
        prop_assert_eq!(whole_turns.connection.state(), State::Established);
        let identity = whole_turns.handshake.identity;
        prop_assert_eq!(identity.sni.map(|s| s.as_slice().to_vec()), shape.name.clone());
        let id = identity.session_id.map(|id| id.as_slice().to_vec());
        prop_assert_eq!(id, Some(shape.session_id.clone()));
        prop_assert_eq!(identity.resumed, Some(shape.psk));

        let wire = play(&turns, first, &path);
        prop_assert_eq!(wire.connection.reason(), Reason::None);
        prop_assert_eq!(wire.connection.state(), State::Established);
        prop_assert_eq!(wire.handshake.identity, identity);
        prop_assert_eq!(wire.handshake.continues(), whole_turns.handshake.continues());
        prop_assert_eq!(wire.handshake.issued(), whole_turns.handshake.issued());
        for side in [Src, Dst] {
            prop_assert_eq!(wire.connection.counters(side), whole_turns.connection.counters(side));
        }
        check(&wire, first, &turns)?;
    }

    #[test]
    fn other_bytes_that_come_again_are_noticed(
        shape in shapes(),
        path in paths(),
        turn in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        // One byte of a turn, the whole of which comes again.
        let turns = shape.turns();
        let turn = turn.index(turns.len());
        let mut wire = play(&turns[..=turn], [7, 9], &path);
        let (from, records) = &turns[turn];
        let mut bytes = bytes(records);
        let start = wire.next[*from as usize].wrapping_sub(bytes.len() as u32);
        let place = place.index(bytes.len());
        let body_of_data = turn_type(records, place);
        bytes[place] ^= flip;
        let segment = Segment { seq: start, ..wire.segment(*from) };
        wire.take(&segment, &bytes);
        let expected = if body_of_data { Reason::None } else { Reason::ResentDifferently };
        prop_assert_eq!(wire.connection.reason(), expected);
    }
}

/// Whether a byte of these records is in the body of data.
fn turn_type(records: &[Record], mut place: usize) -> bool {
    for record in records {
        let len = record.bytes.len();
        if place < len {
            return record.content == DATA && place >= 5;
        }
        place -= len;
    }
    false
}

/// The last records of both sides have their types; those in front have too, or are forgotten.
fn check(wire: &Wire, first: [u32; 2], turns: &[Turn]) -> Result<(), TestCaseError> {
    let mut next = first;
    let type_of = |from: Side, seq: u32, len: usize| wire.types(from, seq, len);
    for (from, records) in turns {
        for record in records {
            let seq = &mut next[*from as usize];
            let expected = PacketTypes {
                content: record.content,
                wire: record.wire,
            };
            let is = type_of(*from, *seq, record.bytes.len());
            prop_assert_eq!(is, expected);
            *seq = seq.wrapping_add(record.bytes.len() as u32);
        }
    }
    Ok(())
}
