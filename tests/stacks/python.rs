// SPDX-License-Identifier: GPL-2.0-only
//! Python's ssl module, by a script.

use crate::case::{Case, Certificate, Suite, Version};
use crate::process::succeeds;
use crate::stack::{Cannot, Client, Pace, Server, Stack};
use std::path::Path;
use std::process::Command;
use tlsconn_tls::Resumption;

/// The script runs as `python3 -c`.
const PEER: &str = include_str!("peer.py");

pub(crate) struct Python;

impl Stack for Python {
    fn name(&self) -> &'static str {
        "Python"
    }

    fn is_here(&self) -> bool {
        succeeds(Path::new("/"), &["python3", "-c", "import ssl"])
    }

    fn server(&self, case: &Case, port: u16) -> Result<Server, Cannot> {
        if case.is_early() {
            return Err("Python's ssl has no early data");
        }
        let mut told = told(case, "server", port);
        told.certificate = true;
        told.ask = case.certificate != Certificate::NotAsked;
        Ok(Server {
            command: told.command(),
            ready: "listening".into(),
            done: Some("handshake complete"),
            answers_early: false,
            by_hand: false,
            exact_age: false,
        })
    }

    fn clients(&self, case: &Case, _place: &Path, port: u16) -> Result<Vec<Client>, Cannot> {
        if case.is_early() {
            return Err("Python's ssl has no early data");
        }
        if case.small {
            return Err("Python's ssl has no such limit");
        }
        let mut told = told(case, "client", port);
        told.certificate = case.certificate == Certificate::Given;
        told.connections = if case.resumed.is_some() { 2 } else { 1 };
        let reused = if case.resumed.is_some() {
            "True"
        } else {
            "False"
        };
        Ok(vec![Client {
            connections: told.connections,
            command: told.command(),
            done: "handshake complete",
            pace: Pace::OnEach,
            takes: usize::MAX,
            told: vec![format!("reused={reused}")],
            age_in_seconds: false,
        }])
    }
}

/// What the script is told.
struct Told<'a> {
    case: &'a Case,
    role: &'static str,
    port: u16,
    certificate: bool,
    ask: bool,
    connections: usize,
}

fn told<'a>(case: &'a Case, role: &'static str, port: u16) -> Told<'a> {
    Told {
        case,
        role,
        port,
        certificate: false,
        ask: false,
        connections: 1,
    }
}

impl Told<'_> {
    fn command(&self) -> Command {
        let Told {
            case,
            role,
            port,
            certificate,
            ask,
            connections,
        } = self;
        let version = match case.version {
            Version::Tls10 => "TLSv1",
            Version::Tls11 => "TLSv1_1",
            Version::Tls12 => "TLSv1_2",
            Version::Tls13 => "TLSv1_3",
        };
        let ciphers = match (case.version, case.suite) {
            (Version::Tls13, _) => "DEFAULT",
            (Version::Tls12, Suite::Aes128) => "ECDHE-RSA-AES128-GCM-SHA256",
            (Version::Tls12, Suite::Aes256) => "ECDHE-RSA-AES256-GCM-SHA384",
            (Version::Tls12, Suite::ChaCha) => "ECDHE-RSA-CHACHA20-POLY1305",
            (Version::Tls12, Suite::Ccm8) => "AES128-CCM8",
            (Version::Tls10 | Version::Tls11, _) => "ECDHE-RSA-AES128-SHA",
        };
        let suites = match case.suite {
            Suite::Aes128 => "TLS_AES_128_GCM_SHA256",
            Suite::Aes256 => "TLS_AES_256_GCM_SHA384",
            Suite::ChaCha => "TLS_CHACHA20_POLY1305_SHA256",
            Suite::Ccm8 => "TLS_AES_128_CCM_8_SHA256",
        };
        let groups = match (case.retry, case.post_quantum, *role) {
            (true, _, "server") => "P-384",
            (true, _, _) => "X25519:P-384",
            (_, true, _) => "X25519MLKEM768",
            _ => "X25519:P-256",
        };
        let padding = if case.padded { 512 } else { 0 };
        let tickets = case.resumed != Some(Resumption::SessionId);
        let alpn = if case.alpn { r#"["h2"]"# } else { "[]" };
        let mut command = Command::new("python3");
        command.args(["-c", PEER]).arg(format!(
            r#"{{"role": "{role}", "port": {port}, "version": "{version}", "ciphers": "{ciphers}:@SECLEVEL=0",
                "tickets": {tickets}, "alpn": {alpn}, "certificate": {certificate},
                "ask": {ask}, "connections": {connections}, "configuration": {{"Ciphersuites": "{suites}",
                "Groups": "{groups}", "RecordPadding": {padding}}}}}"#
        ));
        command
    }
}
