// SPDX-License-Identifier: GPL-2.0-only

//! `inspect` as a command: files, standard input, output, errors and exit codes. What it makes of packets is tested
//! beside the code.

use std::{
    env, fs,
    io::{Read, Write},
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

/// The same connection so many times, each from another port.
fn several(connections: u16) -> Vec<u8> {
    let one = capture();
    let (header, packets) = one.split_at(24);
    let mut octets = header.to_vec();
    for number in 0..connections {
        let start = octets.len();
        octets.extend(packets);
        let ends = 40000_u16.to_be_bytes();
        let port = (1000 + number).to_be_bytes();
        let places: Vec<usize> = (start..octets.len() - 1)
            .filter(|place| octets[*place..*place + 2] == ends)
            .collect();
        for place in places {
            octets[place..place + 2].copy_from_slice(&port);
        }
    }
    octets
}

#[test]
fn a_pipe_is_followed_line_by_line() {
    for args in [&["--packets", "-"][..], &["-j", "--packets", "-"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tlsconnctl"))
            .arg("inspect")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the tool runs");
        let mut stdin = child.stdin.take().expect("it has an input");
        let mut stdout = child.stdout.take().expect("it has an output");
        let mut said = String::new();
        let mut until = |word: &str| {
            let mut octets = [0; 4096];
            while !said.contains(word) {
                let len = stdout.read(&mut octets).expect("it can be read");
                assert!(len > 0, "{word} has not come: {said}");
                said.push_str(text(&octets[..len]));
            }
            said.clear();
        };
        // A header in pieces, and what follows while it is open.
        let octets = several(2);
        let (first, second) = octets.split_at(octets.len() - 70);
        for piece in [&first[..3], &first[3..20], &first[20..]] {
            stdin.write_all(piece).expect("it reads");
            stdin.flush().expect("it reads");
        }
        until("not-tls");
        stdin.write_all(second).expect("it reads");
        until("not-tls");
        drop(stdin);
        assert!(child.wait().expect("it ends").success());
    }
}

#[test]
fn reading_stops_with_the_reader() {
    let octets = several(30000);
    let file = Temporary::new("many.pcap", &octets);
    for arguments in ["--packets", "-j --packets", "-j", ""] {
        let tool = env!("CARGO_BIN_EXE_tlsconnctl");
        // Of an endless input nothing is read any longer.
        let endless = format!(
            "(cat {}; yes) | {tool} inspect --packets - | head -n 3",
            file.name()
        );
        let line = match arguments {
            "--packets" => endless,
            _ => format!("{tool} inspect {} {arguments} | head -c 300", file.name()),
        };
        let output = Command::new("bash")
            .args(["-c", &format!("set -o pipefail; {line}")])
            .output()
            .expect("a shell");
        assert_eq!(
            text(&output.stderr).replace("30000 connections: 30000 not-tls\n", ""),
            ""
        );
        assert!(!output.stdout.is_empty());
    }
}

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
