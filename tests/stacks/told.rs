// SPDX-License-Identifier: GPL-2.0-only
//! The records of a connection as openssl tells them by `-msg`, and what TLS 1.3 has hidden in them.

use crate::check::without_doubt;
use crate::cuts::FIRST;
use crate::relay::Passed;
use tlsconn_tls::{PacketTypes, Side, Side::Dst, Side::Src, Types};

/// A record.
struct Told {
    from: Side,
    wire: u8,
    /// Bytes with the header.
    bytes: usize,
    /// The content type, under the encryption of TLS 1.3 too.
    inner: u8,
}

/// The records that the client tells of, in the order in which it met them.
fn records(said: &str) -> Vec<Told> {
    let mut records: Vec<Told> = vec![];
    let mut lines = said.lines();
    while let Some(line) = lines.next() {
        let header = line.contains(", RecordHeader [");
        if !header && !line.contains(", InnerContent [") {
            continue;
        }
        let next = lines.next().expect("the bytes").split_whitespace();
        let bytes = next.map(|byte| u8::from_str_radix(byte, 16).expect("a byte"));
        let bytes: Vec<u8> = bytes.collect();
        if header {
            records.push(Told {
                from: if line.starts_with(">>>") { Src } else { Dst },
                wire: bytes[0],
                bytes: 5 + usize::from(bytes[3]) * 256 + usize::from(bytes[4]),
                inner: bytes[0],
            });
        } else {
            records.last_mut().expect("a header before").inner = bytes[0];
        }
    }
    records
}

/// Every record reads as the client says it is. What TLS 1.3 hides after the client's Finished, tickets and alerts,
/// cannot be told from data.
pub(crate) fn check_told(said: &str, passed: &Passed) {
    let records = records(said);
    let hidden = |r: &Told| r.from == Src && r.wire == 23 && r.inner == 22;
    let finished = records.iter().rposition(hidden);
    let mut next = FIRST;
    for (number, record) in records.iter().enumerate() {
        let seq = &mut next[record.from as usize];
        let in_handshake = finished.is_some_and(|finished| number <= finished);
        let inner = if record.wire == 23 && !in_handshake {
            23
        } else {
            record.inner
        };
        // What a server has sent while the Finished was on its way is not in the client's order.
        if in_handshake || record.from == Src || record.wire != 23 {
            let types = passed.wire.types(record.from, *seq, record.bytes);
            let [content, wire] =
                [inner, record.wire].map(|byte| Types::of_wire(byte).expect("a wire type"));
            assert_eq!(
                without_doubt(types, content, false),
                PacketTypes { content, wire },
                "record {number} as told"
            );
        }
        *seq += record.bytes as u32;
    }
    // The client does not read the server's farewell.
    assert_eq!(next[0], passed.wire.next[0]);
    assert!(next[1] <= passed.wire.next[1]);
    assert!(records.len() >= 6);
}
