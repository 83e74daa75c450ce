// SPDX-License-Identifier: GPL-2.0-only

//! Captures made by hand: a TLS 1.2 connection as packets, packets as frames, frames as files.

use etherparse::PacketBuilder;

/// A TCP packet between the two ends.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) from_client: bool,
    pub(crate) seq: u32,
    pub(crate) ack: Option<u32>,
    /// Of S, F and R.
    pub(crate) flags: &'static str,
    pub(crate) payload: Vec<u8>,
}

/// The id that the server gives the session.
const SESSION: [u8; 32] = [0x1d; 32];

/// A record of TLS.
pub(crate) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).expect("a short record");
    [&[kind, 3, 3][..], &len.to_be_bytes(), body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).expect("a short message");
    [&[kind][..], &len.to_be_bytes()[1..], body].concat()
}

/// A handshake up to established, then data of each side; numbers begin at `first`.
pub(crate) fn connection(first: u32) -> Vec<Segment> {
    let client_hello = [&[3, 3][..], &[0xc1; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0]].concat();
    let server_hello = server_hello();
    let [ccs, finished] = last();
    let payloads = vec![
        (true, record(22, &message(1, &client_hello))),
        (
            false,
            [
                record(22, &message(2, &server_hello)),
                record(22, &message(14, &[])),
            ]
            .concat(),
        ),
        (
            true,
            [
                record(22, &message(16, &[0; 60])),
                ccs.clone(),
                finished.clone(),
            ]
            .concat(),
        ),
        (false, [ccs, finished].concat()),
        (true, record(23, &[0xda; 700])),
        (false, record(23, &[0xda; 1200])),
    ];
    spoken(first, payloads)
}

/// One that continues the session of [`connection`].
pub(crate) fn resumed(first: u32) -> Vec<Segment> {
    let id = [&[32][..], &SESSION].concat();
    let client_hello = [&[3, 3][..], &[0xc2; 32], &id, &[0, 2, 0xc0, 0x2f, 1, 0]].concat();
    let last = last().concat();
    let answer = [record(22, &message(2, &server_hello())), last.clone()].concat();
    let payloads = vec![
        (true, record(22, &message(1, &client_hello))),
        (false, answer),
        (true, last),
    ];
    spoken(first, payloads)
}

fn server_hello() -> Vec<u8> {
    [&[3, 3][..], &[0x5e; 32], &[32], &SESSION, &[0xc0, 0x2f, 0]].concat()
}

/// ChangeCipherSpec and Finished.
fn last() -> [Vec<u8>; 2] {
    [record(20, &[1]), record(22, &[0xaa; 40])]
}

/// What the sides say in turns, behind SYN and SYN-ACK.
pub(crate) fn spoken(first: u32, payloads: Vec<(bool, Vec<u8>)>) -> Vec<Segment> {
    let mut next = [first, first.wrapping_add(0x4000_0000)];
    let start = |from_client, seq, ack, flags| Segment {
        from_client,
        seq,
        ack,
        flags,
        payload: Vec::new(),
    };
    let mut segments = vec![
        start(true, next[0], None, "S"),
        start(false, next[1], Some(next[0].wrapping_add(1)), "S"),
    ];
    next = next.map(|next| next.wrapping_add(1));
    for (from_client, payload) in payloads {
        let (from, to) = match from_client {
            true => (0, 1),
            false => (1, 0),
        };
        let seq = next[from];
        next[from] = seq.wrapping_add(u32::try_from(payload.len()).expect("it is short"));
        segments.push(Segment {
            payload,
            ..start(from_client, seq, Some(next[to]), "")
        });
    }
    segments
}

/// The end of a connection: FINs of both sides, acknowledged.
pub(crate) fn end(segments: &[Segment]) -> Vec<Segment> {
    let next = |from_client| {
        let last = segments
            .iter()
            .rfind(|segment| segment.from_client == from_client)
            .expect("both have sent");
        last.seq
            .wrapping_add(u32::try_from(last.payload.len()).expect("it is short"))
    };
    let (client, server) = (next(true), next(false));
    let packet = |from_client, seq, ack, flags| Segment {
        from_client,
        seq,
        ack: Some(ack),
        flags,
        payload: Vec::new(),
    };
    vec![
        packet(true, client, server, "F"),
        packet(false, server, client.wrapping_add(1), "F"),
        packet(true, client.wrapping_add(1), server.wrapping_add(1), ""),
    ]
}

/// A segment as an IPv4 packet.
pub(crate) fn ipv4(segment: &Segment) -> Vec<u8> {
    let ends = [[10, 0, 0, 1], [10, 0, 0, 2]];
    let [src, dst] = turned(segment, ends);
    packet(PacketBuilder::ipv4(src, dst, 64), segment)
}

/// A UDP packet between two gateways.
pub(crate) fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .udp(50000, port)
        .write(&mut octets, payload)
        .expect("memory takes it in");
    octets
}

/// A segment as an IPv6 packet; extension headers stand in front of TCP.
pub(crate) fn ipv6(segment: &Segment, extensions: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let end = |last| [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    let [src, dst] = turned(segment, [end(1), end(2)]);
    let plain = packet(PacketBuilder::ipv6(src, dst, 64), segment);
    let (header, tcp) = plain.split_at(40);
    let mut octets = header.to_vec();
    let mut kind_at = 6;
    for (kind, body) in extensions {
        octets[kind_at] = *kind;
        kind_at = octets.len();
        octets.push(6);
        octets.extend(body);
    }
    octets.extend(tcp);
    let len = u16::try_from(octets.len() - 40).expect("a short packet");
    octets[4..6].copy_from_slice(&len.to_be_bytes());
    octets
}

fn turned<T>(segment: &Segment, ends: [T; 2]) -> [T; 2] {
    let [client, server] = ends;
    match segment.from_client {
        true => [client, server],
        false => [server, client],
    }
}

fn packet(ip: etherparse::PacketBuilderStep<etherparse::IpHeaders>, segment: &Segment) -> Vec<u8> {
    let [src, dst] = turned(segment, [40000, 443]);
    let mut tcp = ip.tcp(src, dst, segment.seq, 65535);
    if let Some(ack) = segment.ack {
        tcp = tcp.ack(ack);
    }
    for flag in segment.flags.chars() {
        tcp = match flag {
            'S' => tcp.syn(),
            'F' => tcp.fin(),
            _ => tcp.rst(),
        };
    }
    let mut octets = Vec::new();
    tcp.write(&mut octets, &segment.payload)
        .expect("memory takes it");
    octets
}

/// A pcap file of frames.
pub(crate) fn pcap(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    pcap_timed(link, frames.iter().map(|frame| (0, &frame[..])))
}

/// A pcap file of frames that were captured at these seconds.
pub(crate) fn pcap_timed<'a>(
    link: u32,
    frames: impl IntoIterator<Item = (u32, &'a [u8])>,
) -> Vec<u8> {
    let mut octets = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, link] {
        octets.extend(word.to_le_bytes());
    }
    for (seconds, frame) in frames {
        let len = u32::try_from(frame.len()).expect("a short frame");
        for word in [seconds, 0, len, len] {
            octets.extend(word.to_le_bytes());
        }
        octets.extend(frame);
    }
    octets
}

/// A block of pcapng, in either byte order.
pub(crate) fn block(big_endian: bool, kind: u32, words: &[u32], octets: &[u8]) -> Vec<u8> {
    let body = 4 * words.len() + octets.len().next_multiple_of(4);
    let len = u32::try_from(12 + body).expect("a short block");
    let mut block = Vec::new();
    for word in [&[kind, len], words].concat() {
        block.extend(match big_endian {
            true => word.to_be_bytes(),
            false => word.to_le_bytes(),
        });
    }
    block.extend(octets);
    block.resize(8 + body, 0);
    block.extend(match big_endian {
        true => len.to_be_bytes(),
        false => len.to_le_bytes(),
    });
    block
}

/// The block that begins a section of pcapng.
pub(crate) fn section(big_endian: bool) -> Vec<u8> {
    let version = if big_endian { 0x0001_0000 } else { 1 };
    block(
        big_endian,
        0x0a0d_0d0a,
        &[0x1a2b_3c4d, version, u32::MAX, u32::MAX],
        &[],
    )
}

/// The block that describes an interface of pcapng.
pub(crate) fn interface(big_endian: bool, link: u32, options: &[u8]) -> Vec<u8> {
    let link = if big_endian { link << 16 } else { link };
    block(big_endian, 1, &[link, 0], options)
}
