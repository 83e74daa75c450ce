// SPDX-License-Identifier: GPL-2.0-only
//! Bytes that are kept to be compared, however they are cut, merged, overlapped and ordered when they come again, and what reads
//! of those for which there is no room.

use crate::common::resent::*;
use crate::common::*;
use proptest::prelude::*;
use tlsconn_tls::{
    Connection, Handshake, HandshakeSlot, Piece, Reason, Segment, Side::Dst, Side::Src, State,
};

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
            other = record(23, &vec![0x55; was.len()], DATA).bytes[..was.len()].to_vec();
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
    fn honest_bytes_pass_again(
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

/// More than is kept: what comes again of the first part is not known, and no longer passes; the last part is compared.
#[test]
fn more_than_64_kib() {
    let (_, mut wire, from, _) = begun().swap_remove(0);
    let seq = wire.next[from as usize];
    let records: Vec<u8> = (0..8_u8)
        .flat_map(|number| record(22, &[number; 10_000], HANDSHAKE).bytes)
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
fn without_memory_for_bytes() {
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
        crate::common::tls12::full(Hello::client(), crate::common::tls12::server12()),
    ] {
        let (mut wire, mut place) = (Wire::default(), NoPieces(Handshake::new()));
        let mut connection = Connection::opened(1000, 5000);
        let mut again = vec![];
        for (from, records) in &turns {
            let (segment, bytes) = (wire.segment(*from), bytes(records));
            connection.segment(&mut place, &wire.config, &segment, &Slice(&bytes));
            let types = connection
                .types(*from, segment.seq, bytes.len() as u32)
                .content;
            if !passes(types) {
                assert_eq!(connection.state(), State::Established);
                break;
            }
            let mut copy = connection.clone();
            copy.segment(&mut place, &wire.config, &segment, &Slice(&bytes));
            again.push(copy.types(*from, segment.seq, bytes.len() as u32).content);
            wire.take(&segment, &bytes);
            wire.next[*from as usize] = segment.seq.wrapping_add(bytes.len() as u32);
        }
        assert_eq!(connection.state(), State::Established);
        assert!(again.iter().all(|types| !passes(*types)), "{again:?}");
    }
}
