// SPDX-License-Identifier: GPL-2.0-only
//! Payloads in pages, which may change while they are looked at: what is read of them is what is kept.

use crate::common::*;
use proptest::prelude::*;
use std::cell::RefCell;
use tlsconn_tls::{Payload, Reason, Segment, Side, Side::Dst, Side::Src, State};

/// Bytes that are others from the second look at them on.
struct Changing<'a> {
    first: &'a [u8],
    then: &'a [u8],
    seen: RefCell<Vec<bool>>,
}

impl<'a> Changing<'a> {
    fn new(first: &'a [u8], then: &'a [u8]) -> Self {
        Changing {
            first,
            then,
            seen: RefCell::new(vec![false; first.len()]),
        }
    }
}

impl Payload for Changing<'_> {
    fn len(&self) -> u32 {
        self.first.len() as u32
    }

    fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        let mut seen = self.seen.borrow_mut();
        let from = offset as usize;
        if from + to.len() > self.first.len() {
            return false;
        }
        for (at, to) in (from..).zip(to) {
            let bytes = match seen[at] {
                true => self.then,
                false => self.first,
            };
            *to = bytes[at];
            seen[at] = true;
        }
        true
    }
}

/// What both sides of a handshake send.
fn turns() -> Vec<(Side, Vec<u8>)> {
    let server = [Hello::server13(SHA256_SUITE).as_server(), ccs()];
    let flight = [&server[..], &[23, 2795, 281, 53].map(handshake23)].concat();
    vec![
        (Src, Hello::client13().as_client().bytes),
        (Dst, bytes(&flight)),
        (Src, bytes(&[ccs(), handshake23(53)])),
        (Src, bytes(&[data(300), data(20)])),
        (Dst, bytes(&[data(30), data(2000)])),
    ]
}

proptest! {
    /// How a payload lies in memory makes no difference, for bytes that come again either.
    #[test]
    fn as_in_one_piece(
        cuts in proptest::collection::vec(1..700_usize, 1..40),
        again in proptest::collection::vec((0..4000_usize, 1..900_usize, any::<bool>()), 0..12),
        acks in any::<bool>(),
    ) {
        let (mut linear, mut paged) = (Wire::default(), Wire::default());
        let mut cuts = cuts.iter().cycle();
        let mut again = again.iter().cycle();
        for (from, stream) in turns() {
            let first = linear.segment(from).seq;
            let mut at = 0;
            let mut send = |at: usize, bytes: &[u8]| {
                let mut segment = Segment {
                    seq: first.wrapping_add(at as u32),
                    ..linear.segment(from)
                };
                segment.ack = segment.ack.filter(|_| acks);
                linear.take_payload(&segment, &Slice(bytes));
                paged.take_payload(&segment, &Paged(bytes));
                let len = bytes.len();
                prop_assert_eq!(
                    linear.types(from, segment.seq, len),
                    paged.types(from, segment.seq, len)
                );
                prop_assert_eq!(
                    format!("{:?}", linear.connection),
                    format!("{:?}", paged.connection)
                );
                Ok(())
            };
            while at < stream.len() {
                let end = stream.len().min(at + cuts.next().map_or(1, |cut| *cut));
                send(at, &stream[at..end])?;
                at = end;
                if let Some((start, len, changed)) = again.next() {
                    let start = start % at;
                    let mut bytes = stream[start..at.min(start + len)].to_vec();
                    if *changed && start % 7 == 0 {
                        bytes[0] ^= 1;
                    }
                    send(start, &bytes)?;
                }
            }
            let end = first.wrapping_add(stream.len() as u32);
            linear.next[from as usize] = end;
            paged.next[from as usize] = end;
        }
    }
}

#[test]
fn what_was_read_is_kept() {
    let hello = Hello::client13().as_client().bytes;
    for at in 0..hello.len() {
        let mut other = hello.clone();
        other[at] ^= 1;
        let mut wire = Wire::default();
        let segment = wire.segment(Src);
        wire.take_payload(&segment, &Changing::new(&hello, &other));
        assert_eq!(wire.connection.state(), State::Hello);
        let mut same = wire.clone();
        same.take_payload(&segment, &Slice(&hello));
        assert_eq!(same.connection.reason(), Reason::None, "{at}");
        wire.take_payload(&segment, &Slice(&other));
        assert_eq!(wire.connection.reason(), Reason::ResentDifferently, "{at}");
    }
}

#[test]
fn early_data_in_the_same_packet_takes_no_memory() {
    let hello = Hello::client13().with(42, &[]).as_client().bytes;
    let early = bytes(&[data(16000), data(16000), data(16000)]);
    let mut wire = Wire::default();
    let segment = wire.segment(Src);
    wire.take_payload(&segment, &Paged(&[&hello[..], &early].concat()));
    assert_eq!(wire.connection.state(), State::Hello);
    let pieces = hello.len().div_ceil(1000) as u32;
    assert!(
        wire.handshake.pieces() <= pieces,
        "{}",
        wire.handshake.pieces()
    );
    wire.take_payload(&segment, &Paged(&hello));
    assert_eq!(wire.connection.reason(), Reason::None);
}
