// SPDX-License-Identifier: GPL-2.0-only
//! Writes inputs to begin with for what reads captures, from those of the tests: makes FOLDER/capture.

#[allow(dead_code, reason = "the tests make more of it")]
#[path = "../../../userctl/src/inspect/tests/wire.rs"]
mod wire;

use std::{io, path::Path};

use wire::{block, connection, end, interface, ipv4, ipv6, pcap, resumed, section, Segment};

/// The first octet of an input that is a file, and of one that is frames of these link layers.
const FILE: u8 = 0x8f;
const LOOPBACK: u8 = 0;
const ETHERNET: u8 = 0x81;
const RAW: u8 = 0x92;
const COOKED: u8 = 4;
const NFLOG: u8 = 6;
const COOKED2: u8 = 7;

/// A connection, and one that continues its session.
fn segments() -> Vec<Segment> {
    let mut segments = connection(7);
    segments.extend(end(&segments));
    segments.extend(resumed(5000));
    segments
}

/// Frames as the target takes them: a second between two of them.
fn framed(how: u8, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut input = vec![how];
    for frame in frames {
        let len = u16::try_from(frame.len()).expect("a short frame");
        input.push(1);
        input.extend(len.to_be_bytes());
        input.extend(frame);
    }
    input
}

/// A file of pcapng with every kind of block that has a packet.
fn pcapng(big_endian: bool, frames: &[Vec<u8>]) -> Vec<u8> {
    let clock: &[u8] = match big_endian {
        true => &[0, 9, 0, 1, 9, 0, 0, 0],
        false => &[9, 0, 1, 0, 9, 0, 0, 0],
    };
    let mut octets = section(big_endian);
    octets.extend(interface(big_endian, 101, clock));
    for (place, frame) in frames.iter().enumerate() {
        let len = u32::try_from(frame.len()).expect("a short frame");
        octets.extend(match place % 3 {
            0 => block(big_endian, 6, &[0, 0, 1, len, len], frame),
            1 => block(big_endian, 3, &[len], frame),
            _ => block(big_endian, 2, &[0, 0, 1, len, len], frame),
        });
    }
    octets.extend(block(big_endian, 5, &[0, 0, 0], &[]));
    octets
}

fn main() -> io::Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or_else(|| io::Error::other("usage: capture-seeds FOLDER"))?;
    let folder = Path::new(&folder).join("capture");
    std::fs::create_dir_all(&folder)?;
    let segments = segments();
    let v4: Vec<Vec<u8>> = segments.iter().map(ipv4).collect();
    let options = [
        (0, vec![0, 1, 4, 0, 0, 0, 0]),
        (60, vec![0, 1, 4, 0, 0, 0, 0]),
    ];
    let v6: Vec<Vec<u8>> = segments.iter().map(|s| ipv6(s, &options)).collect();
    let behind = |header: &[u8], packets: &[Vec<u8>]| -> Vec<Vec<u8>> {
        let frame = |packet: &Vec<u8>| [header, packet].concat();
        packets.iter().map(frame).collect()
    };
    let ethernet = [&[0; 12][..], &[0x86, 0xdd]].concat();
    let tagged = [&[0; 12][..], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0]].concat();
    let cooked = [&[0; 14][..], &[8, 0]].concat();
    let cooked2 = [&[8, 0][..], &[0; 18]].concat();
    let nflog: Vec<Vec<u8>> = v4
        .iter()
        .map(|ip| {
            let len = u16::try_from(4 + ip.len()).expect("a short packet");
            [&[2, 0, 0, 0][..], &len.to_le_bytes(), &[9, 0], ip].concat()
        })
        .collect();
    // The data in front of the handshake that it follows, and half of a segment cut off.
    let mut late = v4.clone();
    late.swap(2, 4);
    let mut cut = v4.clone();
    cut[4].truncate(100);
    let file = |octets: Vec<u8>| [vec![FILE], octets].concat();
    for (name, input) in [
        ("pcap", file(pcap(101, &v4))),
        (
            "pcap-cut",
            file(pcap(1, &behind(&ethernet, &v6))[..700].to_vec()),
        ),
        ("pcapng", file(pcapng(false, &v4))),
        ("pcapng-big-endian", file(pcapng(true, &v6))),
        ("loopback", framed(LOOPBACK, &behind(&[2, 0, 0, 0], &v4))),
        ("ethernet", framed(ETHERNET, &behind(&ethernet, &v6))),
        ("tagged", framed(ETHERNET, &behind(&tagged, &v4))),
        ("late", framed(RAW, &late)),
        ("snaplen", framed(RAW, &cut)),
        ("cooked", framed(COOKED, &behind(&cooked, &v4))),
        ("cooked2", framed(COOKED2, &behind(&cooked2, &v4))),
        ("nflog", framed(NFLOG, &nflog)),
    ] {
        std::fs::write(folder.join(name), input)?;
    }
    Ok(())
}
