// SPDX-License-Identifier: GPL-2.0-only
//! A sender that loses segments sends its flight again, in any pieces, acknowledged bytes too if the acknowledgement was lost
//! on its way from here: every byte of a handshake reads what it was, as no handshake has more runs of a type than are known.

use crate::common::*;
use proptest::prelude::*;
use tlsconn_tls::{
    Reason, Segment,
    Side::{Dst, Src},
    Types,
};

const HANDSHAKES: usize = 5;

/// Handshakes with flights of up to 64 KiB, each with as many runs as there are.
fn handshake(which: usize, certificate: usize) -> Vec<Turn> {
    let suite = SHA256_SUITE;
    let server = || Hello::server13(suite).as_server();
    let chain = |len: usize| -> Vec<Record> {
        let mut lens = vec![16_000; len / 16_000];
        lens.push(100 + len % 16_000);
        lens.into_iter().map(handshake23).collect()
    };
    let flight = |front: Vec<Record>| -> Vec<Record> {
        let rest = [vec![handshake23(281), handshake23(53)], vec![doubt(200)]].concat();
        [
            front,
            vec![handshake23(23), handshake23(62)],
            chain(certificate),
            rest,
        ]
        .concat()
    };
    let answer = || tls13::answer(&[766, 281], 53);
    match which {
        0 => {
            let mut turns = tls12::full(Hello::client(), tls12::server12());
            turns[1].1 = [
                plain(&message(2, &tls12::server12().server_body())),
                plain(&message(11, &vec![0x30; certificate % 16_000])),
                plain(&message(12, &[1; 300])),
                plain(&message(14, &[])),
            ]
            .to_vec();
            turns
        }
        1 => tls12::resumed(Hello::client(), tls12::server12()),
        2 => vec![
            (Src, vec![tls13::client_hello()]),
            (Dst, flight(vec![server(), ccs()])),
            (Src, [vec![ccs()], answer(), vec![data(300)]].concat()),
        ],
        // A HelloRetryRequest: the client's hellos, ChangeCipherSpec, certificate, Finished and data are six runs.
        3 => vec![
            (Src, vec![tls13::client_hello()]),
            (Dst, vec![Hello::retry(suite).as_server(), ccs()]),
            (Src, vec![ccs(), tls13::client_hello()]),
            (Dst, flight(vec![server()])),
            (Src, [answer(), vec![data(300)]].concat()),
        ],
        _ => vec![
            (Src, vec![tls13::early_client_hello(), ccs(), data(1000)]),
            (
                Dst,
                vec![
                    tls13::psk_server_hello(suite),
                    ccs(),
                    handshake23(23),
                    handshake23(53),
                ],
            ),
            (Src, vec![handshake23(21), handshake23(53), data(100)]),
        ],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn who_loses_segments_is_not_hurt(
        which in 0..HANDSHAKES,
        certificate in 200..60_000_usize,
        cut in prop_oneof![1..40_usize, 500..1500_usize, 1..65_000_usize],
        again in proptest::collection::vec((any::<prop::sample::Index>(), 1..3000_usize), 1..30),
    ) {
        let mut wire = Wire::default();
        let first = wire.next;
        // What each side has sent, and what it was.
        let mut sent: [(Vec<u8>, Vec<Types>); 2] = Default::default();
        for (from, records) in handshake(which, certificate) {
            let side = from as usize;
            for piece in bytes(&records).chunks(cut) {
                wire.send(from, piece);
            }
            for record in records {
                sent[side].1.extend(vec![record.content; record.bytes.len()]);
                sent[side].0.extend(record.bytes);
            }
            let (bytes, types) = &sent[side];
            for (at, len) in &again {
                let start = at.index(bytes.len());
                let end = bytes.len().min(start + len);
                let segment = Segment {
                    seq: first[side].wrapping_add(start as u32),
                    ..wire.segment(from)
                };
                wire.take(&segment, &bytes[start..end]);
                prop_assert_eq!(wire.connection.reason(), Reason::None);
                let expected = types[start..end].iter().fold(Types::EMPTY, |all, it| all.union(*it));
                let types = wire.types(from, segment.seq, end - start);
                prop_assert_eq!(types.content, expected, "{} to {} of {:?} in {}", start, end, from, which);
            }
        }
    }
}
