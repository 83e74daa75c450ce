// SPDX-License-Identifier: GPL-2.0-only
//! Writes inputs to begin with for what reads captures, from those of the tests: makes FOLDER/capture.

#[allow(dead_code, reason = "the tests make more of it")]
#[path = "../../../userctl/src/inspect/tests/wire.rs"]
mod wire;

use std::{io, path::Path};

use wire::{block, connection, end, interface, ipv4, ipv6, pcap, resumed, section, Segment};

/// The first octet of an input that is a file, and of one that is frames of these link layers.
const FILE: u8 = 0x1f;
const LOOPBACK: u8 = 0;
const ETHERNET: u8 = 1;
const PPP: u8 = 2;
const HDLC: u8 = 5;
const PPPOE: u8 = 6;
const RAW: u8 = 7;
const WIFI: u8 = 8;
const COOKED: u8 = 10;
const RADIOTAP: u8 = 11;
const IPV4: u8 = 12;
const NFLOG: u8 = 14;
const COOKED2: u8 = 15;

/// The second: options, and whether the file is given in pieces.
const LOOSE: u8 = 1;
const EXPLAIN: u8 = 2;
const TIMEOUT: u8 = 4;
const OUTER: u8 = 8;
const PIECES: u8 = 0x80;

/// A connection, and one that continues its session.
fn segments() -> Vec<Segment> {
    let mut segments = connection(7);
    segments.extend(end(&segments));
    segments.extend(resumed(5000));
    segments
}

/// Frames as the target takes them: a second between two of them.
fn framed(link: u8, how: u8, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut input = vec![link, how];
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
    // The data before the handshake that it follows, and half of a segment cut off.
    let mut late = v4.clone();
    late.swap(2, 4);
    let mut cut = v4.clone();
    cut[4].truncate(100);
    let wifi = [&[8, 1][..], &[0; 22], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0]].concat();
    let radiotap = [&[0, 0, 8, 0, 0, 0, 0, 0][..], &wifi].concat();
    let tunnel = |protocol: u8, header: &[u8]| -> Vec<Vec<u8>> {
        let packet = |ip: &Vec<u8>| {
            let len = u16::try_from(20 + header.len() + ip.len()).expect("a short packet");
            let [high, low] = len.to_be_bytes();
            let outer = [0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0];
            [&outer[..], &[192, 0, 2, 1, 192, 0, 2, 2], header, ip].concat()
        };
        v4.iter().map(packet).collect()
    };
    let gtp = [8, 0x68, 8, 0x68, 0, 0, 0, 0, 0x30, 0xff, 0, 0, 0, 0, 0, 7];
    let call = [
        0x30, 1, 0x88, 0x0b, 0, 0, 0, 7, 0, 0, 0, 1, 0xff, 3, 0, 0x21,
    ];
    let file = |octets: Vec<u8>| [vec![FILE, PIECES], octets].concat();
    for (name, input) in [
        ("pcap", file(pcap(101, &v4))),
        (
            "pcap-cut",
            file(pcap(1, &behind(&ethernet, &v6))[..700].to_vec()),
        ),
        ("pcapng", file(pcapng(false, &v4))),
        ("pcapng-big-endian", file(pcapng(true, &v6))),
        ("loopback", framed(LOOPBACK, 0, &behind(&[2, 0, 0, 0], &v4))),
        (
            "ethernet",
            framed(ETHERNET, PIECES, &behind(&ethernet, &v6)),
        ),
        ("tagged", framed(ETHERNET, EXPLAIN, &behind(&tagged, &v4))),
        ("late", framed(RAW, PIECES, &late)),
        ("snaplen", framed(RAW, PIECES, &cut)),
        ("loose", framed(RAW, LOOSE, &v4[2..])),
        ("one-direction", framed(RAW, LOOSE | TIMEOUT, &v4[2..3])),
        ("timeout", framed(RAW, TIMEOUT | EXPLAIN, &v4)),
        ("ppp", framed(PPP, 0, &behind(&[0, 0x21], &v4))),
        ("hdlc", framed(HDLC, 0, &behind(&[0xff, 3, 0, 0x21], &v4))),
        (
            "pppoe",
            framed(PPPOE, 0, &behind(&[0x11, 0, 0, 1, 0, 4, 0, 0x21], &v4)),
        ),
        ("wifi", framed(WIFI, 0, &behind(&wifi, &v4))),
        ("radiotap", framed(RADIOTAP, 0, &behind(&radiotap, &v4))),
        ("ipv4", framed(IPV4, EXPLAIN, &v4)),
        ("cooked", framed(COOKED, 0, &behind(&cooked, &v4))),
        ("cooked2", framed(COOKED2, 0, &behind(&cooked2, &v4))),
        ("nflog", framed(NFLOG, 0, &nflog)),
        ("gtp", framed(RAW, 0, &tunnel(17, &gtp))),
        ("pptp", framed(RAW, 0, &tunnel(47, &call))),
        ("outer", framed(RAW, OUTER, &tunnel(47, &[0, 0, 8, 0]))),
    ] {
        std::fs::write(folder.join(name), input)?;
    }
    Ok(())
}
