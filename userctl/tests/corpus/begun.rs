// SPDX-License-Identifier: GPL-2.0-only

//! A capture that lacks the start of its connections, with the start put before each: SYN and SYN-ACK, with
//! numbers that fit what follows.

use std::{collections::HashMap, fs::File, net::SocketAddr, path::Path};

use etherparse::{LaxNetSlice, LaxSlicedPacket, PacketBuilder, TransportSlice};
use pcap_parser::{create_reader, Block, Linktype, PcapBlockOwned, PcapError};

/// A TCP packet: who sent it, to whom, its numbers, and the IP packet around it.
#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    seq: u32,
    ack: u32,
    pub(crate) syn: bool,
    pub(crate) rst: bool,
    pub(crate) has_payload: bool,
    ip: Vec<u8>,
}

/// The capture as raw IP, in pcap. Everything but TCP is left out.
pub(crate) fn with_start(capture: &Path) -> Vec<u8> {
    let packets = packets(capture);
    let mut first: HashMap<(SocketAddr, SocketAddr), u32> = HashMap::new();
    for packet in &packets {
        first.entry((packet.src, packet.dst)).or_insert(packet.seq);
    }
    let mut pcap = header();
    let mut begun = Vec::new();
    for packet in &packets {
        let ends = (packet.src, packet.dst);
        if !begun.contains(&ends) && !begun.contains(&(ends.1, ends.0)) {
            begun.push(ends);
            if packet.syn {
                record(&mut pcap, &packet.ip);
                continue;
            }
            let src = first[&ends];
            let dst = first.get(&(ends.1, ends.0)).copied().unwrap_or(packet.ack);
            record(
                &mut pcap,
                &start(packet.src, packet.dst, src.wrapping_sub(1), None),
            );
            record(
                &mut pcap,
                &start(packet.dst, packet.src, dst.wrapping_sub(1), Some(src)),
            );
        }
        record(&mut pcap, &packet.ip);
    }
    pcap
}

/// Packets as a capture.
pub(crate) fn pcap(packets: &[Packet]) -> Vec<u8> {
    let mut pcap = header();
    for packet in packets {
        record(&mut pcap, &packet.ip);
    }
    pcap
}

fn header() -> Vec<u8> {
    let words = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, 101_u32];
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn record(pcap: &mut Vec<u8>, ip: &[u8]) {
    let len = u32::try_from(ip.len()).expect("a packet is short");
    for word in [0, 0, len, len] {
        pcap.extend(word.to_le_bytes());
    }
    pcap.extend(ip);
}

/// A SYN, or the answer to one.
fn start(src: SocketAddr, dst: SocketAddr, seq: u32, ack: Option<u32>) -> Vec<u8> {
    let ip = match (src, dst) {
        (SocketAddr::V4(src), SocketAddr::V4(dst)) => {
            PacketBuilder::ipv4(src.ip().octets(), dst.ip().octets(), 64)
        }
        (SocketAddr::V6(src), SocketAddr::V6(dst)) => {
            PacketBuilder::ipv6(src.ip().octets(), dst.ip().octets(), 64)
        }
        _ => panic!("both ends are of one family"),
    };
    let tcp = ip.tcp(src.port(), dst.port(), seq, 65535).syn();
    let tcp = match ack {
        Some(ack) => tcp.ack(ack),
        None => tcp,
    };
    let mut octets = Vec::new();
    tcp.write(&mut octets, &[]).expect("memory takes it");
    octets
}

pub(crate) fn packets(capture: &Path) -> Vec<Packet> {
    let file = File::open(capture).expect("the capture opens");
    let mut reader = create_reader(1 << 20, file).expect("it is a capture");
    let mut link = Linktype(0);
    let mut packets = Vec::new();
    loop {
        let len = match reader.next() {
            Ok((len, block)) => {
                match &block {
                    PcapBlockOwned::LegacyHeader(header) => link = header.network,
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                        link = interface.linktype;
                    }
                    PcapBlockOwned::Legacy(block) => packets.extend(packet(link, block.data)),
                    PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
                        packets.extend(packet(link, &block.data[..block.caplen as usize]));
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                len
            }
            Err(PcapError::Incomplete(_)) => {
                reader.refill().expect("it can be read");
                continue;
            }
            Err(PcapError::Eof | PcapError::UnexpectedEof) => return packets,
            Err(error) => panic!("{}: {error}", capture.display()),
        };
        reader.consume(len);
    }
}

fn packet(link: Linktype, octets: &[u8]) -> Option<Packet> {
    let from_ip = |len: usize| LaxSlicedPacket::from_ip(octets.get(len..)?).ok();
    let sliced = match link.0 {
        1 => LaxSlicedPacket::from_ethernet(octets).ok()?,
        0 => from_ip(4)?,
        101 | 228 | 229 => from_ip(0)?,
        113 => from_ip(16)?,
        276 => from_ip(20)?,
        239 => return None,
        link => panic!("link type {link} is not read here"),
    };
    let (src, dst, len, at) = match sliced.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let at = header.slice().as_ptr();
            let (src, dst) = (header.source_addr(), header.destination_addr());
            (src.into(), dst.into(), usize::from(header.total_len()), at)
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            let at = header.slice().as_ptr();
            let (src, dst) = (header.source_addr(), header.destination_addr());
            (
                src.into(),
                dst.into(),
                40 + usize::from(header.payload_length()),
                at,
            )
        }
        LaxNetSlice::Arp(_) => return None,
    };
    let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else {
        return None;
    };
    let place = at as usize - octets.as_ptr() as usize;
    Some(Packet {
        src: SocketAddr::new(src, tcp.source_port()),
        dst: SocketAddr::new(dst, tcp.destination_port()),
        seq: tcp.sequence_number().wrapping_add(u32::from(tcp.syn())),
        ack: tcp.acknowledgment_number(),
        syn: tcp.syn(),
        rst: tcp.rst(),
        has_payload: !tcp.payload().is_empty(),
        ip: octets[place..octets.len().min(place + len)].to_vec(),
    })
}
