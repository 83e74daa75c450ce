// SPDX-License-Identifier: GPL-2.0-only

//! Every length field of a capture with every value: no panic, and an error that says where.

use super::{
    inspect,
    wire::{block, connection, interface, ipv4, ipv6, pcap, section, Segment},
};

/// All values of a field of one or two octets; of one with four, those up to more than the length of any capture here,
/// others over the whole range, and those around every power of two.
fn values(width: usize) -> Vec<u32> {
    if width < 4 {
        return (0..1 << (8 * width)).collect();
    }
    let powers = (12..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1]);
    let sparse = (1 << 12..u32::MAX).step_by(1_048_573);
    (0..1 << 12)
        .chain(sparse)
        .chain(powers)
        .chain([u32::MAX])
        .collect()
}

/// Sets a field to every value. How many gave an error, and how many showed a connection.
fn every_value(good: &[u8], at: usize, width: usize, big_endian: bool) -> [usize; 2] {
    let mut counts = [0, 0];
    for value in values(width) {
        let mut octets = good.to_vec();
        let number = match big_endian {
            true => value << (32 - 8 * width),
            false => value.swap_bytes(),
        };
        octets[at..at + width].copy_from_slice(&number.to_be_bytes()[..width]);
        let outcome = inspect(&octets);
        counts[1] += outcome.connections.len();
        if let Some(trouble) = outcome.trouble {
            assert!(
                trouble.contains(", at offset "),
                "{value} at {at}: {trouble}"
            );
            counts[0] += 1;
        }
    }
    counts
}

/// SYN, SYN-ACK and ClientHello.
fn packets(ip: impl Fn(&Segment) -> Vec<u8>) -> Vec<Vec<u8>> {
    connection(7)[..3].iter().map(ip).collect()
}

#[test]
fn pcap_records() {
    let frames = packets(ipv4);
    let good = pcap(101, &frames);
    let last = 24 + 2 * 16 + frames[0].len() + frames[1].len();
    // A shorter record leaves octets behind it that are none; a longer one is cut off.
    let all = values(4).len();
    assert_eq!(every_value(&good, last + 8, 4, false), [all - 1, all]);
    // The length on the wire, and that of the longest packet of the file, are not believed.
    for at in [16, last + 12] {
        assert_eq!(every_value(&good, at, 4, false), [0, all]);
    }
}

#[test]
fn pcapng_blocks() {
    let frames = packets(ipv4);
    let len = u32::try_from(frames[2].len()).expect("short");
    for big in [false, true] {
        let start = section(big);
        // The length of an option too.
        let described = interface(big, 101, &[0, 9, 0, 9, 6, 0, 0, 0]);
        let packet = |frame: &Vec<u8>| {
            let len = u32::try_from(frame.len()).expect("short");
            block(big, 6, &[0, 0, 0, len, len], frame)
        };
        let mut good = [&start[..], &described, &packet(&frames[0])].concat();
        let places = [
            (4, 4),
            (start.len() - 4, 4),
            (start.len() + 4, 4),
            (start.len() + 18, 2),
            (good.len() + 4, 4),
            (good.len() + 20, 4),
            (good.len() + 24, 4),
            (good.len() + packet(&frames[1]).len() - 4, 4),
        ];
        good.extend(packet(&frames[1]));
        let simple = good.len();
        good.extend(block(big, 3, &[len], &frames[2]));
        let oldest = good.len();
        good.extend(block(big, 2, &[0, 0, 0, len, len], &frames[2]));
        let places = places.into_iter().chain([
            (simple + 4, 4),
            (simple + 8, 4),
            (oldest + 4, 4),
            (oldest + 20, 4),
        ]);
        for (at, width) in places {
            let [errors, shown] = every_value(&good, at, width, big);
            let all = values(width).len();
            assert!(errors < all, "{at}: the right value is among them");
            assert!(shown > 0 && shown <= all, "{at}: {shown}");
        }
    }
}

#[test]
fn packet_headers() {
    let all = |width| values(width).len();
    // IPv4: the header's length, which shares its octet with the version, and the packet's; TCP: the header's length.
    let frames = packets(ipv4);
    let good = pcap(228, &frames);
    let last = good.len() - frames[2].len();
    for (at, width) in [(0, 1), (2, 2), (20 + 12, 1)] {
        let [errors, shown] = every_value(&good, last + at, width, true);
        assert_eq!(errors, 0, "{at}");
        assert!(shown >= all(width), "{at}: {shown}");
    }
    // IPv6: the packet's length; of options and a routing header; TCP's.
    let extensions = [
        (0, vec![0, 1, 4, 0, 0, 0, 0]),
        (43, vec![0, 0, 0, 0, 0, 0, 0]),
    ];
    let frames = packets(|segment| ipv6(segment, &extensions));
    let good = pcap(229, &frames);
    let last = good.len() - frames[2].len();
    for (at, width) in [(4, 2), (40 + 1, 1), (48 + 1, 1), (56 + 12, 1)] {
        let [errors, shown] = every_value(&good, last + at, width, true);
        assert_eq!(errors, 0, "{at}");
        assert!(shown >= all(width), "{at}: {shown}");
    }
}

#[test]
fn attributes_of_netfilter_s_log() {
    let prefix = [2, 0, 0, 0, 5, 0, 10, 0, 0xff, 0, 0, 0, 0, 0, 9, 0];
    let frames = packets(|segment| {
        let ip = ipv4(segment);
        let mut frame = [&prefix[..], &ip].concat();
        let len = u16::try_from(4 + ip.len()).expect("short");
        frame[12..14].copy_from_slice(&len.to_le_bytes());
        frame
    });
    let good = pcap(239, &frames);
    let last = good.len() - frames[2].len();
    for at in [4, 12] {
        assert_eq!(
            every_value(&good, last + at, 2, false),
            [0, values(2).len()]
        );
    }
}
