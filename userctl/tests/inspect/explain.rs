// SPDX-License-Identifier: GPL-2.0-only

//! `inspect --explain`, on a capture made by hand. With UPDATE_GOLDEN=1 what it says is written anew.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use etherparse::PacketBuilder;
use serde_json::{json, Value};

use super::tool::{inspect, text, Temporary};

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(body.len())
        .expect("it is short")
        .to_be_bytes();
    [&[kind, 3, 3, high, low], body].concat()
}

fn encrypted(lens: &[usize]) -> Vec<u8> {
    let records = lens.iter().map(|len| record(23, &vec![0x5a; *len]));
    records.collect::<Vec<_>>().concat()
}

/// A hello of TLS 1.3; `middle` stands between the session id and the extensions.
fn hello(kind: u8, middle: &[u8], extension: &[u8]) -> Vec<u8> {
    let extensions = [&[0, extension.len() as u8], extension].concat();
    let body = [&[3, 3][..], &[0x77; 32], &[0], middle, &extensions].concat();
    record(22, &[&[kind, 0, 0, body.len() as u8][..], &body].concat())
}

/// Connections of TLS 1.3 with SHA-256: one as OpenSSL writes it, and one with a client certificate during whose flight the
/// server goes on.
fn capture() -> Vec<u8> {
    let hellos = || {
        let client = hello(1, &[0, 2, 0x13, 1, 1, 0], &[0, 43, 0, 3, 2, 3, 4]);
        let server = hello(2, &[0x13, 1, 0], &[0, 43, 0, 2, 3, 4]);
        (client, [server, record(20, &[1])].concat())
    };
    let with = |first: Vec<u8>, lens: &[usize]| [first, encrypted(lens)].concat();
    let (client, server) = hellos();
    let plain = vec![
        (true, client),
        (false, with(server, &[23, 795, 281, 53])),
        (true, with(record(20, &[1]), &[53, 35])),
        (false, encrypted(&[250, 250])),
    ];
    let (client, server) = hellos();
    let with_certificate = vec![
        (true, client),
        (false, with(server, &[23, 62, 795, 281, 53, 250])),
        (true, with(record(20, &[1]), &[766])),
        (false, encrypted(&[19])),
        (true, encrypted(&[281, 53])),
    ];
    let mut octets = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, 101_u32] {
        octets.extend(word.to_le_bytes());
    }
    for (port, turns) in [(40000, plain), (40001, with_certificate)] {
        let mut next = [100, 1000];
        let syn = vec![(true, Vec::new()), (false, Vec::new())];
        for (from_client, payload) in syn.into_iter().chain(turns) {
            let (me, peer) = (usize::from(!from_client), usize::from(from_client));
            let ends = [([10, 0, 0, 1], port), ([10, 0, 0, 2], 443)];
            let (src, dst) = (ends[me], ends[peer]);
            let tcp = PacketBuilder::ipv4(src.0, dst.0, 64).tcp(src.1, dst.1, next[me], 65535);
            let tcp = match (payload.is_empty(), from_client) {
                (true, true) => tcp.syn(),
                (true, false) => tcp.syn().ack(next[peer]),
                _ => tcp.ack(next[peer]),
            };
            next[me] += payload.len().max(1) as u32;
            let mut packet = Vec::new();
            tcp.write(&mut packet, &payload).expect("memory takes it");
            let len = packet.len() as u32;
            for word in [0, 0, len, len] {
                octets.extend(word.to_le_bytes());
            }
            octets.extend(packet);
        }
    }
    octets
}

#[track_caller]
fn holds(name: &str, text: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).expect("the folder can be written to");
    }
    assert_eq!(text, fs::read_to_string(&path).expect(name), "{name}");
}

#[test]
fn each_record_with_its_rule() {
    let output = inspect(&["--explain", "-"], &capture());
    assert!(output.status.success());
    holds("inspect-explain.txt", text(&output.stdout));
    let output = inspect(&["--explain", "-j", "--pretty", "-"], &capture());
    let said: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(said["connections"].as_array().map(Vec::len), Some(2));
    let rules = said["rules"].as_array().expect("a list");
    assert_eq!(
        rules[5],
        json!({
            "frame": 5, "id": 0, "from": "src", "rule": "A1", "length": 35, "with_header": 40,
            "acknowledged": null, "left": null, "type": "application-data", "ends": false,
        })
    );
    assert_eq!(
        rules[4],
        json!({
            "frame": 5, "id": 0, "from": "src", "rule": "C1", "length": 53, "with_header": 58,
            "acknowledged": 0, "left": null, "type": "handshake", "ends": true,
        })
    );
    // The text has the same in its order.
    let output = inspect(&["--explain", "-"], &capture());
    let of_text: Vec<&str> = text(&output.stdout)
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().nth(3))
        .collect();
    let of_json: Vec<&str> = rules
        .iter()
        .filter_map(|rule| rule["rule"].as_str())
        .collect();
    assert_eq!(of_text, of_json);
}

#[test]
fn of_the_connections_that_are_chosen() {
    let file = Temporary::new("explain.pcap", &capture());
    let output = inspect(&["--explain", "-q", file.name(), "--port", "40001"], &[]);
    let ids: Vec<Option<&str>> = text(&output.stdout)
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(ids, [Some("1"); 10]);
    for wrong in ["--packets", "--summary"] {
        let refused = inspect(&["--explain", wrong, "-"], &[]);
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn what_is_no_tls_has_no_rules() {
    let output = inspect(&["--explain", "-j", "-"], &capture()[..24]);
    assert_eq!(text(&output.stdout), "{\"rules\":[],\"connections\":[]}\n");
}
