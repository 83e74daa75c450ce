// SPDX-License-Identifier: GPL-2.0-only

//! What commands print and files say.

use std::{
    fs,
    io::ErrorKind,
    process::{Command, Stdio},
};

use super::ruleset;

/// What a command came to.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) ok: bool,
    pub(super) stdout: String,
    /// The first line of standard error.
    pub(super) complaint: String,
}

/// Runs a command to its end; None where it is not there.
pub(super) fn run(command: &str, arguments: &[&str]) -> Option<Ran> {
    let output = Command::new(command)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(Ran {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            complaint: String::from_utf8_lossy(&output.stderr)
                .lines()
                .next()
                .unwrap_or("it failed and did not say why")
                .into(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(Ran {
            complaint: error.to_string(),
            ..Ran::default()
        }),
    }
}

/// A file's text without the space around it.
pub(super) fn file(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().into())
}

pub(super) fn number(path: &str) -> Option<u64> {
    file(path)?.parse().ok()
}

/// Routing rules that look at the packet mark.
pub(super) fn routing() -> Vec<(String, u32)> {
    let listed = ["-4", "-6"].map(|version| {
        run("ip", &[version, "rule", "list"])
            .unwrap_or_default()
            .stdout
    });
    let of_mark = |line: &str| {
        let (_, after) = line.split_once("fwmark ")?;
        let mark = after.split(' ').next()?;
        let mask = mark
            .split_once('/')
            .map_or(Some(u32::MAX), |(_, mask)| ruleset::number(mask))?;
        Some((line.split_whitespace().collect::<Vec<_>>().join(" "), mask))
    };
    listed
        .iter()
        .flat_map(|listed| listed.lines())
        .filter_map(of_mark)
        .collect()
}

pub(super) fn has_rust(release: &str) -> Option<bool> {
    let places = [
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/build/.config"),
        format!("/lib/modules/{release}/config"),
    ];
    let config = places.iter().find_map(|place| file(place)).or_else(|| {
        fs::exists("/proc/config.gz").ok().filter(|there| *there)?;
        run("zcat", &["/proc/config.gz"])
            .filter(|ran| ran.ok)
            .map(|ran| ran.stdout)
    })?;
    Some(config.lines().any(|line| line == "CONFIG_RUST=y"))
}
