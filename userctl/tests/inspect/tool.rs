// SPDX-License-Identifier: GPL-2.0-only

//! The tool as a command, and files for it.

use std::{
    env, fs,
    io::Write,
    path::PathBuf,
    process::{self, Command, Output, Stdio},
};

/// Runs the tool with octets on its standard input.
pub(crate) fn inspect(args: &[&str], input: &[u8]) -> Output {
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

pub(crate) fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("output is text")
}

/// A file that goes when the test ends.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn new(name: &str, octets: &[u8]) -> Self {
        let path = env::temp_dir().join(format!("tlsconnctl-{}-{name}", process::id()));
        fs::write(&path, octets).expect("there is room");
        Self(path)
    }

    pub(crate) fn name(&self) -> &str {
        self.0.to_str().expect("its name is text")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
