// SPDX-License-Identifier: GPL-2.0-only
//! Bytes that come again, the same or not, before they are acknowledged and afterwards.

mod common;

use common::*;
use proptest::prelude::*;
use tlsconn_tls::{
    Connection, Handshake, HandshakeSlot, Piece, Reason, Segment, Side, Side::Dst, Side::Src,
    State, Types,
};

const SECRET: [u64; 2] = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];

fn keyed() -> Wire {
    Wire {
        handshake: Handshake::keyed(SECRET),
        ..Wire::default()
    }
}

/// A wire on which a side's bytes come again.
struct Again {
    wire: Wire,
    from: Side,
    seq: u32,
    octets: Vec<u8>,
}

impl Again {
    /// Sends bytes cut every `step`, none of them acknowledged.
    fn new(mut wire: Wire, from: Side, octets: Vec<u8>, step: usize) -> Self {
        let seq = wire.next[from as usize];
        for piece in octets.chunks(step) {
            wire.send(from, piece);
        }
        assert_eq!(wire.connection.reason(), Reason::None);
        Again {
            wire,
            from,
            seq,
            octets,
        }
    }

    /// The bytes from `start` to `end` once more, that at `other` changed, on a copy of the wire.
    fn resent(&self, start: usize, end: usize, other: Option<(usize, u8)>) -> Reason {
        let mut wire = self.wire.clone();
        let mut octets = self.octets.clone();
        if let Some((at, flip)) = other {
            octets[at] ^= flip;
        }
        let segment = Segment {
            seq: self.seq.wrapping_add(start as u32),
            ..wire.segment(self.from)
        };
        wire.take(&segment, &octets[start..end]);
        if wire.connection.reason() == Reason::None {
            assert_ne!(wire.connection.state(), State::Tainted);
        } else {
            assert_eq!(wire.connection.state(), State::Tainted);
            let len = end - start;
            assert_eq!(
                wire.types(self.from, segment.seq, len).content,
                Types::UNKNOWN
            );
        }
        wire.connection.reason()
    }
}

fn short_hello() -> Vec<u8> {
    let mut hello = Hello::client13();
    hello.extensions.retain(|(extension, _)| *extension != 51);
    hello.as_client().octets
}

fn established() -> Wire {
    let mut wire = keyed();
    let flight = [23, 795, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[&[hello, ccs()][..], &flight].concat());
    wire.records(Src, &[ccs(), handshake23(53)]);
    wire.ack(Dst, false);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

fn established12() -> Wire {
    let mut wire = keyed();
    let turns = common::tls12::full(Hello::client(), common::tls12::server12());
    wire.play(&turns, &whole);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

#[test]
fn any_other_octet_of_a_hello_however_it_is_cut() {
    let hello = short_hello();
    let len = hello.len();
    assert!(len <= 256, "{len}");
    for step in [1, 7, 100, len] {
        let again = Again::new(keyed(), Src, hello.clone(), step);
        for at in 0..len {
            for (start, end) in [(0, len), (at, at + 1), (at / 2, len), (0, at + 1)] {
                assert_eq!(again.resent(start, end, None), Reason::None);
                for flip in [1, 0x80, 0xff] {
                    let reason = again.resent(start, end, Some((at, flip)));
                    assert_eq!(reason, Reason::ResentDifferently, "{at} in {start}..{end}");
                }
            }
        }
    }
}

#[test]
fn long_flights_too() {
    let mut wire = keyed();
    wire.records(Src, &[Hello::client13().as_client()]);
    let mut flight = vec![Hello::server13(SHA256_SUITE).as_server(), ccs()];
    flight.extend([23, 9000, 281, 53].map(handshake23));
    let octets = octets(&flight);
    let len = octets.len();
    for step in [1448, 333] {
        let again = Again::new(wire.clone(), Dst, octets.clone(), step);
        for at in (0..len).step_by(37) {
            let (start, end) = (at.saturating_sub(200), len.min(at + 200));
            for (start, end) in [(0, len), (start, end)] {
                assert_eq!(again.resent(start, end, None), Reason::None);
                let reason = again.resent(start, end, Some((at, 1)));
                assert_eq!(reason, Reason::ResentDifferently, "{at} in {start}..{end}");
            }
        }
    }
}

#[test]
fn octet_by_octet_far_from_the_ends() {
    let mut wire = keyed();
    wire.records(Src, &[Hello::client13().as_client()]);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    let octets = octets(&[hello, handshake23(9000)]);
    let again = Again::new(wire, Dst, octets, 1448);
    for at in [50_usize, 3000, 9000] {
        let mut wire = again.wire.clone();
        let mut other = again.octets.clone();
        other[at] ^= 1;
        for place in at.saturating_sub(100)..at + 100 {
            let segment = Segment {
                seq: again.seq + place as u32,
                ..wire.segment(Dst)
            };
            wire.take(&segment, &other[place..=place]);
        }
        assert_eq!(wire.connection.reason(), Reason::ResentDifferently, "{at}");
    }
}

#[test]
fn data_may_be_another_but_its_header_may_not() {
    let lens = [100, 40, 300, 5, 60, 3000, 9, 1, 16, 70, 60, 7];
    let records = lens.map(data);
    let stream = octets(&records);
    let last = stream.len() - 12;
    let again = Again::new(established(), Src, stream, 500);
    let mut start = 0;
    for (number, record) in records.iter().enumerate() {
        let len = record.octets.len();
        for at in start..start + len {
            let kept = number > 3 && at < start + 5;
            let expected = match kept {
                true => Reason::ResentDifferently,
                // A record that is too far back, or a body.
                false => Reason::None,
            };
            for (start, end) in [(0, last + 12), (at, at + 1)] {
                assert_eq!(again.resent(start, end, Some((at, 4))), expected, "{at}");
            }
        }
        start += len;
    }
    // A header that is not whole yet.
    let again = Again::new(established(), Src, vec![23, 3, 3, 1], 1);
    for at in 0..4 {
        assert_eq!(again.resent(0, 4, Some((at, 1))), Reason::ResentDifferently);
        assert_eq!(again.resent(0, 4, None), Reason::None);
    }
}

#[test]
fn other_types_than_data_when_established() {
    // TLS 1.3 has none but heartbeats then.
    let alert = record(21, &[9; 20], ALERT);
    let short = record(24, &[9; 20], Types::HEARTBEAT);
    let heartbeat = record(24, &[8; 300], Types::HEARTBEAT);
    for (wire, other) in [(established12(), alert), (established(), short)] {
        let stream = octets(&[data(600), other, data(500), heartbeat.clone(), data(400)]);
        let again = Again::new(wire, Src, stream, 100);
        let len = again.octets.len();
        for (at, expected) in [
            (300, Reason::None),
            (605 + 7, Reason::ResentDifferently),
            (605 + 25 + 200, Reason::None),
            (605 + 25 + 505 + 250, Reason::ResentDifferently),
            (len - 3, Reason::None),
        ] {
            assert_eq!(again.resent(0, len, Some((at, 1))), expected, "{at}");
            assert_eq!(again.resent(100, len, Some((at, 1))), expected, "{at}");
        }
    }
}

#[test]
fn headers_that_were_open_for_a_while() {
    // The client's Finished: its header tells nothing until it is complete.
    let mut wire = keyed();
    let flight = [23, 795, 281, 53].map(handshake23);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[&[hello, ccs()][..], &flight].concat());
    let finished = handshake23(53).octets;
    for step in [1, 3, 58] {
        let again = Again::new(wire.clone(), Src, finished.clone(), step);
        for at in 0..58 {
            assert_eq!(again.resent(0, 58, None), Reason::None);
            assert_eq!(
                again.resent(at, 58, Some((at, 2))),
                Reason::ResentDifferently
            );
        }
    }
}

#[test]
fn acknowledged_octets_are_not_compared() {
    let hello = short_hello();
    let len = hello.len();
    for acked in [1, 100, len - 1, len] {
        let mut again = Again::new(keyed(), Src, hello.clone(), len);
        let all = again.wire.next[0];
        again.wire.next[0] = again.seq + acked as u32;
        again.wire.ack(Dst, false);
        again.wire.next[0] = all;
        for at in 0..len {
            let expected = match at < acked {
                true => Reason::None,
                false => Reason::ResentDifferently,
            };
            assert_eq!(
                again.resent(0, len, Some((at, 1))),
                expected,
                "{at} of {acked}"
            );
        }
    }
    // A keepalive has an old byte, whichever.
    let mut wire = established();
    wire.records(Src, &[data(10)]);
    wire.ack(Dst, false);
    let keepalive = Segment {
        seq: wire.next[0] - 1,
        ..wire.segment(Src)
    };
    wire.take(&keepalive, &[0]);
    assert_eq!(wire.connection.reason(), Reason::None);
}

#[test]
fn other_octets_in_front_of_new_ones() {
    let mut hello = short_hello();
    let mut wire = keyed();
    wire.send(Src, &hello[..120]);
    wire.next[0] -= 70;
    hello[110] ^= 0x20;
    wire.send(Src, &hello[50..]);
    assert_eq!(wire.connection.reason(), Reason::ResentDifferently);
    assert_eq!(wire.handshake.identity.client, None);
}

#[test]
fn a_flight_that_is_never_acknowledged_as_a_whole() {
    // Each half is acknowledged when the next one has come.
    let mut wire = keyed();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.records(Dst, &[Hello::server13(SHA256_SUITE).as_server()]);
    let stream = octets(&[handshake23(16000), handshake23(16000), handshake23(16000)]);
    for (number, piece) in stream.chunks_exact(1000).enumerate() {
        let seq = wire.next[1];
        wire.send(Dst, piece);
        let behind = wire.next[1];
        wire.next[1] = seq;
        wire.ack(Src, false);
        wire.next[1] = behind;
        let again = Again {
            wire: wire.clone(),
            from: Dst,
            seq,
            octets: piece.to_vec(),
        };
        assert_eq!(again.resent(0, piece.len(), None), Reason::None);
        let changed = again.resent(0, piece.len(), Some((500, 1)));
        assert_eq!(changed, Reason::ResentDifferently, "{number}");
    }
}

#[test]
fn after_taint_nothing_is_compared_and_all_is_unknown() {
    let again = Again::new(keyed(), Src, short_hello(), 64);
    let mut wire = again.wire.clone();
    let segment = Segment {
        seq: again.seq,
        ..wire.segment(Src)
    };
    wire.take(&segment, &[23]);
    assert_eq!(wire.connection.reason(), Reason::ResentDifferently);
    wire.take(&segment, &again.octets);
    assert_eq!(wire.connection.state(), State::Tainted);
    assert_eq!(wire.types(Src, again.seq, 10).content, Types::UNKNOWN);
}

#[test]
fn numbers_that_wrap() {
    let mut wire = established();
    let many = data(16379).octets.repeat(32);
    // Once around, to the numbers that the hello had.
    while 1000_u32.wrapping_sub(wire.next[0]) > 1 << 20 {
        wire.send(Src, &many);
        wire.ack(Dst, false);
    }
    let again = Again::new(wire, Src, many.repeat(3), many.len());
    let hello = 1000_u32.wrapping_sub(again.seq) as usize;
    for (start, end) in [(hello - 10, hello + 3000), (hello, hello + 200)] {
        assert_eq!(again.resent(start, end, None), Reason::None);
    }
}

/// How many there are of those below.
const BEGUN: usize = 8;

/// Connections on which a side may send records that are kept: who sends them, and of which types they may be.
fn begun() -> Vec<(&'static str, Wire, Side, Vec<u8>)> {
    let mut hello = keyed();
    hello.records(Src, &[Hello::client13().as_client()]);
    let mut answered = hello.clone();
    let server = Hello::server13(SHA256_SUITE).as_server();
    answered.records(Dst, &[server, ccs(), handshake23(23)]);
    let mut asked = answered.clone();
    asked.records(Dst, &[62, 795, 281, 53].map(handshake23));
    vec![
        (
            "TLS 1.2, established",
            established12(),
            Src,
            vec![20, 21, 22, 24],
        ),
        (
            "TLS 1.2, established, server",
            established12(),
            Dst,
            vec![20, 21, 22, 24],
        ),
        ("TLS 1.3, established", established(), Src, vec![24]),
        ("TLS 1.3, established, server", established(), Dst, vec![24]),
        ("after ClientHello, server", hello, Dst, vec![22]),
        ("in the server's flight", answered, Dst, vec![20, 23]),
        ("after the server's Finished", asked.clone(), Dst, vec![23]),
        ("in the client's flight", asked, Src, vec![23]),
    ]
}

/// Records of such types, up to so many bytes; those that a direction takes without a word.
fn kept(wire: &Wire, from: Side, types: &[u8], lens: &[u16], most: usize) -> Vec<u8> {
    let mut octets: Vec<u8> = vec![];
    let mut after = wire.clone();
    for (number, len) in lens.iter().enumerate() {
        // Runs of a type: a direction's history has room for six of them.
        let wire_type = types[number / 16 % types.len()];
        let len = match wire_type {
            20 => 1,
            21 => 2,
            22 | 24 => 20 + usize::from(*len) % 3000,
            _ => 60 + usize::from(*len) % 3000,
        };
        let body: Vec<u8> = (0..len)
            .map(|at| (at as u8).wrapping_mul(37) ^ number as u8)
            .collect();
        // A message of a type that nobody reads, or bodies that are not read at all.
        let record = match wire_type {
            20 => ccs().octets,
            21 => record(21, &[1, 90], ALERT).octets,
            22 => {
                record(
                    22,
                    &[&[11, 0, (len >> 8) as u8, len as u8][..], &body].concat(),
                    HANDSHAKE,
                )
                .octets
            }
            other => record(other, &body, DATA).octets,
        };
        if octets.len() + record.len() > most {
            break;
        }
        let seq = after.next[from as usize];
        after.send(from, &record);
        if after.connection.reason() != Reason::None
            || after
                .types(from, seq, record.len())
                .content
                .intersects(DATA.union(Types::UNKNOWN))
        {
            break;
        }
        octets.extend(record);
    }
    octets
}

/// A stream in pieces, each with its place.
fn cut(len: usize, lens: &[usize]) -> Vec<(usize, usize)> {
    let mut at = 0;
    let mut pieces = vec![];
    for piece in lens.iter().cycle() {
        if at >= len {
            break;
        }
        let end = len.min(at + piece);
        pieces.push((at, end));
        at = end;
    }
    pieces
}

fn shuffled(mut pieces: Vec<(usize, usize)>, mut seed: u64) -> Vec<(usize, usize)> {
    for at in (1..pieces.len()).rev() {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        pieces.swap(at, (seed >> 33) as usize % (at + 1));
    }
    pieces
}

fn send_piece(
    wire: &mut Wire,
    from: Side,
    first: u32,
    octets: &[u8],
    (start, end): (usize, usize),
) -> Types {
    let segment = Segment {
        seq: first.wrapping_add(start as u32),
        ..wire.segment(from)
    };
    wire.take(&segment, &octets[start..end]);
    wire.types(from, segment.seq, end - start).content
}

fn passes(types: Types) -> bool {
    !types.intersects(DATA.union(Types::UNKNOWN))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    /// Whatever arrives in the place of other bytes that are not acknowledged taints, or does not read as what passes.
    #[test]
    fn others_in_their_place_do_not_pass(
        which in 0..BEGUN,
        lens in proptest::collection::vec(any::<u16>(), 1..60),
        first in proptest::collection::vec(1..3000_usize, 1..5),
        again in proptest::collection::vec(prop_oneof![1..9_usize, 1..3000_usize], 1..5),
        seed in any::<u64>(),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 1..=255_u8), 1..6),
        all in any::<bool>(),
    ) {
        let (what, mut wire, from, types) = begun().swap_remove(which);
        let was = kept(&wire, from, &types, &lens, 60_000);
        prop_assume!(!was.is_empty());
        let seq = wire.next[from as usize];
        for piece in cut(was.len(), &first) {
            wire.send(from, &was[piece.0..piece.1]);
        }
        prop_assert_eq!(wire.connection.reason(), Reason::None, "{}", what);
        let mut other = was.clone();
        if all {
            // Data in the place of all of it.
            other = record(23, &vec![0x55; was.len()], DATA).octets[..was.len()].to_vec();
        }
        for (at, flip) in flips {
            let at = at.index(other.len());
            other[at] ^= flip;
        }
        for piece in shuffled(cut(other.len(), &again), seed) {
            let types = send_piece(&mut wire, from, seq, &other, piece);
            let same = was[piece.0..piece.1] == other[piece.0..piece.1];
            prop_assert!(same || !passes(types), "{}: {:?} reads {:?}", what, piece, types);
            prop_assert!(same || wire.connection.state() == State::Tainted, "{}: {:?}", what, piece);
        }
    }

    /// What comes again as it was never taints, however it is cut, merged, overlapped and ordered.
    #[test]
    fn honest_octets_pass_again(
        which in 0..BEGUN,
        lens in proptest::collection::vec(any::<u16>(), 1..60),
        first in proptest::collection::vec(1..3000_usize, 1..5),
        again in proptest::collection::vec(prop_oneof![1..9_usize, 1..3000_usize, 1..60_000_usize], 1..5),
        overlap in 0..2000_usize,
        acked in any::<proptest::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let (what, mut wire, from, types) = begun().swap_remove(which);
        let was = kept(&wire, from, &types, &lens, 65_000);
        prop_assume!(!was.is_empty());
        let seq = wire.next[from as usize];
        for piece in cut(was.len(), &first) {
            wire.send(from, &was[piece.0..piece.1]);
        }
        for (number, (start, end)) in shuffled(cut(was.len(), &again), seed).into_iter().enumerate() {
            if number == 3 {
                let acked = seq.wrapping_add(acked.index(was.len()) as u32);
                let segment = Segment { ack: Some(acked), ..wire.segment(match from { Src => Dst, Dst => Src }) };
                wire.take(&segment, &[]);
            }
            let piece = (start.saturating_sub(overlap), (end + overlap).min(was.len()));
            let types = send_piece(&mut wire, from, seq, &was, piece);
            prop_assert_eq!(wire.connection.reason(), Reason::None, "{}: {:?}", what, piece);
            prop_assert!(passes(types), "{}: {:?} reads {:?}", what, piece, types);
        }
    }
}

#[test]
fn one_other_octet_anywhere_in_two_kib() {
    for (what, wire, from, types) in begun() {
        let was = kept(&wire, from, &types, &[700; 60], 2048);
        assert!(was.len() > 300, "{what}: {}", was.len());
        for step in [1, 100, 2048] {
            let again = Again::new(wire.clone(), from, was.clone(), step);
            for at in 0..was.len() {
                assert_eq!(again.resent(at, at + 1, None), Reason::None, "{what}");
                for flip in [1, 0x80] {
                    let reason = again.resent(at, at + 1, Some((at, flip)));
                    assert_eq!(reason, Reason::ResentDifferently, "{what}: {at}");
                }
            }
        }
    }
}

/// More than is kept: what comes again of the first part is not known, and no longer passes; the last part is compared.
#[test]
fn more_than_64_kib() {
    let (_, mut wire, from, _) = begun().swap_remove(0);
    let seq = wire.next[from as usize];
    let records: Vec<u8> = (0..8_u8)
        .flat_map(|number| record(22, &[number; 10_000], HANDSHAKE).octets)
        .collect();
    for piece in records.chunks(1448) {
        wire.send(from, piece);
    }
    assert_eq!(wire.connection.reason(), Reason::None);
    let end = records.len();
    let mut last = wire.clone();
    assert!(passes(send_piece(
        &mut last,
        from,
        seq,
        &records,
        (end - 65_536, end)
    )));
    let mut other = records.clone();
    other[end - 65_536] ^= 1;
    send_piece(&mut last, from, seq, &other, (end - 65_536, end - 65_535));
    assert_eq!(last.connection.reason(), Reason::ResentDifferently);
    let types = send_piece(&mut wire, from, seq, &records, (0, 100));
    assert!(!passes(types), "{types:?}");
    assert_eq!(wire.connection.reason(), Reason::None);
}

/// Without memory for what is outstanding handshakes complete where nothing comes again; what does come again waits.
#[test]
fn without_memory_for_octets() {
    struct NoPieces(Handshake);
    impl HandshakeSlot for NoPieces {
        fn get(&mut self) -> Option<&mut Handshake> {
            Some(&mut self.0)
        }
        fn make(&mut self) -> Option<&mut Handshake> {
            self.get()
        }
        fn piece(&mut self) -> Option<Box<Piece>> {
            None
        }
    }
    for turns in [
        handshake13(),
        common::tls12::full(Hello::client(), common::tls12::server12()),
    ] {
        let (mut wire, mut place) = (Wire::default(), NoPieces(Handshake::new()));
        let mut connection = Connection::opened(1000, 5000);
        let mut again = vec![];
        for (from, records) in &turns {
            let (segment, octets) = (wire.segment(*from), octets(records));
            connection.segment(&mut place, &wire.config, &segment, &Slice(&octets));
            let types = connection
                .types(*from, segment.seq, octets.len() as u32)
                .content;
            if !passes(types) {
                assert_eq!(connection.state(), State::Established);
                break;
            }
            let mut copy = connection.clone();
            copy.segment(&mut place, &wire.config, &segment, &Slice(&octets));
            again.push(copy.types(*from, segment.seq, octets.len() as u32).content);
            wire.take(&segment, &octets);
            wire.next[*from as usize] = segment.seq.wrapping_add(octets.len() as u32);
        }
        assert_eq!(connection.state(), State::Established);
        assert!(again.iter().all(|types| !passes(*types)), "{again:?}");
    }
}
