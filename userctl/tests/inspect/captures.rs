// SPDX-License-Identifier: GPL-2.0-only

//! Captures made by hand, of connections that are not TLS.

use etherparse::PacketBuilder;

/// A SYN, its answer, and a request that is not TLS.
pub(crate) fn capture() -> Vec<u8> {
    let packet = |back: bool, seq, ack: Option<u32>, payload: &[u8]| {
        let (src, dst) = match back {
            false => (([10, 0, 0, 1], 40000), ([10, 0, 0, 2], 80)),
            true => (([10, 0, 0, 2], 80), ([10, 0, 0, 1], 40000)),
        };
        let tcp = PacketBuilder::ipv4(src.0, dst.0, 64).tcp(src.1, dst.1, seq, 65535);
        let tcp = if payload.is_empty() { tcp.syn() } else { tcp };
        let tcp = match ack {
            Some(ack) => tcp.ack(ack),
            None => tcp,
        };
        let mut octets = Vec::new();
        tcp.write(&mut octets, payload).expect("memory takes it");
        octets
    };
    let mut octets = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, 101_u32] {
        octets.extend(word.to_le_bytes());
    }
    for packet in [
        packet(false, 99, None, &[]),
        packet(true, 999, Some(100), &[]),
        packet(false, 100, Some(1000), b"GET / HTTP/1.1\r\n"),
    ] {
        let len = u32::try_from(packet.len()).expect("it is short");
        for word in [0, 0, len, len] {
            octets.extend(word.to_le_bytes());
        }
        octets.extend(packet);
    }
    octets
}

/// The same connection so many times, each from another port.
pub(crate) fn several(connections: u16) -> Vec<u8> {
    let one = capture();
    let (header, packets) = one.split_at(24);
    let mut octets = header.to_vec();
    for number in 0..connections {
        let start = octets.len();
        octets.extend(packets);
        let ends = 40000_u16.to_be_bytes();
        let port = (1000 + number).to_be_bytes();
        let places: Vec<usize> = (start..octets.len() - 1)
            .filter(|place| octets[*place..*place + 2] == ends)
            .collect();
        for place in places {
            octets[place..place + 2].copy_from_slice(&port);
        }
    }
    octets
}

/// A capture in pieces, with so many more frames, each of `len` octets.
pub(crate) fn large(frames: usize, len: u16) -> impl Iterator<Item = Vec<u8>> {
    let frame = move || {
        let mut octets = Vec::new();
        for word in [0, 0, len.into(), u32::from(len)] {
            octets.extend(word.to_le_bytes());
        }
        octets.resize(octets.len() + usize::from(len), 0);
        octets
    };
    std::iter::once(capture()).chain(std::iter::repeat_with(frame).take(frames))
}
