// SPDX-License-Identifier: GPL-2.0-only

//! Captures of whole handshakes in another order than that in which the packets were sent: taps that are late in one direction,
//! several queues of a network card. As no byte is missing, nothing else may come out.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::{
    begun::{self, Packet},
    inspect, reference,
};

/// Larger captures are left out: each is read some twenty times.
const LARGEST: u64 = 2_000_000;

/// What does not depend on the order of packets that were on their way at the same time.
pub(crate) const FIELDS: [&str; 23] = [
    "src",
    "dst",
    "client",
    "confirmed",
    "version",
    "offered",
    "cipher",
    "sni",
    "alpn",
    "ja4",
    "client_random",
    "server_random",
    "session_id",
    "server_session_id",
    "resumed",
    "resumption",
    "early_data",
    "ech",
    "hello_retry",
    "records",
    "bytes",
    "state",
    "reason",
];

#[test]
fn the_order_of_capture_changes_nothing() {
    let Some(folder) = reference::folder() else {
        eprintln!("SKIP: no captures in ../shared/corpus, and TLSCONN_CORPUS names no other place");
        return;
    };
    let (mut compared, mut wrong) = (0, Vec::new());
    for (pcap, packets) in whole(&folder) {
        let path = folder.join(&pcap);
        let expected = said(&path, &packets);
        if !expected.iter().all(is_followed) {
            continue;
        }
        for (how, packets) in orders(&packets) {
            compared += 1;
            let found = said(&path, &packets);
            if found.len() != expected.len() {
                wrong.push(format!("{pcap}, {how}: {} connections", found.len()));
                continue;
            }
            for (found, expected) in found.iter().zip(&expected) {
                let differs = FIELDS
                    .iter()
                    .find(|field| found[**field] != expected[**field]);
                if let Some(field) = differs {
                    let (is, not) = (&found[*field], &expected[*field]);
                    wrong.push(format!("{pcap}, {how}: {field} is {is}, not {not}"));
                }
            }
        }
    }
    println!("{compared} orders of capture compared");
    assert!(compared > 1000, "{compared}");
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// Streams of which no byte is missing, each with its capture's name.
pub(crate) fn whole(folder: &Path) -> Vec<(String, Vec<Packet>)> {
    let mut streams = Vec::new();
    for row in reference::read(&folder.join("reference.tsv")) {
        let is = |column: &str, value: &str| row.get(column) == value;
        let none = ["gaps", "truncated", "retrans", "ooo"];
        let is_whole = row.has_start() && !is("synack", "0") && is("tls_at_start", "yes");
        let (pcap, _) = row.place();
        let path = folder.join(pcap);
        let is_large = || path.metadata().expect("it is there").len() > LARGEST;
        if !is_whole
            || none.iter().any(|column| !is(column, "0"))
            || !is("tunnel", "-")
            || is_large()
        {
            continue;
        }
        let ends = ["orig", "resp"].map(|end| row.get(end).to_string());
        let mut packets = begun::packets(&path);
        packets.retain(|packet| {
            let from = [packet.src.to_string(), packet.dst.to_string()];
            from == ends || from.iter().rev().eq(&ends)
        });
        if packets.iter().filter(|packet| packet.syn).count() == 2 {
            streams.push((pcap.into(), packets));
        }
    }
    streams
}

fn said(path: &Path, packets: &[Packet]) -> Vec<Value> {
    let said = inspect(path, Some(&begun::pcap(packets)));
    said["connections"].as_array().expect("a list").clone()
}

pub(crate) fn is_followed(connection: &Value) -> bool {
    let state = connection["state"].as_str().expect("a state");
    !["lost", "tainted", "not-tls"].contains(&state)
}

/// The packets in other orders, each with its name.
fn orders(packets: &[Packet]) -> Vec<(String, Vec<Packet>)> {
    let Some(first) = packets.first() else {
        return Vec::new();
    };
    let mut orders = Vec::new();
    for (who, src) in [("client", first.src), ("server", first.dst)] {
        for late in [1, 2, 3, 7, packets.len()] {
            let place = |(place, packet): (usize, &Packet)| match packet.src == src {
                true => 2 * (place + late) + 1,
                false => 2 * place,
            };
            orders.push((format!("{who} late by {late}"), by(packets, place)));
        }
    }
    let is_answer = |packet: &Packet| packet.syn && packet.src == first.dst;
    for behind in 1..=3 {
        let hello = packets
            .iter()
            .enumerate()
            .filter(|(_, packet)| packet.has_payload)
            .nth(behind - 1);
        let Some((hello, _)) = hello else { continue };
        let place = |(place, packet): (usize, &Packet)| match is_answer(packet) {
            true => 2 * hello + 1,
            false => 2 * place,
        };
        orders.push((
            format!("SYN-ACK after payload {behind}"),
            by(packets, place),
        ));
    }
    for start in 0..2 {
        let flights = flights(packets);
        let place = |(place, _): (usize, &Packet)| {
            let flight = flights[place];
            let swapped = match (flight + start) % 2 {
                0 => flight + 1,
                _ => flight.saturating_sub(1),
            };
            swapped * packets.len() + place
        };
        orders.push((format!("flights swapped from {start}"), by(packets, place)));
    }
    // Whether conntrack takes an RST depends on what was on its way.
    let reset = packets.iter().position(|packet| packet.rst);
    for (seed, window) in (1..).zip([2, 3, 4, 6, 10, 10, 10]) {
        let mut random = Random(seed);
        let mut places: Vec<usize> = (0..packets.len()).collect();
        let (shuffled, _) = places.split_at_mut(reset.unwrap_or(packets.len()));
        for part in shuffled.chunks_mut(window) {
            for last in (1..part.len()).rev() {
                part.swap(last, random.below(last + 1));
            }
        }
        let shuffled = places.iter().map(|place| packets[*place].clone()).collect();
        orders.push((format!("windows of {window} by {seed}"), shuffled));
    }
    orders
}

/// In the order of what `place` says of each.
fn by(packets: &[Packet], place: impl Fn((usize, &Packet)) -> usize) -> Vec<Packet> {
    let mut places: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (number, packet) in packets.iter().enumerate() {
        places.insert((place((number, packet)), number));
    }
    let ordered = places.iter().map(|(_, number)| packets[*number].clone());
    ordered.collect()
}

/// Of which flight each packet is: payload of one side, with what carries none before it.
fn flights(packets: &[Packet]) -> Vec<usize> {
    let (mut flight, mut sender) = (0, None);
    packets
        .iter()
        .map(|packet| {
            if packet.has_payload && sender.replace(packet.src) != Some(packet.src) {
                flight += 1;
            }
            flight
        })
        .collect()
}

/// Numbers that look random, always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
