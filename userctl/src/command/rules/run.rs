// SPDX-License-Identifier: GPL-2.0-only

//! The tools of netfilter that read and change the rules.

use std::{
    io::{ErrorKind, Write},
    process::{Command, Stdio},
};

use crate::failure::{Code, Failure};

/// Runs a command that reads a text, and gives what it printed.
pub(super) fn run(words: &[&str], stdin: &str) -> Result<String, Failure> {
    let shown = words.join(" ");
    let failed = |why: String| Failure::new(Code::Failed, format!("{shown}: {why}"));
    let [program, arguments @ ..] = words else {
        return Ok(String::new());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                let package = if *program == "nft" {
                    "nftables"
                } else {
                    "iptables"
                };
                failed(format!("there is no such command; install {package}"))
            }
            _ => failed(error.to_string()),
        })?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that has enough closes it; its exit code says how it went. They read all before they print.
        let _ = pipe.write_all(stdin.as_bytes());
    }
    let done = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string()))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
    let failure = failed(match lines.as_slice() {
        [] => done.status.to_string(),
        lines => lines.join("; "),
    });
    let is_refused = ["ermission denied", "not permitted", "be root"]
        .iter()
        .any(|words| said.contains(words));
    Err(match is_refused {
        true => Failure {
            code: Code::Unavailable,
            ..failure
        },
        false => failure,
    })
}
