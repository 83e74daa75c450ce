// SPDX-License-Identifier: GPL-2.0-only

//! `inspect` as a command: files, standard input, output, errors and exit codes. What it makes of packets is tested
//! beside the code.

use std::{
    env, fs,
    io::Write,
    path::PathBuf,
    process::{self, Command, Output, Stdio},
};

use etherparse::PacketBuilder;
use serde_json::{json, Value};

/// Runs the tool with octets on its standard input.
fn inspect(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tlsconnctl"))
        .arg("inspect")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool runs");
    let mut stdin = child.stdin.take().expect("it has an input");
    // A tool that does not read its input closes it.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("output is text")
}

/// A SYN, its answer, and a request that is not TLS.
fn capture() -> Vec<u8> {
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

/// A file that goes when the test ends.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, octets: &[u8]) -> Self {
        let path = env::temp_dir().join(format!("tlsconnctl-{}-{name}", process::id()));
        fs::write(&path, octets).expect("there is room");
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().expect("its name is text")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn tables_and_json_from_a_file_and_from_a_pipe() {
    let file = Temporary::new("good.pcap", &capture());
    let table = "\
ID SOURCE         DESTINATION STATE   TLS SNI RESUMED
0  10.0.0.1:40000 10.0.0.2:80 not-tls -   -   -
";
    for (args, input) in [(file.name(), &[][..]), ("-", &capture())] {
        let output = inspect(&[args], input);
        assert_eq!(text(&output.stderr), "");
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
    let said = text(&output.stderr);
    assert!(
        said.starts_with(&format!("tlsconnctl: {expected}")),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
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

/// A capture in pieces, with so many more frames, each of `len` octets.
fn large(frames: usize, len: u16) -> impl Iterator<Item = Vec<u8>> {
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

#[test]
fn a_capture_larger_than_the_memory() {
    // 300 MiB with 150 MiB of address space.
    let tool = env!("CARGO_BIN_EXE_tlsconnctl");
    for arguments in ["-j inspect -", "-j inspect --packets -"] {
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -v 153600; exec {tool} {arguments}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut stdin = child.stdin.take().expect("it has an input");
        for octets in large(4800, u16::MAX) {
            stdin.write_all(&octets).expect("it reads to the end");
        }
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success());
        let said: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        assert_eq!(said["connections"][0]["state"], "not-tls");
    }
}

#[test]
fn a_bar_where_standard_error_is_a_terminal() {
    let octets: Vec<u8> = large(5000, 4096).flatten().collect();
    let file = Temporary::new("large.pcap", &octets);
    let tool = env!("CARGO_BIN_EXE_tlsconnctl");
    let on_a_terminal = |arguments: &str| {
        let line = format!("{tool} inspect {} {arguments} >/dev/null", file.name());
        let output = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output();
        output.map(|output| {
            assert!(output.status.success());
            String::from_utf8_lossy(&output.stdout).into_owned()
        })
    };
    let Ok(bar) = on_a_terminal("") else {
        eprintln!("SKIP: there is no `script` to make a terminal with");
        return;
    };
    assert!(bar.contains("MiB"), "{bar}");
    assert_eq!(on_a_terminal("-q").expect("it was there"), "");
}
