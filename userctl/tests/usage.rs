// SPDX-License-Identifier: GPL-2.0-only

//! Exit codes and errors of the built binary, as far as no module is needed for them.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn tlsconnctl(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tlsconnctl"))
        .args(args)
        .output()
        .expect("the tool runs")
}

/// What is said without the module, where it is installed and where it is not.
fn not_loaded() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux says it");
    let modules = format!("/lib/modules/{}/modules.dep", release.trim());
    let is_installed = std::fs::read_to_string(modules).is_ok_and(|all| all.contains("xt_tlsconn"));
    let next = if is_installed {
        ": modprobe xt_tlsconn"
    } else {
        ", nor is it installed for the kernel that runs; `tlsconnctl doctor` says what is missing"
    };
    format!("the kernel module xt_tlsconn is not loaded{next}")
}

/// Runs the tool, which has to fail with a code and a line on standard error, and nothing on standard output.
#[track_caller]
fn fails(args: &[&str], code: i32) -> String {
    let output = tlsconnctl(args);
    let error = String::from_utf8(output.stderr).expect("errors are text");
    assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
    assert!(output.stdout.is_empty(), "{args:?}");
    assert!(!error.is_empty(), "{args:?}");
    error
}

#[test]
fn usage_errors_exit_with_2() {
    let too_long = "x".repeat(32);
    for args in [
        &[] as &[&str],
        &["nonsense"],
        &["monitor", "7"],
        &["track", "off", "--strict"],
        &["track", "on", "--pass-mark", "0x3"],
        &["track", "maybe"],
        &["stats", "7"],
        &["rules", "--port", "0"],
        &["rules", "--src", "10.0.0.1", "--dst", "::1"],
        &["rules", "--format", "nft", "--chain", "hold"],
        &["completions", "csh"],
        &["man", "nonsense"],
        &["list", "7"],
        &["list", "--state", "open"],
        &["list", "--sni", ""],
        &["list", "--client-random", "abc"],
        &["list", "--src", "10.0.0.1/33"],
        &["list", "--sni", "a", "--sni", "b"],
        &["list", "-q", "-v"],
        &["-n", "../net", "list"],
        &["show"],
        &["show", "seven"],
        &["show", "-1"],
        &["pin"],
        &["pin", "--replace"],
        &["pin", "--next", "--sni", ".example.org"],
        &["pin", "2", "3"],
        &["pin", "2", "--for", "5"],
        &["pin", "2", "--for", "0s"],
        &["pin", "2", "--next"],
        &["pin", "2", "--follow"],
        &["pin", "2", "--name", ""],
        &["pin", "2", "--name", "two words"],
        &["pin", "2", "--name", &too_long],
        &["pin", "2", "--mark", "0x54000000"],
        &["pin", "2", "--mark", "0x100000000/0xffffffff"],
        &["pin", "2", "--mark", "0x100/0xff"],
        &["pin", "2", "--mark", "1/0"],
        &["unpin", "a", "--all"],
        &["unpin", "a", "b"],
        &["pins", "a"],
        &["top"],
        &["top", "-j"],
        &["top", "7"],
        &["top", "--delay", "0"],
        &["top", "--delay", "2s"],
        &["inspect"],
        &["inspect", "a", "b"],
        &["inspect", "a", "--packet"],
    ] {
        fails(args, 2);
    }
}

#[test]
fn with_json_a_usage_error_is_json() {
    for args in [
        &["-j", "show"] as &[&str],
        &["list", "-vj", "--src", "nowhere"],
        &["--json", "nonsense"],
        &["--json"],
        &["--json", "pin"],
        &["pin", "2", "--mark", "1/0", "-jp"],
    ] {
        let error: Value = serde_json::from_str(&fails(args, 2)).expect("it is JSON");
        assert_eq!(error["error"]["code"], 2, "{args:?}");
        let message = error["error"]["message"]
            .as_str()
            .expect("there is a message");
        assert!(
            !message.contains('\n') && !message.is_empty(),
            "{args:?}: {message}"
        );
    }
}

#[test]
fn a_missing_namespace_is_a_failure() {
    let error = fails(&["-n", "tlsconn-none", "list"], 1);
    assert!(
        error.contains("tlsconn-none") && error.contains("ip netns list"),
        "{error}"
    );
}

#[test]
fn without_the_module() {
    if Path::new("/sys/module/xt_tlsconn").exists() {
        eprintln!("xt_tlsconn is loaded here: its absence cannot be seen");
        return;
    }
    for args in [
        &["list"] as &[&str],
        &["show", "1"],
        &["pin", "1"],
        &["pin", "--sni", "*"],
        &["unpin"],
        &["pins"],
        &["monitor"],
        &["stats"],
        &["track", "on"],
        &["save"],
    ] {
        assert_eq!(
            fails(args, 5),
            format!("tlsconnctl: {}\n", not_loaded()),
            "{args:?}"
        );
    }
    let error: Value = serde_json::from_str(&fails(&["-j", "pins"], 5)).expect("it is JSON");
    assert_eq!(
        error,
        serde_json::json!({"error": {
            "code": 5,
            "message": not_loaded(),
        }})
    );
}

#[test]
fn help_names_what_there_is() {
    let output = tlsconnctl(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("help is text");
    for command in [
        "list",
        "show",
        "pin",
        "unpin",
        "pins",
        "monitor",
        "stats",
        "track",
        "rules",
        "save",
        "batch",
        "inspect",
        "doctor",
        "completions",
        "man",
    ] {
        assert!(
            help.lines()
                .any(|line| line.split_whitespace().next() == Some(command)),
            "{command}"
        );
    }
}

#[test]
fn a_batch_with_a_mistake_names_the_line_and_does_nothing() {
    let file = std::env::temp_dir().join(format!("tlsconnctl-batch-{}", std::process::id()));
    let path = file.to_str().expect("a path of ASCII");
    // `man` would print if it were run.
    std::fs::write(&file, "man\npin --nxt\n").expect("it can be written");
    let output = tlsconnctl(&["batch", path]);
    let error = String::from_utf8(output.stderr).expect("errors are text");
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(2), 0),
        "{error}"
    );
    assert!(
        error.starts_with(&format!("tlsconnctl: {path}:2: unexpected argument")),
        "{error}"
    );
    // A command that fails ends it: the module is not there.
    std::fs::write(&file, "# none\n\npins\nman\n").expect("it can be written");
    let output = tlsconnctl(&["batch", path]);
    let error = String::from_utf8(output.stderr).expect("errors are text");
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(5), 0),
        "{error}"
    );
    assert_eq!(error, format!("tlsconnctl: {path}:3: {}\n", not_loaded()));
    std::fs::remove_file(&file).expect("it was there");
    let error = fails(&["batch", path], 1);
    assert!(error.contains("cannot read"), "{error}");
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tlsconnctl"))
        .arg("--help")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the tool ends");
    assert!(output.status.success());
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
