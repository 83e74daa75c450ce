// SPDX-License-Identifier: GPL-2.0-only

//! JA4 of connections in a capture.

use super::{
    of_segments, single,
    wire::{connection, record, Segment},
};
use crate::model::State;

/// Of the hello that [`connection`] has: one suite, and nothing else.
const PLAIN: &str = "t12i010000_f06271c2b022_000000000000";

#[test]
fn of_a_connection() {
    let segments = connection(7);
    let ja4 = |segments: &[Segment]| single(of_segments(segments)).ja4;
    assert_eq!(ja4(&segments).as_deref(), Some(PLAIN));
    // Only of a whole hello.
    assert_eq!(ja4(&segments[..2]), None);
    let mut cut = segments[..3].to_vec();
    cut[2].payload.pop();
    assert_eq!(ja4(&cut), None);
    // Nor of one that no server takes.
    let mut wrong = segments[..3].to_vec();
    *wrong[2].payload.last_mut().expect("octets") = 0xff;
    wrong[2].payload[5 + 4 + 2 + 32] = 33;
    let wrong = single(of_segments(&wrong));
    assert_eq!((wrong.state, wrong.ja4), (State::Tainted, None));
}

#[test]
fn however_it_comes() {
    // GREASE, two suites, one protocol, one version.
    let extensions = [
        &[0, 16, 0, 5, 0, 3, 2, b'h', b'3'][..],
        &[0, 43, 0, 3, 2, 3, 4],
    ]
    .concat();
    let length = |octets: &[u8]| u8::try_from(octets.len()).expect("it is short");
    let body = [
        &[3, 3][..],
        &[0xc1; 32],
        &[0, 0, 6, 0x0a, 0x0a, 0x13, 1, 0xc0, 0x2f, 1, 0],
        &[0, length(&extensions)],
        &extensions,
    ]
    .concat();
    let hello = [&[1, 0, 0, length(&body)], &body[..]].concat();
    let mut segments = connection(7);
    segments.truncate(3);
    let octets = [record(22, &hello[..30]), record(22, &hello[30..])].concat();
    segments[2].payload.clone_from(&octets);
    let whole = single(of_segments(&segments)).ja4;
    assert_eq!(
        whole.as_deref(),
        Some("t13i0202h3_c1929292aa6b_b9a491fefe05")
    );
    for first in 1..octets.len() - 1 {
        let second = first + 1;
        let part = |from: usize, to: usize| Segment {
            seq: segments[2].seq + u32::try_from(from).expect("it is short"),
            payload: octets[from..to].to_vec(),
            ..segments[2].clone()
        };
        let parts = [
            part(second, octets.len()),
            part(0, first),
            part(0, second),
            part(first, second),
        ];
        let cut = [&segments[..2], &parts].concat();
        assert_eq!(single(of_segments(&cut)).ja4, whole, "{first}");
    }
}
