// SPDX-License-Identifier: GPL-2.0-only
//! Handshakes that do not go on, and connections whose SYN data has gone: neither holds memory for a handshake.

use crate::common::tls12::{full, server12};
use crate::common::*;
use tlsconn_tls::{
    Connection, Handshake, HandshakeSlot, Piece, Reason, Side, Side::Dst, Side::Src, State, Types,
};

/// No place for a handshake: whoever wants one fails the test.
struct NoPlace;

impl HandshakeSlot for NoPlace {
    fn get(&mut self) -> Option<&mut Handshake> {
        None
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        panic!("a lost connection takes memory for a handshake");
    }

    fn piece(&mut self) -> Option<Box<Piece>> {
        None
    }
}

fn take(connection: &mut Connection, wire: &mut Wire, from: Side, bytes: &[u8]) -> Types {
    let segment = wire.segment(from);
    connection.segment(&mut NoPlace, &wire.config, &segment, &Slice(bytes));
    let len = bytes.len() as u32;
    wire.next[from as usize] = segment.seq.wrapping_add(len);
    connection.types(from, segment.seq, len).content
}

#[test]
fn a_handshake_that_times_out_is_lost_and_needs_no_memory_again() {
    for turns in [full(Hello::client(), server12()), handshake13()] {
        let pieces: Vec<(Side, Vec<u8>)> = turns
            .iter()
            .flat_map(|(from, records)| {
                let bytes = bytes(records);
                let pieces = bytes.chunks(33).map(|piece| (*from, piece.to_vec()));
                pieces.collect::<Vec<_>>()
            })
            .collect();
        for seen in 0..pieces.len() {
            let mut wire = Wire::default();
            for (from, piece) in &pieces[..seen] {
                wire.send(*from, piece);
            }
            if wire.connection.state() == State::Established {
                break;
            }
            wire.connection.time_out();
            assert_eq!(wire.connection.state(), State::Lost, "after {seen}");
            assert_eq!(wire.connection.reason(), Reason::HandshakeTimeout);
            assert!(wire.connection.has_settled(&wire.handshake));
            let mut connection = wire.connection.clone();
            for (from, piece) in &pieces[seen..] {
                let types = take(&mut connection, &mut wire, *from, piece);
                assert!(
                    Types::UNKNOWN.union(DATA).contains(types),
                    "after {seen}: {types:?}"
                );
            }
            assert_eq!(connection.state(), State::Lost);
        }
    }
}

#[test]
fn what_was_lost_or_tainted_before_keeps_its_reason() {
    let mut lost = Wire::default();
    lost.connection.give_up(Src);
    lost.connection.time_out();
    assert_eq!(lost.connection.reason(), Reason::Hole);
    assert!(lost.connection.has_settled(&lost.handshake));
    let mut not_tls = Wire::default();
    not_tls.send(Src, b"GET / HTTP/1.0\r\n\r\n");
    not_tls.connection.time_out();
    assert_eq!(not_tls.connection.state(), State::NotTls);
    assert_eq!(not_tls.connection.reason(), Reason::NotTls);
}

#[test]
fn without_the_data_of_its_syn_a_connection_is_lost_in_both_directions() {
    let hello = Hello::client13().as_client().bytes;
    let (seen, after) = hello.split_at(100);
    let mut wire = Wire::default();
    wire.next[0] += seen.len() as u32;
    let mut connection = Connection::opened_without_syn_data(wire.next[0], wire.next[1]);
    assert_eq!(connection.state(), State::Lost);
    assert_eq!(connection.reason(), Reason::SynData);
    assert!(connection.has_settled(&Handshake::new()));
    // The SYN-ACK comes again, and then the rest.
    assert!(connection.starts_at(wire.next[0], wire.next[1]));
    let unknown = Types::UNKNOWN;
    assert_eq!(take(&mut connection, &mut wire, Src, after), unknown);
    let answer = bytes(&handshake13()[1].1);
    let types = take(&mut connection, &mut wire, Dst, &answer[..100]);
    assert_eq!(types, unknown);
    // Both find their way back.
    let chain = bytes(&vec![data(90); 4]);
    for side in [Src, Dst] {
        wire.next[side as usize] += 10_000;
        take(&mut connection, &mut wire, side, &chain);
        assert_eq!(take(&mut connection, &mut wire, side, &chain), DATA);
    }
    assert_eq!(connection.resynchronised(), 2);
    assert_eq!(connection.state(), State::Lost);
    assert_eq!(connection.reason(), Reason::SynData);
}
