// SPDX-License-Identifier: GPL-2.0-only

//! Frames whose time is wrong age nothing, and are not lost to their connection.

use super::{
    inspect, single,
    wire::{connection, ipv4, pcap_timed, Segment},
};
use crate::model::{Connection, State, Times};

const BEGIN: u32 = 1_000_000;
/// Times that a frame may have by mistake: none, a minute and more before and after, the largest.
const WRONG: [u32; 4] = [0, BEGIN - 61, BEGIN + 61, u32::MAX];

/// What comes of packets at their times.
fn timed(packets: &[(u32, &Segment)]) -> Vec<Connection> {
    let frames: Vec<(u32, Vec<u8>)> = packets
        .iter()
        .map(|(time, segment)| (*time, ipv4(segment)))
        .collect();
    let frames = frames.iter().map(|(time, frame)| (*time, &frame[..]));
    let outcome = inspect(&pcap_timed(101, frames));
    assert_eq!(outcome.trouble, None);
    outcome.connections
}

fn times(connection: &Connection) -> [u64; 2] {
    let Some(Times { first, last, .. }) = &connection.times else {
        panic!("it was captured");
    };
    [first.0 / 1_000_000_000, last.0 / 1_000_000_000]
}

#[test]
fn of_any_packet_but_the_first() {
    let all = connection(7);
    // The client's last flight comes before its hello, and waits for that.
    let late: Vec<&Segment> = [0, 1, 4, 2, 3, 5, 6, 7].map(|place| &all[place]).into();
    let in_order: Vec<&Segment> = all.iter().collect();
    for packets in [in_order, late] {
        let at = |wrong: &[(usize, u32)]| {
            let mut packets: Vec<(u32, &Segment)> =
                packets.iter().map(|packet| (BEGIN, *packet)).collect();
            for (place, time) in wrong {
                packets[*place].0 = *time;
            }
            timed(&packets)
        };
        let expected = at(&[]);
        assert_eq!(expected.len(), 1);
        assert_eq!(expected[0].state, State::Established);
        for place in 1..7 {
            for wrong in WRONG {
                assert_eq!(at(&[(place, wrong)]), expected, "{place}: {wrong}");
            }
        }
        // Nothing contradicts the time of the last one.
        for (wrong, first, last) in [
            (BEGIN - 61, BEGIN - 61, BEGIN),
            (BEGIN + 61, BEGIN, BEGIN + 61),
        ] {
            let [found] = &at(&[(7, wrong)])[..] else {
                panic!("one connection");
            };
            assert_eq!(found.state, State::Established);
            assert_eq!(times(found), [first, last].map(u64::from));
        }
    }
}

#[test]
fn of_a_frame_that_has_nothing_to_do_with_it() {
    let all = connection(7);
    let frames: Vec<Vec<u8>> = all.iter().map(ipv4).collect();
    let other = [0x45, 0, 0, 20].as_slice();
    // The third packet waits for the second.
    let order = [0, 2, 1, 3, 4, 5, 6, 7];
    let with = |wrong: &[u32]| {
        let mut timed: Vec<(u32, &[u8])> = order
            .iter()
            .map(|place| (BEGIN, &frames[*place][..]))
            .collect();
        timed.splice(2..2, wrong.iter().map(|time| (*time, other)));
        inspect(&pcap_timed(101, timed))
    };
    let expected = single(with(&[]));
    assert_eq!(expected.state, State::Established);
    for wrong in WRONG {
        assert_eq!(single(with(&[wrong])), expected);
        assert_eq!(single(with(&[wrong, BEGIN, wrong])), expected);
    }
    // Two that agree are believed: the wait is over then.
    let late = BEGIN + 200;
    assert_ne!(with(&[late, late]).connections, [expected]);
}

#[test]
fn a_pause_is_none() {
    let all = connection(7);
    for place in 1..all.len() {
        let packets = all.iter().enumerate();
        let at = |number| {
            if number < place {
                BEGIN
            } else {
                BEGIN + 50_000
            }
        };
        let packets: Vec<(u32, &Segment)> = packets
            .map(|(number, packet)| (at(number), packet))
            .collect();
        let found = timed(&packets);
        // A SYN, and one with its answer, are given up before; then the rest is another connection.
        let expected = if place < 3 { 2 } else { 1 };
        assert_eq!(found.len(), expected, "{place}");
        assert_eq!(times(&found[expected - 1])[1], u64::from(BEGIN + 50_000));
    }
}
