// SPDX-License-Identifier: GPL-2.0-only
//! Directions that are lost, and their way back by a chain of record headers.

use crate::common::*;
use tlsconn_tls::{Connection, Reason, Segment, Side::Dst, Side::Src, State, Types};

fn picked_up() -> Wire {
    Wire {
        connection: Connection::picked_up(),
        ..Wire::default()
    }
}

/// A record whose body has no byte that may begin a header.
fn bland(wire: u8, len: usize) -> Vec<u8> {
    record(wire, &vec![0x55; len], DATA).bytes
}

/// Sends bytes cut every `step`, and gives the type of each byte as it stands afterwards, a letter a byte.
fn read(bytes: &[u8], step: usize) -> String {
    let mut wire = picked_up();
    for piece in bytes.chunks(step) {
        wire.send(Src, piece);
    }
    assert_eq!(wire.connection.state(), State::Lost);
    assert_eq!(wire.connection.reason(), Reason::MidStream);
    assert_eq!(wire.connection.counters(Src).bytes, bytes.len() as u64);
    (0..bytes.len() as u32)
        .map(|at| match wire.types(Src, 1000 + at, 1) {
            types if types == both(DATA) => 'D',
            types if types == both(Types::UNKNOWN) => '?',
            types => panic!("{types:?} at {at}"),
        })
        .collect()
}

/// The same however it is cut; the lengths of what reads unknown, then data, and so on.
fn runs(bytes: &[u8]) -> Vec<usize> {
    let whole = read(bytes, bytes.len());
    for step in [1, 2, 3, 7, 64, 65, 1448] {
        assert_eq!(read(bytes, step), whole, "cut every {step}");
    }
    let mut runs = vec![0];
    let mut last = '?';
    for letter in whole.chars() {
        if letter != last {
            runs.push(0);
            last = letter;
        }
        *runs.last_mut().unwrap() += 1;
    }
    runs
}

#[test]
fn what_may_begin_a_header_is_unknown() {
    for bytes in [
        &[22][..],
        &[22, 3, 3],
        &[23, 3, 3, 0],
        b"text that ends so\x17",
    ] {
        let mut wire = picked_up();
        wire.send(Src, bytes);
        assert_eq!(
            wire.types(Src, 1000, bytes.len()),
            both(Types::UNKNOWN),
            "{bytes:?}"
        );
    }
    // After a chain that checks out too, but for what begins as data.
    for (wire_type, types) in [(22, Types::UNKNOWN), (23, DATA)] {
        let mut wire = picked_up();
        for len in [10, 20, 30] {
            wire.send(Src, &bland(23, len));
        }
        let seq = wire.next[0];
        wire.send(Src, &[wire_type, 3]);
        assert_eq!(wire.types(Src, seq - 1, 1), both(DATA));
        assert_eq!(wire.types(Src, seq, 2), both(types));
    }
}

#[test]
fn three_headers_in_a_row() {
    let mut bytes = vec![0x66; 77];
    for len in [10, 20, 30, 40] {
        bytes.extend(bland(23, len));
    }
    assert_eq!(runs(&bytes), [77 + 15 + 25, 35 + 45]);
    // Two are too few.
    assert_eq!(runs(&bytes[..77 + 15 + 25]), [77 + 15 + 25]);
}

#[test]
fn two_records_of_4_kib() {
    let chain = |second| [bland(23, 100), bland(23, second), bland(23, 1)].concat();
    assert_eq!(runs(&chain(3985)), [105 + 3990, 6]);
    assert_eq!(runs(&chain(3986)), [105, 3991 + 6]);
}

#[test]
fn only_data_has_a_type() {
    let bytes: Vec<u8> = [22, 22, 23, 22, 21, 20, 24, 23]
        .into_iter()
        .flat_map(|wire| bland(wire, 10))
        .collect();
    assert_eq!(runs(&bytes), [30, 15, 60, 15]);
    let mut wire = picked_up();
    wire.send(Src, &bytes);
    // Those before the chain checked out are not counted.
    assert_eq!(wire.connection.counters(Src).records, [1, 1, 1, 2, 1]);
    assert_eq!(wire.handshake.identity.client, None);
}

#[test]
fn a_hello_after_a_chain_is_not_read() {
    let mut wire = picked_up();
    wire.send(Src, &[bland(23, 10), bland(23, 10), bland(23, 10)].concat());
    wire.records(Src, &[Hello::client13().as_client()]);
    assert_eq!(wire.handshake.identity.client, None);
    let len = Hello::client13().as_client().bytes.len();
    assert_eq!(
        wire.types(Src, wire.next[0] - len as u32, len),
        both(Types::UNKNOWN)
    );
}

#[test]
fn headers_that_lead_nowhere() {
    // A length of none, one too long, a bad version, and the true chain right after.
    for nearly in [
        &[23, 3, 3, 0, 0][..],
        &[23, 3, 3, 0x48, 1],
        &[23, 3, 5],
        &[23, 23, 3, 3, 0x49, 0],
        &[22, 3],
    ] {
        let mut bytes = nearly.to_vec();
        for _ in 0..4 {
            bytes.extend(bland(23, 10));
        }
        assert_eq!(runs(&bytes), [nearly.len() + 30, 30], "{nearly:?}");
    }
    // One that swallows the first header of the chain: it goes on where its record would have ended.
    let mut bytes = vec![23, 3, 3, 0, 20];
    for _ in 0..8 {
        bytes.extend(bland(23, 10));
    }
    // Its record ends in the second record's body.
    assert_eq!(runs(&bytes), [5 + 60, 60]);
}

#[test]
fn a_broken_chain_is_looked_for_again() {
    let three = [bland(23, 10), bland(23, 10), bland(23, 10)].concat();
    let bytes = [&three[..], b"plain text", &three, &three].concat();
    assert_eq!(runs(&bytes), [30, 15, 10 + 30, 15 + 45]);
}

#[test]
fn plain_text_is_not_taken_for_records() {
    let text = b"The quick brown fox jumps over the lazy dog. ".repeat(2000);
    assert_eq!(runs(&text), [text.len()]);
}

#[test]
fn back_from_a_hole() {
    for (hole, chain_survives) in [(400, true), (600, false)] {
        let mut wire = picked_up();
        let first = bland(23, 500);
        wire.send(Src, &bland(23, 40));
        wire.send(Src, &first[..50]);
        // Bytes of the body that pass unseen do not matter; those of a header break the chain.
        wire.next[0] += hole;
        let rest = if hole == 400 {
            &first[450..]
        } else {
            &[0x55; 20]
        };
        wire.send(Src, rest);
        let seq = wire.next[0];
        wire.send(Src, &bland(23, 70));
        let types = if chain_survives { DATA } else { Types::UNKNOWN };
        assert_eq!(wire.types(Src, seq, 75), both(types), "hole of {hole}");
        wire.send(Src, &bland(23, 7));
        wire.send(Src, &bland(23, 7));
        assert_eq!(wire.types(Src, wire.next[0] - 12, 12), both(DATA));
    }
}

#[test]
fn lost_in_the_handshake_and_found_after_it() {
    let mut wire = Wire::default();
    wire.records(Src, &[Hello::client13().as_client()]);
    wire.next[1] += 1;
    wire.ack(Src, false);
    assert_eq!(wire.connection.reason(), Reason::Hole);
    for _ in 0..3 {
        wire.records(Dst, &[data(100)]);
    }
    assert_eq!(wire.types(Dst, wire.next[1] - 105, 105), both(DATA));
    assert_eq!(wire.connection.state(), State::Lost);
    assert_eq!(wire.connection.reason(), Reason::Hole);
    // The side that was not lost goes on.
    wire.records(Src, &[data(10)]);
    assert_eq!(wire.types(Src, wire.next[0] - 15, 15), both(DATA));
}

#[test]
fn resynchronised_then_resent_ahead_and_lost_again() {
    let mut wire = picked_up();
    for _ in 0..4 {
        wire.send(Src, &bland(23, 100));
    }
    let seq = wire.next[0] - 105;
    // Sent again.
    let again = Segment {
        seq,
        ..wire.segment(Src)
    };
    let counters = wire.connection.counters(Src);
    wire.take(&again, &bland(23, 100));
    assert_eq!(wire.connection.counters(Src), counters);
    assert_eq!(wire.types(Src, seq, 105), both(DATA));
    // After a hole nothing is known; acknowledged unseen, it is lost again.
    let ahead = Segment {
        seq: wire.next[0] + 50,
        ..wire.segment(Src)
    };
    wire.take(&ahead, &[0x55; 55]);
    assert_eq!(wire.types(Src, ahead.seq, 55), both(Types::UNKNOWN));
    wire.next[0] = ahead.seq + 55;
    wire.ack(Dst, false);
    wire.send(Src, &bland(23, 10));
    assert_eq!(wire.types(Src, wire.next[0] - 15, 15), both(Types::UNKNOWN));
    wire.send(Src, &bland(23, 10));
    wire.send(Src, &bland(23, 10));
    assert_eq!(wire.types(Src, wire.next[0] - 15, 15), both(DATA));
}

#[test]
fn other_bulk_traffic_is_searched_now_and_then() {
    let mut wire = picked_up();
    let text = vec![0x55; 1 << 16];
    for _ in 0..20 {
        wire.send(Src, &text);
    }
    // A chain is still found, in the next stretch that is searched.
    let record = bland(23, 1000);
    let start = wire.next[0];
    let mut found = None;
    for _ in 0..1100 {
        let seq = wire.next[0];
        wire.send(Src, &record);
        if wire.types(Src, seq, record.len()) == both(DATA) {
            found = found.or(Some(seq));
        }
    }
    let found = found.expect("it is found");
    assert!(found - start > 1 << 16, "{}", found - start);
    assert_eq!(wire.types(Src, wire.next[0] - 1000, 1000), both(DATA));
}

#[test]
fn a_tainted_connection_finds_nothing() {
    let mut wire = picked_up();
    let urgent = Segment {
        urgent: true,
        ..wire.segment(Src)
    };
    wire.take(&urgent, &[]);
    for _ in 0..4 {
        wire.send(Src, &bland(23, 100));
    }
    assert_eq!(wire.connection.state(), State::Tainted);
    assert_eq!(
        wire.types(Src, wire.next[0] - 105, 105),
        both(Types::UNKNOWN)
    );
    assert_eq!(wire.connection.counters(Src).bytes, 420);
}
