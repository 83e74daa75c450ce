// SPDX-License-Identifier: GPL-2.0-only

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use etherparse::ip_number;

use super::*;

const IPV4: Key = Key {
    tunnel: 0,
    src: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
    dst: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
    id: 7,
    protocol: Some(ip_number::TCP),
};

const IPV6: Key = Key {
    src: IpAddr::V6(Ipv6Addr::LOCALHOST),
    dst: IpAddr::V6(Ipv6Addr::LOCALHOST),
    protocol: None,
    ..IPV4
};

fn add(
    fragments: &mut Fragments,
    id: u32,
    range: Range<usize>,
    more: bool,
    now: Time,
) -> Option<Vec<u8>> {
    add_to(fragments, Key { id, ..IPV4 }, range, more, now)
}

fn add_to(
    fragments: &mut Fragments,
    key: Key,
    range: Range<usize>,
    more: bool,
    now: Time,
) -> Option<Vec<u8>> {
    let octets: Vec<u8> = (0..=255).cycle().take(range.end).collect();
    let fragment = Fragment {
        key,
        number: ip_number::TCP,
        offset: range.start,
        more,
        octets: &octets[range],
    };
    fragments.add(&fragment, now).map(|whole| whole.octets)
}

#[test]
fn in_any_order_and_among_others() {
    let expected: Vec<u8> = (0..=255).cycle().take(700).collect();
    let pieces = [(0..296, true), (296..600, true), (600..700, false)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
        let mut fragments = Fragments::default();
        let mut found = Vec::new();
        for place in order {
            let (range, more) = pieces[place].clone();
            assert_eq!(add(&mut fragments, 9, 0..8, true, 0), None);
            found.extend(add(&mut fragments, 7, range, more, 0));
        }
        assert_eq!(found, [expected.clone()], "{order:?}");
        // The other one, and its copies.
        assert_eq!(fragments.passed_over(), 3);
        assert_eq!((fragments.parts.len(), fragments.ages.len()), (1, 1));
        assert_eq!(fragments.cost, 8 + 2 * COST);
    }
}

#[test]
fn what_overlaps_is_none() {
    for (range, more) in [
        (288..700, false),
        (0..304, true),
        (288..304, true),
        (0..700, false),
        (296..300, true),
        (296..296, true),
        (296..296, false),
        (8..16, false),
    ] {
        let mut fragments = Fragments::default();
        assert_eq!(add(&mut fragments, 7, 0..296, true, 0), None);
        assert_eq!(add(&mut fragments, 7, range, more, 0), None);
        assert_eq!((fragments.passed_over(), fragments.cost), (2, 0));
        assert_eq!(add(&mut fragments, 7, 296..700, false, 0), None);
    }
}

/// Fragments of one packet, each with whether others follow.
type Pieces<'a> = &'a [(Range<usize>, bool)];

/// Octets of the packets that come of it.
fn lengths(key: Key, pieces: Pieces<'_>) -> Vec<usize> {
    let mut fragments = Fragments::default();
    let mut add = |(range, more): &(Range<usize>, bool)| {
        add_to(&mut fragments, key, range.clone(), *more, 0).map(|octets| octets.len())
    };
    pieces.iter().filter_map(&mut add).collect()
}

#[test]
fn ipv4_cuts_off_what_is_no_multiple_of_eight() {
    let cases: [(&[usize], Pieces<'_>); 9] = [
        (&[700], &[(0..299, true), (296..700, false)]),
        (&[700], &[(296..700, false), (0..303, true)]),
        (
            &[700],
            &[(0..303, true), (296..600, true), (600..700, false)],
        ),
        // Cut off, it has come already, or reaches as far.
        (&[700], &[(0..296, true), (0..303, true), (296..700, false)]),
        (&[296], &[(288..296, false), (0..291, true)]),
        // The end has come already, and brings nothing that makes it whole.
        (&[], &[(0..299, true), (288..296, false)]),
        // Its last octets are missing.
        (&[], &[(0..299, true), (304..700, false)]),
        // Nothing is left of it.
        (&[], &[(0..296, true), (296..303, true), (296..700, false)]),
        (&[], &[(0..7, true), (8..16, false)]),
    ];
    for (expected, pieces) in cases {
        assert_eq!(lengths(IPV4, pieces), expected, "{pieces:?}");
    }
}

#[test]
fn ipv6_refuses_them() {
    let cases: [(&[usize], Pieces<'_>); 9] = [
        (&[], &[(0..299, true), (296..700, false)]),
        (&[], &[(0..296, true), (296..303, true), (296..700, false)]),
        // What makes no sense goes alone.
        (
            &[700],
            &[(0..296, true), (296..296, true), (296..700, false)],
        ),
        (
            &[700],
            &[(0..296, true), (0..288, false), (296..700, false)],
        ),
        (
            &[700],
            &[(296..700, false), (704..712, true), (0..296, true)],
        ),
        (
            &[700],
            &[(296..700, false), (296..701, false), (0..296, true)],
        ),
        (
            &[700],
            &[(0..296, true), (65528..65536, false), (296..700, false)],
        ),
        // An end without octets is one.
        (&[296], &[(296..296, false), (0..296, true)]),
        // What overlaps does not.
        (&[], &[(0..296, true), (288..304, true), (296..700, false)]),
    ];
    for (expected, pieces) in cases {
        assert_eq!(lengths(IPV6, pieces), expected, "{pieces:?}");
    }
}

#[test]
fn no_packet_is_longer_than_a_header_can_say() {
    for (key, longest) in [(IPV4, 65515), (IPV6, 65535)] {
        let pieces = |end| [(0..65504, true), (65504..end, false)];
        assert_eq!(lengths(key, &pieces(longest)), [longest]);
        assert_eq!(lengths(key, &pieces(longest + 1)), [0; 0]);
    }
}

#[test]
fn what_has_come_already_changes_nothing() {
    for (range, more) in [
        (0..296, true),
        (8..16, true),
        (288..296, true),
        (0..8, true),
    ] {
        let mut fragments = Fragments::default();
        assert_eq!(add(&mut fragments, 7, 0..152, true, 0), None);
        assert_eq!(add(&mut fragments, 7, 152..296, true, 0), None);
        for _ in 0..2 {
            assert_eq!(add(&mut fragments, 7, range.clone(), more, 0), None);
        }
        assert_eq!(fragments.passed_over(), 4);
        let whole = add(&mut fragments, 7, 296..700, false, 0);
        assert_eq!(whole.map(|octets| octets.len()), Some(700), "{range:?}");
        // A packet was made of all of them.
        assert_eq!((fragments.passed_over(), fragments.cost), (0, 0));
    }
    // What fills a gap begins a run of its own, and a fragment in two runs overlaps.
    let mut fragments = Fragments::default();
    for range in [296..600, 0..296] {
        assert_eq!(add(&mut fragments, 7, range, true, 0), None);
    }
    assert_eq!(add(&mut fragments, 7, 288..304, true, 0), None);
    assert_eq!((fragments.passed_over(), fragments.cost), (3, 0));
}

#[test]
fn many_packets_take_no_longer_each() {
    let mut fragments = Fragments::default();
    let began = std::time::Instant::now();
    for id in 0..200_000 {
        assert_eq!(add(&mut fragments, id, 0..8, true, id.into()), None);
        assert_eq!(fragments.passed_over(), u64::from(id) + 1);
    }
    let took = began.elapsed();
    assert!(took < std::time::Duration::from_secs(30), "{took:?}");
    // What is too old goes at the next one.
    assert!(fragments.parts.len() > 1000);
    assert_eq!(add(&mut fragments, 0, 0..8, true, 2 * LIFE), None);
    assert_eq!((fragments.parts.len(), fragments.ages.len()), (1, 1));
    assert_eq!(fragments.cost, 8 + 2 * COST);
}

#[test]
fn nothing_waits_for_long_or_takes_much() {
    let mut fragments = Fragments::default();
    assert_eq!(add(&mut fragments, 7, 0..296, true, 0), None);
    assert_eq!(add(&mut fragments, 7, 296..300, false, LIFE + 1), None);
    assert!(add(&mut fragments, 7, 0..296, true, LIFE + 2).is_some());
    for id in 0..10_000 {
        assert_eq!(add(&mut fragments, id, 0..1480, true, id.into()), None);
    }
    assert!(fragments.cost <= MOST);
    // The newest are still there.
    assert!(add(&mut fragments, 9_999, 1480..1500, false, 10_000).is_some());
    assert!(add(&mut fragments, 0, 1480..1500, false, 10_000).is_none());
    // Packets of which nothing makes sense cost something too.
    let mut fragments = Fragments::default();
    for id in 0..100_000 {
        assert_eq!(
            add_to(&mut fragments, Key { id, ..IPV6 }, 8..8, true, 0),
            None
        );
    }
    assert!(fragments.parts.len() <= MOST / COST);
}
