// SPDX-License-Identifier: GPL-2.0-only

//! When connections begin and end: SYNs, their answers, and resets, as conntrack takes them.

use super::{
    of_segments, single,
    wire::{connection, end, Segment},
};
use crate::model::State;

#[test]
fn a_new_syn_begins_a_connection_only_when_the_old_one_is_over() {
    let (first, second) = (connection(7), connection(5000));
    let states = |segments: &[&[Segment]]| -> Vec<State> {
        let outcome = of_segments(&segments.concat());
        assert_eq!(outcome.trouble, None);
        let ids = outcome.connections.iter().map(|connection| connection.id);
        assert!(ids.eq(0..outcome.connections.len() as u64));
        outcome
            .connections
            .iter()
            .map(|connection| connection.state)
            .collect()
    };
    let live = State::Established;
    assert_eq!(
        states(&[&first, &end(&first), &second]),
        [State::Closed, live]
    );
    // The same SYN once more is the same connection.
    assert_eq!(
        states(&[&first, &end(&first), &first[..1]]),
        [State::Closed]
    );
    // A SYN that nothing answers changes nothing; its answer shows that the old connection is over.
    assert_eq!(states(&[&first, &second[..1]]), [live]);
    assert_eq!(states(&[&first, &second]), [live, live]);
    // An RST ends it if its number is what the other side expects.
    let reset = |seq| Segment {
        seq,
        flags: "R",
        ..end(&first)[0].clone()
    };
    let expected = end(&first)[0].seq;
    let answer = Segment {
        ack: Some(expected),
        ..end(&first)[1].clone()
    };
    let answer = Segment {
        flags: "",
        ..answer
    };
    assert_eq!(
        states(&[&first, &[answer.clone(), reset(expected)]]),
        [State::Closed]
    );
    assert_eq!(
        states(&[&first, &[answer.clone(), reset(expected - 1)]]),
        [live]
    );
    assert_eq!(
        states(&[&first, &[answer.clone(), reset(expected + 9)]]),
        [live]
    );
    assert_eq!(
        states(&[&first, &[answer, reset(expected)], &second]),
        [State::Closed, live]
    );
    // Refused.
    let refusal = Segment {
        ack: Some(8),
        flags: "R",
        seq: 0,
        ..first[1].clone()
    };
    assert_eq!(states(&[&first[..1], &[refusal]]), [State::Closed]);
    assert_eq!(states(&[&first[..1]]), [State::New]);
}

#[test]
fn what_conntrack_does_not_take_says_nothing() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    // A text in a reset, whether it is accepted or not, and an acknowledgement of what never came.
    let last = segments.last().expect("it has packets").clone();
    let reset = |seq| Segment {
        seq,
        flags: "R",
        ack: last.ack.map(|ack| ack + 1000),
        payload: b"no thank you".to_vec(),
        ..last.clone()
    };
    let behind = last.seq + u32::try_from(last.payload.len()).expect("short");
    let refused = of_segments(&[&segments, &[reset(behind + 9)][..]].concat());
    let packet = refused.packets.last().expect("it has payload");
    assert_eq!(packet.types, ["unknown"]);
    assert_eq!(single(refused), expected);
    let accepted = single(of_segments(&[&segments, &[reset(behind)][..]].concat()));
    assert_eq!((accepted.state, accepted.reason), (State::Closed, None));
    assert_eq!(accepted.bytes, expected.bytes);
    // The answer to another SYN, and a SYN with data in the middle.
    let answer = Segment {
        ack: segments[1].ack.map(|ack| ack + 5000),
        ..segments[1].clone()
    };
    let syn = Segment {
        seq: behind,
        payload: b"text".to_vec(),
        ..segments[0].clone()
    };
    let both = [&segments, &[answer, syn][..]].concat();
    assert_eq!(single(of_segments(&both)), expected);
}

#[test]
fn the_initiator_may_answer_a_syn() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    let [syn, answer, rest @ ..] = &segments[..] else {
        panic!("it begins with a SYN and its answer");
    };
    let responders = Segment {
        ack: None,
        ..answer.clone()
    };
    let answered = |by| Segment {
        ack: Some(answer.seq.wrapping_add(by)),
        ..syn.clone()
    };
    let split = |by| [&[syn.clone(), responders.clone(), answered(by)][..], rest].concat();
    let seen = single(of_segments(&split(1)));
    assert_eq!(seen.state, expected.state);
    assert_eq!(seen.records, expected.records);
    assert_eq!(seen.client_random, expected.client_random);
    // An answer to another SYN opens nothing: it is picked up in the middle.
    assert_eq!(single(of_segments(&split(2))).state, State::Lost);
}
