// SPDX-License-Identifier: GPL-2.0-only

//! Which connections are shown, in which order, and what sums them up.

use serde_json::{json, Value};

use super::{
    captures::{capture, several},
    tool::{inspect, text, Temporary},
};

#[test]
fn connections_are_chosen_sorted_and_limited() {
    let octets = several(5);
    let file = Temporary::new("several.pcap", &octets);
    let shown = |args: &[&str]| -> Vec<String> {
        let output = inspect(&[&["-q", file.name()], args].concat(), &[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
            .lines()
            .map(|line| line.trim().into())
            .collect()
    };
    assert_eq!(
        shown(&["-o", "id,src", "--port", "1003"]),
        ["3  10.0.0.1:1003"]
    );
    assert_eq!(shown(&["-o", "id", "--limit", "2"]), ["3", "4"]);
    assert_eq!(shown(&["-o", "id", "--state", "lost"]), [""; 0]);
    assert_eq!(shown(&["-o", "bytes", "--src", "10.0.0.1:1000"]), ["16/0"]);
    // What is not TLS has no JA4.
    assert_eq!(shown(&["-o", "ja4", "--limit", "1"]), ["-"]);
    assert_eq!(shown(&["-o", "id", "--ja4", "*"]), [""; 0]);
    assert_eq!(shown(&["-o", "id", "--sort", "src", "--limit", "1"]), ["4"]);
    let json = inspect(
        &[
            "-j",
            file.name(),
            "--sort",
            "id",
            "--limit",
            "1",
            "--port",
            "80",
        ],
        &[],
    );
    let said: Value = serde_json::from_slice(&json.stdout).expect("it is JSON");
    let ids: Vec<_> = said["connections"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|c| &c["id"])
        .collect();
    assert_eq!(ids, [4]);
    let packets = inspect(&["-j", "--packets", file.name(), "--port", "1002"], &[]);
    let said: Value = serde_json::from_slice(&packets.stdout).expect("it is JSON");
    let ids = |what: &str| -> Vec<Value> {
        said[what]
            .as_array()
            .expect("a list")
            .iter()
            .map(|of| of["id"].clone())
            .collect()
    };
    assert_eq!(
        (ids("packets"), ids("connections")),
        (vec![json!(2)], vec![json!(2)])
    );
    let refused = inspect(&["--packets", "-", "--port", "1"], &octets);
    assert_eq!(refused.status.code(), Some(2));
    for option in [["-o", "names"], ["--ja4", "a.example"]] {
        let wrong = inspect(&[&option, &[file.name()][..]].concat(), &[]);
        assert_eq!(wrong.status.code(), Some(2));
    }
}

#[test]
fn a_summary_counts() {
    let octets = several(3);
    let output = inspect(&["--summary", "-"], &octets);
    let rows: Vec<Vec<&str>> = text(&output.stdout)
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows,
        [
            vec!["WHAT", "VALUE", "CONNECTIONS"],
            vec!["all", "3"],
            vec!["state", "not-tls", "3"]
        ]
    );
    let output = inspect(&["-j", "--summary", "-"], &octets);
    let said: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(said["summary"]["connections"], 3);
    assert_eq!(said["summary"]["state"], json!({"not-tls": 3}));
    let output = inspect(&["-j", "--summary", "--limit", "0", "-"], &octets);
    let said: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(said["summary"]["connections"], 3);
    assert_eq!(said["summary"]["state"], json!({}));
}

#[test]
fn ages_are_counted_from_the_last_frame_and_the_last_line_counts() {
    let mut octets = capture();
    for word in [10, 0, 4, 4, 0_u32] {
        octets.extend(word.to_le_bytes());
    }
    let output = inspect(&["-", "-o", "age,idle", "--sort", "age"], &octets);
    let cells: Vec<&str> = text(&output.stdout).split_whitespace().collect();
    assert_eq!(cells, ["AGE", "IDLE", "10.0s", "10.0s"]);
    let note = "passed over: 1 frame without IP\n";
    let last = "1 connection: 1 not-tls\n";
    assert_eq!(text(&output.stderr), [note, last].concat());
    for arguments in [
        &["-j"][..],
        &["-j", "--packets"],
        &["--summary"],
        &["-j", "--summary"],
    ] {
        let output = inspect(&[&["-"], arguments].concat(), &octets);
        assert_eq!(text(&output.stderr), note, "{arguments:?}");
        assert!(output.status.success());
    }
}
