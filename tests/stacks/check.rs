// SPDX-License-Identifier: GPL-2.0-only
//! What the engine makes of a run, against what the stacks were told and have said.

use crate::case::{Case, Certificate, Suite, Version};
use crate::cuts::{check_cuts, FIRST};
use crate::relay::Passed;
use crate::stack::Run;
use crate::told::check_told;
use tlsconn_tls::{PacketTypes, Reason, Side, Side::Dst, Side::Src, State, Types};

/// A record by its header.
struct Record {
    at: usize,
    /// Bytes with the header.
    bytes: usize,
    wire: u8,
}

/// The records of a stream; the last may be cut short.
fn records(stream: &[u8]) -> Vec<Record> {
    let mut records = vec![];
    let mut at = 0;
    while let Some([wire, _, _, high, low]) = stream.get(at..at + 5) {
        let bytes = 5 + usize::from(*high) * 256 + usize::from(*low);
        records.push(Record {
            at,
            bytes,
            wire: *wire,
        });
        at += bytes;
    }
    records
}

/// Bytes that TLS 1.3 adds to what a record carries: header, content type and tag.
fn added(suite: Suite) -> usize {
    5 + 1 + if suite == Suite::Ccm8 { 8 } else { 16 }
}

/// How many records, from the first one on, carry so many bytes of data.
fn carrying<'a>(
    records: impl Iterator<Item = &'a Record>,
    mut bytes: usize,
    suite: Suite,
) -> usize {
    let mut number = 0;
    for record in records {
        if bytes == 0 {
            break;
        }
        bytes = bytes
            .checked_sub(record.bytes - added(suite))
            .expect("records that carry the request and nothing else");
        number += 1;
    }
    assert_eq!(bytes, 0, "bytes of data that no record carries");
    number
}

/// Bytes of a close_notify with TLS 1.3.
fn farewell(suite: Suite) -> usize {
    added(suite) + 2
}

/// Where the client's handshake ends in TLS 1.3: where it was when the client said so; else before the records at
/// the end that carry the request.
fn handshake_end(case: &Case, passed: &Passed, client: &[Record]) -> usize {
    if let Some(handshake) = passed.handshake {
        return handshake;
    }
    let end = client.last().map_or(0, |last| last.at + last.bytes);
    let after = client
        .iter()
        .rev()
        .skip_while(|record| record.bytes == farewell(case.suite));
    // It may all have gone early.
    let carries = |record: &Record| record.bytes == case.request().len() + added(case.suite);
    let last = after.clone().next().expect("a record");
    if case.is_early() && !carries(last) {
        return last.at + last.bytes;
    }
    let number = carrying(after.clone(), case.request().len(), case.suite);
    after.map(|record| record.at).nth(number - 1).unwrap_or(end)
}

/// What every record of both sides is: wire type and content type the same but for what TLS 1.3 hides. Handshake is
/// what the client sent until it said that the handshake is complete, without early data, and what the server sent
/// until then; the rest is data.
fn expected(case: &Case, passed: &Passed) -> [Vec<(Record, Types)>; 2] {
    let client = records(&passed.stream(Src));
    let server = records(&passed.stream(Dst));
    let plain = |record: &Record| Types::of_wire(record.wire).expect("a wire type");
    let hidden = |record: &Record, in_handshake: bool| match (record.wire, in_handshake) {
        (23, true) if case.version == Version::Tls13 => Types::HANDSHAKE,
        _ => plain(record),
    };
    if case.version != Version::Tls13 {
        let both = [client, server];
        return both.map(|side| {
            side.into_iter()
                .map(|r| {
                    let t = plain(&r);
                    (r, t)
                })
                .collect()
        });
    }
    let end = handshake_end(case, passed, &client);
    let encrypted = client.iter().filter(|record| record.wire == 23);
    let mut early = early_records(case, passed, encrypted);
    let client = client.into_iter().map(|record| {
        let is_early = record.wire == 23 && early > 0;
        early -= usize::from(is_early);
        let types = hidden(&record, record.at < end && !is_early);
        (record, types)
    });
    let client: Vec<_> = client.collect();
    let until = server_bytes_until(passed, end);
    let server = server.into_iter().map(|record| {
        let types = hidden(&record, record.at + 5 <= until);
        (record, types)
    });
    [client, server.collect()]
}

/// How many of the client's encrypted records are early data. A client that paces itself may come too late to send any.
fn early_records<'a>(
    case: &Case,
    passed: &Passed,
    mut encrypted: impl Iterator<Item = &'a Record>,
) -> usize {
    let text = case.early_text().len();
    match (case.is_early(), passed.handshake) {
        (false, _) => 0,
        (true, Some(_)) => carrying(encrypted, text, case.suite),
        (true, None) => {
            let whole = text + added(case.suite);
            usize::from(encrypted.next().is_some_and(|r| r.bytes == whole))
        }
    }
}

/// Bytes that the server had sent when the client's stream reached a place.
fn server_bytes_until(passed: &Passed, end: usize) -> usize {
    let mut sent = [0, 0];
    for (from, bytes) in &passed.pieces {
        sent[*from as usize] += bytes.len();
        if sent[Src as usize] >= end {
            break;
        }
    }
    sent[Dst as usize]
}

/// Everything that is known of a run.
pub(crate) fn check(case: &Case, run: &Run, logged: &dyn Fn(&Case) -> bool) {
    let (last, first) = run.connections.split_last().expect("a connection");
    let before = case.before();
    assert_eq!(first.len(), before.len(), "connections before the last");
    for (passed, case) in first.iter().zip(&before) {
        check_cuts(passed);
        check_identity(case, passed);
        check_random(run, passed, logged(case));
    }
    check_identity(case, last);
    check_random(run, last, logged(case));
    check_limits(case, last);
    if run.client_tells_records {
        check_told(&run.client_said, last);
    }
    check_types(case, last);
    check_cuts(last);
    if case.resumed.is_some() && case.version < Version::Tls13 {
        let issued = first[0].wire.handshake.issued();
        let continued = last.wire.handshake.continues();
        assert!(
            continued.is_some() && issued.contains(&continued),
            "the session continued"
        );
    }
}

fn check_identity(case: &Case, passed: &Passed) {
    let identity = &passed.wire.handshake.identity;
    let connection = &passed.wire.connection;
    assert_eq!(connection.reason(), Reason::None);
    let state = connection.state();
    assert!(
        matches!(state, State::Established | State::Closed),
        "{state:?}"
    );
    assert_eq!(identity.client, Some(Src));
    assert!(identity.confirmed);
    assert_eq!(identity.version, Some(case.version.number()));
    assert_eq!(identity.offered, Some(case.version.number()));
    if case.version == Version::Tls13 {
        let number = match case.suite {
            Suite::Aes128 => 0x1301,
            Suite::Aes256 => 0x1302,
            Suite::ChaCha => 0x1303,
            Suite::Ccm8 => 0x1305,
        };
        assert_eq!(identity.cipher, Some(number));
    }
    assert_eq!(identity.sni.expect("a name").as_slice(), b"name.example");
    let alpn = identity.alpn.map(|alpn| alpn.as_slice().to_vec());
    assert_eq!(alpn.as_deref(), case.alpn.then_some(&b"h2"[..]));
    assert_eq!(identity.hello_retry, Some(case.retry));
    assert_eq!(identity.early_data, Some(case.is_early()));
    assert_eq!(identity.resumed, Some(case.resumed.is_some()));
    assert_eq!(identity.resumption, case.resumed);
}

/// The stacks' own log names the client's random.
fn check_random(run: &Run, passed: &Passed, logged: bool) {
    let random = passed.wire.handshake.identity.client_random;
    let bytes = random.expect("a random").map(|byte| format!("{byte:02x}"));
    let random = bytes.concat();
    assert_eq!(
        run.keys.contains(&random),
        logged,
        "{random} in {}",
        run.keys
    );
}

/// The client kept to the records that it was told to make.
fn check_limits(case: &Case, passed: &Passed) {
    for record in records(&passed.stream(Src)) {
        let carried = record.bytes - 5;
        assert!(!case.small || carried <= 512 + 64, "{}", shape(passed));
        // All that is encrypted: content, its type and padding (RFC 8446 5.4).
        let inner = record.bytes.saturating_sub(added(case.suite) - 1);
        let padded = record.wire != 23 || inner % 512 == 0;
        assert!(padded || !case.padded, "{}", shape(passed));
    }
}

fn check_types(case: &Case, passed: &Passed) {
    let expected = expected(case, passed);
    for (side, records) in [Src, Dst].into_iter().zip(expected) {
        let doubtful = after_one_record(case, side, &records);
        for (number, (record, content)) in records.iter().enumerate() {
            let wire = Types::of_wire(record.wire).expect("a wire type");
            let sent = passed.stream(side).len();
            let len = record.bytes.min(sent - record.at);
            let types = passed
                .wire
                .types(side, FIRST[side as usize] + record.at as u32, len);
            let content = *content;
            assert_eq!(
                without_doubt(types, content, doubtful == Some(number)),
                PacketTypes { content, wire },
                "record {number} of {side:?}: {}",
                shape(passed)
            );
        }
        let of_data = |(_, content): &&(Record, Types)| *content == Types::APPLICATION_DATA;
        assert!(
            records.iter().any(|r| of_data(&r)),
            "{side:?} sent data: {}",
            shape(passed)
        );
    }
}

/// The first record of data after a client's flight that is one record, with a certificate in it: until a server's record
/// acknowledges the flight, nothing tells it from one more of that flight (docs/tls.md, What may pass without a pin).
fn after_one_record(case: &Case, side: Side, records: &[(Record, Types)]) -> Option<usize> {
    let is_hidden = |(record, _): &(Record, Types)| record.wire == 23;
    let has_certificate = case.certificate == Certificate::Given;
    if side == Dst || !has_certificate || case.version != Version::Tls13 {
        return None;
    }
    let mut flight = (0..)
        .zip(records)
        .filter(|(_, record)| is_hidden(record) && record.1 == Types::HANDSHAKE);
    let (Some((one, _)), None) = (flight.next(), flight.next()) else {
        return None;
    };
    let next = records.iter().skip(one + 1).position(is_hidden)?;
    Some(one + 1 + next)
}

/// What TLS 1.3 hides may read in doubt: handshake, and of data what `doubtful` says.
pub(crate) fn without_doubt(types: PacketTypes, truth: Types, doubtful: bool) -> PacketTypes {
    let may = truth == Types::HANDSHAKE || doubtful && truth == Types::APPLICATION_DATA;
    match types.content {
        Types::IN_DOUBT if types.wire == Types::APPLICATION_DATA && may => PacketTypes {
            content: truth,
            ..types
        },
        _ => types,
    }
}

/// All records, as people write them.
pub(crate) fn shape(passed: &Passed) -> String {
    let side = |side: Side| {
        let records = records(&passed.stream(side));
        let record = |r: &Record| format!(" {}:{}", r.wire, r.bytes - 5);
        records.iter().map(record).collect::<String>()
    };
    let handshake = passed.handshake;
    format!("C{} (handshake {handshake:?}) S{}", side(Src), side(Dst))
}
