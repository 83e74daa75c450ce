// SPDX-License-Identifier: GPL-2.0-only

//! `inspect` as a command: files, standard input, output, errors and exit codes. What it makes of packets is tested
//! beside the code.

mod captures;
mod choosing;
mod explain;
mod reading;
mod tool;

use std::{io::Write, process::Command};

use serde_json::{json, Value};

use self::{
    captures::{capture, several},
    tool::{inspect, text, Temporary},
};

#[test]
fn tables_and_json_from_a_file_and_from_a_pipe() {
    let file = Temporary::new("good.pcap", &capture());
    let table = "\
ID TIME     SOURCE         DESTINATION STATE   TLS SNI RESUMED REASON
0  00:00:00 10.0.0.1:40000 10.0.0.2:80 not-tls -   -   -       not-tls
";
    for (args, input) in [(file.name(), &[][..]), ("-", &capture())] {
        let output = inspect(&[args], input);
        assert_eq!(text(&output.stderr), "1 connection: 1 not-tls\n");
        assert!(output.status.success());
        assert_eq!(
            text(&output.stdout).split_whitespace().collect::<Vec<_>>(),
            table.split_whitespace().collect::<Vec<_>>()
        );
    }
    let output = inspect(&[file.name(), "--packets"], &[]);
    let lines: Vec<Vec<&str>> = text(&output.stdout)
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(
        lines[1],
        ["3", "0", "src", "16", "not-tls", "unknown", "unknown"]
    );
    assert!(lines[2].is_empty());
    let output = inspect(&["--json", "--packets", "-"], &capture());
    let said: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(
        said["packets"],
        json!([{
            "frame": 3, "id": 0, "from": "src", "length": 16, "types": ["unknown"], "wire": ["unknown"],
            "state": "not-tls",
        }])
    );
    let connection = &said["connections"][0];
    assert_eq!(connection["bytes"], json!({"src": 16, "dst": 0}));
    assert_eq!(connection["reason"], "not-tls");
    let plain = inspect(&["--json", "--pretty", "-"], &capture());
    let said: Value = serde_json::from_slice(&plain.stdout).expect("it is JSON");
    assert_eq!(said, json!({"connections": [connection]}));
}

#[test]
fn what_cannot_be_read_is_said_behind_what_could() {
    let mut cut = capture();
    let offset = cut.len() - 16 - 40 - 16;
    cut.pop();
    let expected = format!("standard input: is cut off in a record, at offset {offset}; ");
    let output = inspect(&["-"], &cut);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("10.0.0.1:40000"));
    let said: Vec<&str> = text(&output.stderr).lines().collect();
    let [summary, error] = said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(summary, "1 connection: 1 new");
    assert!(
        error.starts_with(&format!("tlsconnctl: {expected}")),
        "{error}"
    );
    for args in [&["-", "-j"][..], &["-", "-j", "--packets"]] {
        let output = inspect(args, &cut);
        assert_eq!(output.status.code(), Some(1));
        let said: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        assert_eq!(said["connections"][0]["state"], "new");
        let error: Value = serde_json::from_slice(&output.stderr).expect("it is JSON");
        assert_eq!(error["error"]["code"], 1);
        let message = error["error"]["message"].as_str().expect("a line");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn what_is_no_capture_is_refused() {
    let empty = Temporary::new("empty.pcap", &[]);
    let other = Temporary::new(
        "other.pcap",
        b"not a capture, but longer than a header of one",
    );
    let mut unknown = capture();
    unknown[20] = 147;
    let unknown = Temporary::new("unknown.pcap", &unknown);
    for (args, expected) in [
        (empty.name(), "is empty, at offset 0; "),
        (
            other.name(),
            "is no capture, neither pcap nor pcapng, at offset 0; ",
        ),
        (
            unknown.name(),
            "link type 147 is not known, of 3 frames, the first at offset 24; ",
        ),
        ("/", "is a directory; "),
        ("/nonexistent.pcap", "cannot be opened: No such file"),
    ] {
        let output = inspect(&[args], &[]);
        assert_eq!(output.status.code(), Some(1), "{args}");
        let said = text(&output.stderr);
        let line = said.lines().last().expect("an error");
        assert!(
            line.starts_with(&format!("tlsconnctl: {args}: {expected}")),
            "{said}"
        );
        let chosen = inspect(&[args, "--packets", "--port", "443"], &[]);
        assert_eq!(chosen.status.code(), Some(1), "{args}");
        assert_eq!(text(&chosen.stderr).lines().last(), Some(line), "{args}");
    }
}

#[test]
fn what_cannot_be_written_is_a_failure() {
    let few = Temporary::new("few.pcap", &capture());
    let many = Temporary::new("much.pcap", &several(3000));
    let tool = env!("CARGO_BIN_EXE_tlsconnctl");
    for file in [few.name(), many.name()] {
        for arguments in ["--packets", "-j --packets", "-j", "", "--summary"] {
            let line = format!("exec {tool} inspect {file} {arguments} >/dev/full");
            let output = Command::new("bash").args(["-c", &line]).output();
            let output = output.expect("a shell");
            assert_eq!(output.status.code(), Some(1), "{arguments}");
            let said = text(&output.stderr);
            assert!(
                said.contains("cannot write to standard output"),
                "{arguments}: {said}"
            );
        }
    }
}

#[test]
fn a_capture_without_packets_has_no_connections() {
    let output = inspect(&["-"], &capture()[..24]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "");
    assert_eq!(text(&output.stderr), "no TCP connections in it\n");
    let output = inspect(&["-j", "--packets", "-"], &capture()[..24]);
    assert_eq!(
        text(&output.stdout),
        "{\"packets\":[],\"connections\":[]}\n"
    );
}

#[test]
fn nothing_that_is_known_is_a_failure() {
    let mut octets = capture()[..24].to_vec();
    for _ in 0..3 {
        for word in [0, 0, 4, 4, 0_u32] {
            octets.extend(word.to_le_bytes());
        }
    }
    let output = inspect(&["-"], &octets);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("passed over: 3 frames without IP\n"),
        "{said}"
    );
    assert!(
        said.contains("no IP packet is known in its 3 frames; "),
        "{said}"
    );
}

#[test]
fn a_packed_file_that_is_cut_off_says_what_to_do() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&several(50)).expect("memory takes it");
    let packed = packed.finish().expect("memory takes it");
    let output = inspect(&["-"], &packed[..packed.len() / 2]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    let (_, next) = said.rsplit_once("; ").expect("a next step");
    assert!(next.contains("get the file again"), "{said}");
    assert!(text(&output.stdout).contains("not-tls"));
}
