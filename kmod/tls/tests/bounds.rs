// SPDX-License-Identifier: GPL-2.0-only
//! The work of one packet is bounded, whatever a peer sends: records, and bytes that are read of the payload.

use crate::common::*;
use proptest::prelude::*;
use std::cell::Cell;
use tlsconn_tls::{Connection, Payload, Reason, Side, Side::Dst, Side::Src, State, Types};

/// A payload that counts how often it was read, and how many bytes.
struct Counting<'a> {
    bytes: Slice<'a>,
    calls: Cell<u32>,
    read: Cell<u32>,
}

impl Payload for Counting<'_> {
    fn len(&self) -> u32 {
        self.bytes.len()
    }

    fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        self.calls.set(self.calls.get() + 1);
        self.read.set(self.read.get() + to.len() as u32);
        self.bytes.read(offset, to)
    }
}

/// Sends a packet; the calls and the bytes that were read.
fn count(wire: &mut Wire, from: Side, bytes: &[u8]) -> (u32, u32) {
    let payload = Counting {
        bytes: Slice(bytes),
        calls: Cell::new(0),
        read: Cell::new(0),
    };
    let segment = wire.segment(from);
    wire.connection
        .segment(&mut wire.handshake, &wire.config, &segment, &payload);
    wire.next[from as usize] = segment.seq.wrapping_add(bytes.len() as u32);
    (payload.calls.get(), payload.read.get())
}

fn picked_up() -> Wire {
    Wire {
        connection: Connection::picked_up(),
        ..Wire::default()
    }
}

fn resynchronised() -> Wire {
    let mut wire = picked_up();
    wire.records(Src, &[data(10), data(10), data(10)]);
    assert_eq!(wire.connection.resynchronised(), 1);
    wire
}

/// A connection of TLS 1.2, where alerts are encrypted and none of them is looked into.
fn established12() -> Wire {
    let mut wire = Wire::default();
    let turns = tls12::resumed(Hello::client(), tls12::server12());
    wire.play(&turns[..2], &whole);
    wire.records(Src, &[ccs(), tls12::finished12()]);
    assert_eq!(wire.connection.state(), State::Established);
    wire
}

/// After a ClientHello, or a server's flight.
fn begun(turns: usize) -> Wire {
    let mut wire = Wire::default();
    wire.play(&handshake13()[..turns], &whole);
    wire
}

/// Within a server's flight.
fn in_flight() -> Wire {
    let mut wire = begun(1);
    let hello = Hello::server13(SHA256_SUITE).as_server();
    wire.records(Dst, &[hello, ccs(), handshake23(23)]);
    wire
}

fn repeat(unit: &[u8], len: usize) -> Vec<u8> {
    unit.iter().copied().cycle().take(len).collect()
}

/// As many records as a packet may have.
const MOST: usize = 2048;

#[test]
fn a_packet_of_2048_records_is_followed_and_one_more_loses_the_direction() {
    for (what, wire, wire_type, len) in [
        ("data", established(), 23, 1),
        ("data of no bytes", established(), 23, 0),
        ("alerts up to TLS 1.2", established12(), 21, 19),
        ("heartbeats", established(), 24, 19),
        ("early data", begun(1), 23, 1),
        ("change_cipher_spec", begun(2), 20, 1),
    ] {
        let unit = record(wire_type, &vec![0x55; len], DATA).bytes;
        let state = wire.connection.state();
        for begins in [false, true] {
            let mut wire = wire.clone();
            if begins {
                // Its last byte comes before the others and is of no record that begins in their packet.
                if unit.len() == 5 {
                    continue;
                }
                wire.send(Src, &unit[..unit.len() - 1]);
            }
            let front = if begins { &unit[unit.len() - 1..] } else { &[] };
            let mut most = wire.clone();
            most.send(Src, &[front, &unit.repeat(MOST)].concat());
            assert_eq!(most.connection.reason(), Reason::None, "{what}");
            assert_eq!(most.connection.state(), state, "{what}");
            // In packets of their own, as many as one likes.
            most.send(Src, &unit.repeat(MOST));
            assert_eq!(most.connection.reason(), Reason::None, "{what}");

            let seq = wire.next[0];
            let more = [front, &unit.repeat(MOST + 1)].concat();
            wire.send(Src, &more);
            assert_eq!(wire.connection.reason(), Reason::TooManyRecords, "{what}");
            assert_eq!(wire.connection.state(), State::Lost, "{what}");
            // Nothing of it is acknowledged yet: it may come again as something else.
            assert_eq!(wire.types(Src, seq, more.len()), both(Types::UNKNOWN));
            let counters = wire.connection.counters(Src);
            assert_eq!(counters.bytes, u64::from(wire.next[0] - 1000), "{what}");
        }
    }
}

#[test]
fn a_mixed_packet_counts_all_of_its_records() {
    let heartbeat = record(24, &[0x55; 9], DATA).bytes;
    for number in [0, 1, 60, 63, 64, 65, 1000] {
        let packet = |after: usize| {
            let data = data(1).bytes;
            [data.repeat(number), heartbeat.clone(), data.repeat(after)].concat()
        };
        let mut wire = established();
        // The fast path is for those of a confirmed identity.
        wire.ack(Dst, false);
        let mut more = wire.clone();
        wire.send(Src, &packet(MOST - number - 1));
        assert_eq!(wire.connection.reason(), Reason::None, "{number}");
        more.send(Src, &packet(MOST - number));
        assert_eq!(more.connection.reason(), Reason::TooManyRecords, "{number}");
        // The counts say what came in front, the Finished too.
        assert_eq!(wire.connection.counters(Src).records[3], MOST as u64);
        assert_eq!(more.connection.counters(Src).records[3], MOST as u64);
    }
}

/// Records that take longer to look at count as more, during a handshake and where they are kept; who sends the smallest ones
/// there are in packets of a usual size loses nothing.
#[test]
fn records_that_take_longer_count_as_more() {
    let turns = [record(22, &[0], HANDSHAKE).bytes, ccs().bytes].concat();
    let mixed = [data(3).bytes, record(24, &[0x55; 3], DATA).bytes].concat();
    let warning = record(21, &[1, 90], ALERT).bytes;
    let kept = record(22, &[0x55; 20], HANDSHAKE).bytes;
    for (what, wire, from, unit, most) in [
        ("messages in turns", begun(1), Dst, turns, 340),
        ("types in turns", begun(1), Src, mixed, 512),
        ("alerts in plain text", begun(1), Src, warning, 1024),
        (
            "records of flights",
            in_flight(),
            Dst,
            handshake23(30).bytes,
            512,
        ),
        (
            "records of flights, as small as stacks make them",
            in_flight(),
            Dst,
            handshake23(80).bytes,
            682,
        ),
        (
            "records that are kept",
            established12(),
            Src,
            kept.clone(),
            1024,
        ),
        ("messages that are kept", begun(1), Dst, kept, 1024),
    ] {
        let state = wire.connection.state();
        let mut more = wire.clone();
        more.send(from, &unit.repeat(most * 3 / 2));
        assert_eq!(more.connection.reason(), Reason::TooManyRecords, "{what}");
        let mut few = wire;
        few.send(from, &unit.repeat(most));
        assert_eq!(few.connection.reason(), Reason::None, "{what}");
        // Its records may all come so, a packet of a usual size at a time.
        for piece in unit.repeat(most * 3).chunks(1448) {
            few.send(from, piece);
        }
        assert_eq!(few.connection.reason(), Reason::None, "{what}");
        assert_eq!(few.connection.state(), state, "{what}");
    }
}

#[test]
fn only_its_direction_is_lost_and_finds_its_way_back() {
    let mut wire = established();
    let tiny = data(1).bytes.repeat(87_000);
    wire.send(Src, &tiny);
    assert_eq!(wire.connection.reason(), Reason::TooManyRecords);
    wire.records(Dst, &[data(100)]);
    assert_eq!(wire.types(Dst, wire.next[1] - 105, 105), both(DATA));
    for _ in 0..4 {
        wire.records(Src, &[data(100)]);
    }
    assert_eq!(wire.types(Src, wire.next[0] - 105, 105), both(DATA));
    assert_eq!(wire.connection.resynchronised(), 1);
    // Again, lost once more, and back.
    wire.send(Src, &tiny);
    assert_eq!(wire.types(Src, wire.next[0] - 6, 6), both(Types::UNKNOWN));
    assert_eq!(wire.connection.resynchronised(), 0);
    for _ in 0..4 {
        wire.records(Src, &[data(100)]);
    }
    assert_eq!(wire.types(Src, wire.next[0] - 105, 105), both(DATA));
    assert_eq!(wire.connection.reason(), Reason::TooManyRecords);
}

/// Bytes in which no chain is found, made to cost much.
fn without_chain() -> Vec<Vec<u8>> {
    vec![
        b"text".to_vec(),
        vec![0x17],
        vec![0x17, 3],
        vec![0x17, 3, 3],
        vec![0x17, 3, 3, 0, 0],
        vec![0x17, 3, 3, 0xff, 0xff],
        [data(1).bytes.repeat(2), vec![0]].concat(),
        [data(1).bytes, vec![0x55; 400]].concat(),
    ]
}

/// Those, and others.
fn units() -> Vec<Vec<u8>> {
    let mut units = without_chain();
    units.extend([
        data(1).bytes,
        record(22, &[0x17], DATA).bytes,
        [data(1).bytes.repeat(3), vec![0x17, 3, 3, 0xff, 0xff]].concat(),
        [data(1).bytes.repeat(3), vec![0x19]].concat(),
        data(130).bytes,
        data(300).bytes,
    ]);
    units
}

#[test]
fn no_packet_has_more_read_of_it_than_there_is_a_bound_for() {
    for unit in units() {
        for len in [1448, 1 << 14, 1 << 16, 1 << 19] {
            let bytes = repeat(&unit, len);
            for (what, from, mut wire) in [
                ("lost", Src, picked_up()),
                ("resynchronised", Src, resynchronised()),
                ("established", Src, established()),
                ("hello", Src, begun(1)),
                ("server", Dst, begun(1)),
                ("client", Src, begun(2)),
            ] {
                for number in 0..4 {
                    let (calls, read) = count(&mut wire, from, &bytes);
                    let why = format!("{what}, {unit:02x?} of {len}, packet {number}");
                    // A header for each record, or a window for several; and what is searched, window by window.
                    assert!(calls <= 2 * 2048 + 1024, "{calls} times: {why}");
                    assert!(
                        read <= 2 * len as u32 + 512,
                        "read {read} bytes of {len}: {why}"
                    );
                    let searched = (1 << 16) + 2048 * 258;
                    assert!(read <= searched, "read {read} bytes: {why}");
                    if unit.len() <= 6 {
                        // Records of so few bytes, or candidates of fewer.
                        assert!(read <= (1 << 16) + 2048 * 8, "read {read} bytes: {why}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_search_of_a_stream_that_is_not_tls_ends() {
    for unit in without_chain() {
        for len in [500, 1448, 1 << 16] {
            let mut wire = picked_up();
            let bytes = unit.repeat(len / unit.len());
            let (mut sent, mut read) = (0, 0);
            while sent < 4 << 20 {
                read += count(&mut wire, Src, &bytes).1;
                sent += bytes.len() as u32;
            }
            assert_eq!(wire.connection.resynchronised(), 0);
            // All of the beginning, then a sixteenth, and a little more at its edges; some bytes twice.
            let searched = 2 * ((1 << 15) + sent / 16 + (1 << 15));
            assert!(read < searched, "{unit:02x?}: {read} of {searched}");
        }
    }
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<[u8; 7]>().prop_map(|bytes| bytes.to_vec()),
        (0..9_usize, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        (19..=25_u8).prop_map(|byte| vec![byte]),
        (19..=25_u8, 2..=4_u8).prop_map(|(wire, major)| vec![wire, major]),
        (19..=25_u8, 0..=6_u8).prop_map(|(wire, minor)| vec![wire, 3, minor]),
        (20..=24_u8, any::<u16>()).prop_map(|(wire, len)| {
            let [high, low] = len.to_be_bytes();
            vec![wire, 3, 3, high, low]
        }),
        (20..=24_u8, 0..40_usize, any::<u8>())
            .prop_map(|(wire, len, byte)| { record(wire, &vec![byte; len], DATA).bytes }),
        (1..5_usize, 1..40_usize).prop_map(|(number, len)| data(len).bytes.repeat(number)),
        (0..300_usize).prop_map(|len| vec![0x55; len]),
    ];
    proptest::collection::vec(piece, 1..60).prop_map(|pieces| pieces.concat())
}

/// The type of each byte as it stands after the stream, and what was counted.
fn read(bytes: &[u8], first: u32, lens: &[usize]) -> (Vec<Types>, [u64; 5]) {
    let mut wire = Wire {
        connection: Connection::picked_up(),
        ..Wire::at(first, 5000)
    };
    let mut rest = bytes;
    for len in lens.iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*len));
        wire.send(Src, piece);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    let types = (0..bytes.len() as u32)
        .map(|at| wire.types(Src, first.wrapping_add(at), 1).content)
        .collect();
    (types, wire.connection.counters(Src).records)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn how_a_lost_stream_is_cut_does_not_matter(
        bytes in streams(),
        first in any::<u32>(),
        lens in proptest::collection::vec(prop_oneof![1..6_usize, 1..300_usize], 1..5),
    ) {
        // Byte by byte, a header is read by its parts only, and no packet has more than one.
        prop_assert_eq!(read(&bytes, first, &lens), read(&bytes, first, &[1]));
    }
}
