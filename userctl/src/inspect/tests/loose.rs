// SPDX-License-Identifier: GPL-2.0-only

//! Connections whose start was not captured, with `--loose`.

use super::{
    inspect_into, single,
    wire::{connection, end, ipv4, pcap, record, Segment},
    Outcome,
};
use crate::{
    inspect::Inspection,
    model::{Bytes, Connection, Reason, State},
};

fn with(loose: bool, segments: &[Segment]) -> Outcome {
    let frames: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    inspect_into(Inspection::new(true, loose), &pcap(101, &frames))
}

fn loosely(segments: &[Segment]) -> Connection {
    single(with(true, segments))
}

/// Whether it was marked as one that a ClientHello opened.
fn is_marked(connection: &Connection) -> Option<bool> {
    let captured = connection.times.as_ref();
    captured.expect("it was captured").loose
}

/// The same but for the mark.
#[track_caller]
fn assert_same(found: Connection, expected: &Connection) {
    assert_eq!(is_marked(&found), Some(true));
    let expected = Connection {
        times: found.times.clone(),
        ..expected.clone()
    };
    assert_eq!(found, expected);
}

#[test]
fn what_has_its_start_reads_the_same() {
    let segments = connection(7);
    let whole = [&segments, &end(&segments)[..]].concat();
    let strict = single(with(false, &whole));
    assert_eq!(is_marked(&strict), None);
    let loose = loosely(&whole);
    assert_eq!(is_marked(&loose), Some(false));
    let times = strict.times.clone();
    assert_eq!(Connection { times, ..loose }, strict);
}

#[test]
fn a_hello_is_as_good_as_a_start() {
    let segments = connection(7);
    let expected = single(with(false, &segments));
    // Without SYN; without the SYN-ACK only.
    assert_same(loosely(&segments[2..]), &expected);
    assert_same(
        loosely(&[&segments[..1], &segments[2..]].concat()),
        &expected,
    );
    // Nothing of it is read if that is not asked for.
    let strict = single(with(false, &segments[2..]));
    assert_eq!(
        (
            strict.client,
            strict.state,
            strict.reason,
            is_marked(&strict)
        ),
        (None, State::Lost, Some(Reason::MidStream), None)
    );
    // The answer before the hello, and a SYN-ACK that comes late after all.
    let mut turned = segments[2..].to_vec();
    turned.swap(0, 1);
    let found = loosely(&turned);
    assert_eq!(
        (found.state, found.client_random.clone()),
        (expected.state, expected.client_random.clone())
    );
    turned.push(segments[1].clone());
    let late = [&segments[..1], &segments[2..], &segments[1..2]].concat();
    let late = loosely(&late);
    assert_eq!(
        (is_marked(&late), late.state),
        (Some(false), expected.state)
    );
}

#[test]
fn a_hello_in_the_middle() {
    // What comes before is of another protocol (STARTTLS), and of no account.
    let segments = connection(1000);
    let before = |place: usize, text: &[u8]| {
        let next = &segments[place];
        let len = u32::try_from(text.len()).expect("short");
        Segment {
            seq: next.seq - len,
            ack: next.ack.map(|ack| ack - 6),
            payload: text.to_vec(),
            ..next.clone()
        }
    };
    let texts = [before(3, b"ready\n"), before(2, b"start\n")];
    let expected = single(with(false, &segments));
    let found = loosely(&[&texts, &segments[2..]].concat());
    assert_eq!(is_marked(&found), Some(true));
    assert_eq!(found.client_random, expected.client_random);
    assert_eq!(found.records, expected.records);
    assert_eq!(found.state, State::Established);
    // A long way behind: it is picked up in the middle by then.
    let mut long: Vec<Segment> = (0..100)
        .map(|number| Segment {
            seq: segments[2].seq - 600 + number * 6,
            ack: segments[2].ack,
            payload: b"start\n".to_vec(),
            ..segments[2].clone()
        })
        .collect();
    long.extend_from_slice(&segments[2..]);
    let found = loosely(&long);
    assert_eq!(found.client_random, expected.client_random);
    let Bytes::ByPart { client, .. } = found.bytes else {
        panic!("the client is known");
    };
    let Bytes::ByPart {
        client: without, ..
    } = expected.bytes
    else {
        panic!("the client is known");
    };
    assert_eq!(client, without + 600);
}

#[test]
fn one_direction_says_so() {
    let segments = connection(7);
    let of = |client: bool| -> Vec<Segment> {
        let from = |segment: &&Segment| segment.from_client == client;
        segments.iter().filter(from).cloned().collect()
    };
    let expected = single(with(false, &segments));
    for start in [0, 1] {
        let found = loosely(&of(true)[start..]);
        assert_eq!(found.client_random, expected.client_random);
        assert_eq!(
            (found.state, found.reason),
            (State::Lost, Some(Reason::OneDirection))
        );
        assert_eq!((found.server_random, found.version), (None, None));
        let records = |found: Option<crate::model::RecordsBySide>| found.expect("some").client;
        assert_eq!(records(found.records), records(expected.records.clone()));
        assert_eq!(
            is_marked(&single(with(true, &of(true)[start..]))),
            Some(true)
        );
    }
    // Without a hello nothing is known.
    let found = loosely(&of(false)[1..]);
    assert_eq!(
        (found.state, found.reason),
        (State::Lost, Some(Reason::OneDirection))
    );
    assert_eq!((found.client, is_marked(&found)), (None, Some(false)));
    let found = loosely(&segments[3..]);
    assert_eq!(
        (found.state, found.reason),
        (State::Lost, Some(Reason::MidStream))
    );
}

#[test]
fn data_that_looks_like_a_hello_is_none_of_a_connection_that_is_followed() {
    let mut segments = connection(7);
    let hello = segments[2].payload.clone();
    let data = record(23, &hello);
    let last = segments.len() - 2;
    segments[last].payload = data[..5].to_vec();
    let mut rest = segments[last].clone();
    rest.seq += 5;
    rest.payload = data[5..].to_vec();
    segments.insert(last + 1, rest);
    segments.truncate(last + 2);
    let strict = single(with(false, &segments));
    assert_eq!(strict.state, State::Established);
    assert_eq!(loosely(&segments).records, strict.records);
}
