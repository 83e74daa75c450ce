// SPDX-License-Identifier: GPL-2.0-only

//! `--loose`: what there is to know of a connection whose start is not in the capture.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    begun::{self, Packet},
    connection, disorder, expect, inspect, inspect_with, reason, reference, value,
};

/// What a ClientHello says.
const OFFERED: [&str; 9] = [
    "client",
    "offered",
    "sni",
    "alpn",
    "ja4",
    "client_random",
    "session_id",
    "early_data",
    "ech",
];

/// What a ServerHello says.
const ANSWERED: [&str; 5] = [
    "version",
    "cipher",
    "server_random",
    "server_session_id",
    "hello_retry",
];

#[test]
fn hellos_of_captures_without_a_start_are_read() {
    let Some(folder) = reference::folder() else {
        eprintln!("SKIP: no captures in ../shared/corpus, and TLSCONN_CORPUS names no other place");
        return;
    };
    let mut captures: BTreeMap<String, Value> = BTreeMap::new();
    let (mut streams, mut compared, mut wrong) = (0, 0, Vec::new());
    for row in reference::read(&folder.join("reference.tsv")) {
        let (pcap, stream) = row.place();
        if row.has_start() || row.get("ch_count") == "0" || row.get("tls_at_start") != "yes" {
            continue;
        }
        streams += 1;
        let path = folder.join(pcap);
        let said = captures
            .entry(pcap.into())
            .or_insert_with(|| inspect_with(&["--loose"], &path, None));
        let found = connection(&row, said).expect("it is there");
        let mut check = |field: &str, is: Value, expected: Value| {
            compared += 1;
            if is != expected && reason::of(&row, field, &is, true).is_none() {
                wrong.push(format!(
                    "{pcap}, stream {stream}: {field} is {is}, not {expected}"
                ));
            }
        };
        check("loose", found["loose"].clone(), true.into());
        for (field, expected) in expect::tls(&row) {
            let is_answered = row.get("sh_count") != "0" && ANSWERED.contains(&field);
            if OFFERED.contains(&field) || is_answered {
                check(field, value(found, field), expected);
            }
        }
    }
    println!("{streams} streams without a start, {compared} values compared");
    assert!(streams > 100, "{streams}");
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_start_that_was_taken_away_changes_nothing() {
    let Some(folder) = reference::folder() else {
        eprintln!("SKIP: no captures in ../shared/corpus, and TLSCONN_CORPUS names no other place");
        return;
    };
    let (mut compared, mut wrong) = (0, Vec::new());
    for (pcap, packets) in disorder::whole(&folder) {
        let path = folder.join(&pcap);
        let only = |said: Value| said["connections"][0].clone();
        let expected = only(inspect(&path, Some(&begun::pcap(&packets))));
        if !disorder::is_followed(&expected) {
            continue;
        }
        let loosely = |packets: &[Packet]| {
            only(inspect_with(
                &["--loose"],
                &path,
                Some(&begun::pcap(packets)),
            ))
        };
        let mut check = |how: &str, found: &Value, fields: &[&str], loose: bool| {
            compared += 1;
            let differs = fields
                .iter()
                .find(|field| found[**field] != expected[**field]);
            if let Some(field) = differs {
                let (is, not) = (&found[*field], &expected[*field]);
                wrong.push(format!("{pcap}, {how}: {field} is {is}, not {not}"));
            }
            if found["loose"] != loose {
                wrong.push(format!("{pcap}, {how}: loose is {}", found["loose"]));
            }
        };
        check("whole", &loosely(&packets), &disorder::FIELDS, false);
        let without: Vec<Packet> = packets
            .iter()
            .filter(|packet| !packet.syn)
            .cloned()
            .collect();
        check("without SYN", &loosely(&without), &disorder::FIELDS, true);
        let mut of_client = packets.clone();
        of_client.retain(|packet| packet.src == packets[0].src);
        let found = loosely(&of_client);
        check("one direction", &found, &OFFERED, true);
        let said = (found["state"].as_str(), found["reason"].as_str());
        // It may be closed, or nothing that the server said in TLS be acknowledged.
        if !matches!(
            said,
            (Some("lost"), Some("one-direction")) | (Some("closed" | "hello"), _)
        ) {
            wrong.push(format!("{pcap}, one direction: {said:?}"));
        }
    }
    println!("{compared} captures compared");
    assert!(compared > 300, "{compared}");
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
