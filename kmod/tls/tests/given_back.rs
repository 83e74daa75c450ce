// SPDX-License-Identifier: GPL-2.0-only
//! A handshake that is given back as soon as nothing of it is needed, as the kernel does: nothing changes by that.

use crate::common::places::{Both, Place};
use crate::common::tls12::{full, server12};
use crate::common::*;
use tlsconn_tls::{
    Connection, Handshake, HandshakeSlot, Piece, Reason, Segment, Side::Dst, Side::Src, State,
};

fn turns() -> [Vec<Turn>; 2] {
    let mut tls13 = handshake13();
    tls13.push((Dst, vec![data(139), data(300)]));
    tls13.push((Src, vec![data(50), data(17), data(2000)]));
    let mut tls12 = full(Hello::client(), server12());
    // Renegotiation, and data before it and after.
    let again = record(22, &[0x99; 300], HANDSHAKE);
    tls12.push((Src, vec![data(40), again.clone(), ccs(), data(50)]));
    tls12.push((Dst, vec![again, record(21, &[0xa1; 30], ALERT), data(9)]));
    [tls13, tls12]
}

#[test]
fn other_bytes_are_noticed_all_the_same() {
    for turns in turns() {
        for step in [1, 7, 58, 400, 20_000] {
            let mut both = Both::default();
            let mut given_back = 0;
            for (from, records) in &turns {
                let bytes = bytes(records);
                let start = both.wire.next[*from as usize];
                for piece in bytes.chunks(step) {
                    both.send(*from, piece);
                    given_back += u32::from(both.is_given_back());
                }
                for at in 0..bytes.len() {
                    let mut again = both.clone();
                    let segment = Segment {
                        seq: start,
                        ..again.wire.segment(*from)
                    };
                    again.take(&segment, &bytes);
                    let mut other = bytes.clone();
                    other[at] ^= 1;
                    again.take(&segment, &other);
                }
                let ack = both.wire.segment(from.other());
                both.take(&ack, &[]);
                given_back += u32::from(both.is_given_back());
            }
            assert!(given_back > 0);
            assert_eq!(both.wire.connection.state(), State::Established);
        }
    }
}

#[test]
fn data_that_comes_again_wherever_its_numbers_are() {
    let turns = full(Hello::client(), server12());
    let of_client = turns.iter().filter(|(from, _)| *from == Src);
    let in_front: usize = of_client.map(|(_, records)| bytes(records).len()).sum();
    let data = bytes(&[data(100), data(100)]);
    // Where the numbers become negative, and where they wrap, within the data or next to it.
    for middle in [0x8000_0000_u32, 0] {
        for within in 0..=data.len() {
            let first = middle.wrapping_sub((in_front + within) as u32);
            let mut both = Both::on(Wire::at(first, 5000));
            for (from, records) in &turns {
                both.send(*from, &bytes(records));
            }
            let ack = both.wire.segment(Dst);
            both.take(&ack, &[]);
            let again = both.wire.segment(Src);
            both.send(Src, &data);
            both.wire.next[0] = again.seq;
            // What the server says has to come again as it is, so that a handshake is made for it.
            both.send(Dst, &record(21, &[0xa1; 30], ALERT).bytes);
            both.take(&again, &data);
            both.take(&again, &data[..150]);
            let reason = both.other.reason();
            assert_eq!(reason, Reason::None, "{middle} after {within}");
        }
    }
}

#[test]
fn what_was_outstanding_when_a_direction_was_lost_is_compared_no_longer() {
    let mut both = Both::default();
    for (from, records) in full(Hello::client(), server12()) {
        both.send(from, &bytes(&records));
    }
    let acks = [Src, Dst].map(|side| both.wire.segment(side));
    acks.iter().for_each(|ack| both.take(ack, &[]));
    let alert = record(21, &[0xa1; 30], ALERT).bytes;
    let again = both.wire.segment(Dst);
    both.send(Dst, &alert);
    both.give_up(Dst);
    // Three headers in a row: it has found its way back.
    both.send(Dst, &bytes(&[data(50), data(17), data(2000)]));
    assert_eq!(both.other.resynchronised(), 1);
    both.take(&again, &alert);
    let outcome = (both.other.state(), both.other.reason());
    assert_eq!(outcome, (State::Lost, Reason::Hole));
}

#[test]
fn what_comes_after_an_end_leaves_it_closed() {
    // A reset in the middle of the handshake, and what was on its way then.
    for turns in turns() {
        let bytes: Vec<Vec<u8>> = turns.iter().map(|(_, records)| bytes(records)).collect();
        for end in 1..turns.len() {
            for cut in [0, 3, 9, bytes[end].len() / 2] {
                let mut both = Both::default();
                for (number, (from, _)) in turns.iter().enumerate().take(end) {
                    both.send(*from, &bytes[number]);
                }
                both.send(turns[end].0, &bytes[end][..cut]);
                let acks = [Src, Dst].map(|side| both.wire.segment(side));
                acks.iter().for_each(|ack| both.take(ack, &[]));
                both.close();
                let mut wire = both.other.clone();
                let mut place = Place::default();
                let segment = both.wire.segment(turns[end].0);
                let after = &bytes[end][cut..];
                wire.segment(&mut place, &both.wire.config, &segment, &Slice(after));
                assert_eq!(wire.state(), State::Closed, "turn {end} from {cut}");
            }
        }
    }
}

/// A place for which there is no memory at first.
#[derive(Default)]
struct Late {
    refused: bool,
    place: Place,
}

impl HandshakeSlot for Late {
    fn get(&mut self) -> Option<&mut Handshake> {
        self.place.get()
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        if !self.refused {
            self.refused = true;
            return None;
        }
        self.place.make()
    }

    fn piece(&mut self) -> Option<Box<Piece>> {
        self.place.piece()
    }
}

#[test]
fn without_memory_for_a_handshake_it_is_lost_and_not_taken_for_no_tls() {
    let (mut wire, mut late) = (Wire::default(), Late::default());
    let mut connection = Connection::opened(1000, 5000);
    for (from, records) in full(Hello::client(), server12()) {
        let (segment, bytes) = (wire.segment(from), bytes(&records));
        connection.segment(&mut late, &wire.config, &segment, &Slice(&bytes));
        wire.take(&segment, &bytes);
        assert_eq!(connection.state(), State::Lost);
        assert_eq!(connection.reason(), Reason::TableFull);
    }
}
