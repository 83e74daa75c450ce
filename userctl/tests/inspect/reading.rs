// SPDX-License-Identifier: GPL-2.0-only

//! Pipes that are followed, readers that go, captures larger than the memory.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{
    captures::{large, several},
    tool::{text, Temporary},
};

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
