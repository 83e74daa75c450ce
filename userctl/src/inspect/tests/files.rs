// SPDX-License-Identifier: GPL-2.0-only

//! Files: both formats, cut short, corrupt, and what is no capture.

use super::{
    inspect, of_segments, single,
    wire::{block, connection, interface, ipv4, ipv6, pcap, section},
};

#[test]
fn pcapng_in_both_byte_orders_and_with_several_interfaces() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    let ip: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let len = |octets: &[u8]| u32::try_from(octets.len()).expect("short");
    let packet = |big, interface, octets: &[u8]| {
        block(big, 6, &[interface, 0, 0, len(octets), len(octets)], octets)
    };
    let mut octets = [
        section(false),
        interface(false, 1, &[]),
        interface(false, 101, &[]),
    ]
    .concat();
    octets.extend(ip[..3].iter().flat_map(|ip| packet(false, 1, ip)));
    // Statistics, and a block that nobody knows.
    octets.extend(
        [
            block(false, 5, &[0, 0, 0], &[]),
            block(false, 77, &[1], &[2; 6]),
        ]
        .concat(),
    );
    octets.extend([section(true), interface(true, 101, &[])].concat());
    octets.extend(block(true, 3, &[len(&ip[3])], &ip[3]));
    octets.extend(ip[4..].iter().flat_map(|ip| packet(true, 0, ip)));
    assert_eq!(single(inspect(&octets)), expected);
    let unknown = [octets, packet(true, 3, &ip[0])].concat();
    let trouble = inspect(&unknown)
        .trouble
        .expect("there is no such interface");
    assert!(trouble.contains("not described, at offset"), "{trouble}");
}

#[test]
fn the_first_kind_of_packet_block_is_read() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    for big in [false, true] {
        let mut octets = [
            section(big),
            interface(big, 1, &[]),
            interface(big, 101, &[]),
        ]
        .concat();
        for ip in segments.iter().map(ipv4) {
            let len = u32::try_from(ip.len()).expect("short");
            // The interface's number, and 7 packets dropped.
            let first = if big { 0x0001_0007 } else { 0x0007_0001 };
            octets.extend(block(big, 2, &[first, 0, 0, len, len], &ip));
        }
        assert_eq!(single(inspect(&octets)), expected);
        let trouble = |words: &[u32]| {
            let octets = [&octets[..], &block(big, 2, words, &[])].concat();
            inspect(&octets).trouble.expect("it is not in order")
        };
        let offset = octets.len();
        assert_eq!(
            trouble(&[0, 0, 0, 1, 1]),
            format!(
                "made.pcap: a packet longer than its block, at offset {offset}; the file is corrupt"
            )
        );
        assert!(trouble(&[0, 0, 0, 0]).contains("longer than its block"));
        assert!(trouble(&[0x0002_0002, 0, 0, 0, 0]).contains("not described"));
    }
}

#[test]
fn a_block_shorter_than_any_is_corrupt() {
    for big in [false, true] {
        // The kind that tells of a process, of which pcap-parser would take eleven octets for less than none.
        let mut octets = [section(big), block(big, 0x8000_0001, &[1], &[])].concat();
        let at = if big { 28 + 7 } else { 28 + 4 };
        assert_eq!(inspect(&octets).trouble, None);
        octets[at] = 11;
        assert_eq!(
            inspect(&octets).trouble.as_deref(),
            Some("made.pcap: has a corrupt record, at offset 28; what follows cannot be read")
        );
    }
}

#[test]
fn interfaces_are_bounded() {
    let mut octets = section(false);
    octets.extend(interface(false, 1, &[]).repeat(65536));
    assert_eq!(inspect(&octets).trouble, None);
    octets.extend(interface(false, 1, &[]));
    let trouble = inspect(&octets).trouble.expect("there are too many");
    assert!(trouble.contains("more than 65536 interfaces, at offset"));
}

#[test]
fn a_capture_cut_anywhere_gives_what_is_there() {
    let frames: Vec<Vec<u8>> = connection(7).iter().map(ipv4).collect();
    let octets = pcap(101, &frames);
    let mut ends = vec![24];
    for frame in &frames {
        ends.push(ends[ends.len() - 1] + 16 + frame.len());
    }
    for len in 0..=octets.len() {
        let outcome = inspect(&octets[..len]);
        let whole = ends.iter().filter(|end| **end <= len).count();
        assert_eq!(outcome.trouble.is_none(), ends.contains(&len), "{len}");
        assert_eq!(outcome.packets.len(), whole.saturating_sub(3), "{len}");
        if let (Some(trouble), true) = (outcome.trouble, len > 24) {
            let expected = format!(
                "made.pcap: is cut off in a record, at offset {}; ",
                ends[whole - 1]
            );
            assert!(trouble.starts_with(&expected), "{trouble}");
        }
    }
}

#[test]
fn no_octets_make_it_panic() {
    let frames: Vec<Vec<u8>> = connection(7)
        .iter()
        .map(|s| {
            [
                &[0; 12][..],
                &[0x86, 0xdd],
                &ipv6(s, &[(0, vec![0, 1, 4, 0, 0, 0, 0])]),
            ]
            .concat()
        })
        .collect();
    let good = pcap(1, &frames);
    // A generator of Marsaglia's, so that a failure comes again.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).expect("it is below a length")
    };
    for _ in 0..1000 {
        let mut octets = good.clone();
        for _ in 0..=next(6) {
            let place = next(octets.len());
            octets[place] = [0, 1, 0x7f, 0x80, 0xff, next(256) as u8][next(6)];
        }
        octets.truncate(octets.len() - next(40));
        let outcome = inspect(&octets);
        assert!(outcome.packets.len() <= frames.len());
    }
}

#[test]
fn what_is_no_capture_is_refused() {
    let trouble = |octets: &[u8]| inspect(octets).trouble.expect("it is no capture");
    assert_eq!(
        trouble(&[]),
        "made.pcap: is empty, at offset 0; it must be a capture, pcap or pcapng"
    );
    assert!(trouble(&[0x1f; 100]).contains("is no capture"));
    let unknown = trouble(&pcap(147, &[vec![0; 60], vec![0; 60]]));
    assert!(
        unknown.starts_with("link type 147 is not known, of 2 frames, the first at offset 24; "),
        "{unknown}"
    );
    let mut large = pcap(101, &[vec![0; 60]]);
    large[32..36].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    assert!(trouble(&large).contains("is cut off in a record, at offset 24"));
    large.resize(20 << 20, 0);
    assert!(trouble(&large).contains("more than 16 MiB, at offset 24; "));
    // A header alone is a capture in which nothing was seen.
    assert_eq!(inspect(&pcap(1, &[])).trouble, None);
}

#[test]
fn captures_one_behind_the_other() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    let ip: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let ethernet: Vec<Vec<u8>> = ip[4..]
        .iter()
        .map(|ip| [&[0; 12][..], &[8, 0], ip].concat())
        .collect();
    let octets = [pcap(101, &ip[..4]), pcap(1, &ethernet)].concat();
    assert_eq!(single(inspect(&octets)), expected);
    // Cut off in the second header, and in another byte order.
    let start = pcap(101, &ip[..4]).len();
    for cut in start + 1..start + 24 {
        let trouble = inspect(&octets[..cut]).trouble.expect("it is cut off");
        assert!(
            trouble.contains("is cut off in a record"),
            "{cut}: {trouble}"
        );
    }
    let mut swapped = octets;
    swapped[start..start + 4].reverse();
    swapped[start + 4..start + 8].copy_from_slice(&[0, 2, 0, 4]);
    let trouble = inspect(&swapped).trouble.expect("it cannot be read");
    assert!(
        trouble.contains("joined to it, in another byte order, at offset"),
        "{trouble}"
    );
}

#[test]
fn what_stands_behind_ip_in_a_frame_is_not_payload() {
    let segments = connection(7);
    let expected = single(of_segments(&segments));
    for trailer in [1, 4, 18] {
        let frames: Vec<Vec<u8>> = segments
            .iter()
            .map(|segment| [&[0; 12][..], &[8, 0], &ipv4(segment), &vec![0xee; trailer]].concat())
            .collect();
        assert_eq!(single(inspect(&pcap(1, &frames))), expected);
    }
}
