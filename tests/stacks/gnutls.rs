// SPDX-License-Identifier: GPL-2.0-only
//! GnuTLS: gnutls-cli and gnutls-serv.

use crate::case::{Case, Certificate, Early, Suite, Version};
use crate::process::succeeds;
use crate::stack::{Cannot, Client, Pace, Server, Stack};
use std::path::Path;
use std::process::Command;
use tlsconn_tls::Resumption;

pub(crate) struct GnuTls;

impl Stack for GnuTls {
    fn name(&self) -> &'static str {
        "GnuTLS"
    }

    fn is_here(&self) -> bool {
        succeeds(Path::new("/"), &["gnutls-serv", "--version"])
    }

    /// No secret is new where a session is resumed below TLS 1.3.
    fn logs_random(&self, case: &Case) -> bool {
        case.resumed.is_none() || case.version == Version::Tls13
    }

    fn server(&self, case: &Case, port: u16) -> Result<Server, Cannot> {
        let mut command = Command::new("gnutls-serv");
        command.args(["--http", "--port", &port.to_string()]);
        command.args([
            "--x509certfile",
            "../cert.pem",
            "--x509keyfile",
            "../key.pem",
        ]);
        both(&mut command, case, &["GROUP-SECP384R1"])?;
        if case.certificate == Certificate::NotAsked {
            command.arg("--disable-client-cert");
        }
        if case.early == Early::Rejected {
            return Err(if case.retry {
                "gnutls-serv fails on early data that it has rejected"
            } else {
                "gnutls-serv takes early data again"
            });
        }
        if case.is_early() {
            command.arg("--earlydata");
        }
        if case.alpn {
            command.args(["--alpn", "h2"]);
        }
        Ok(Server {
            command,
            // Where it gets no port of this version of IP, it goes on with the other.
            ready: format!("IPv4 0.0.0.0 port {port}...done"),
            done: Some("- Channel bindings"),
            answers_early: false,
            by_hand: false,
            exact_age: true,
        })
    }

    fn clients(&self, case: &Case, _place: &Path, port: u16) -> Result<Vec<Client>, Cannot> {
        if case.is_early() {
            return Err("gnutls-cli gives up its early data before it has set the session");
        }
        let mut command = Command::new("gnutls-cli");
        command.args(["--insecure", "--sni-hostname", "name.example"]);
        command.args(["--port", &port.to_string(), "127.0.0.1"]);
        both(&mut command, case, &["GROUP-X25519", "GROUP-SECP384R1"])?;
        if case.certificate == Certificate::Given {
            command.args([
                "--x509certfile",
                "../cert.pem",
                "--x509keyfile",
                "../key.pem",
            ]);
        }
        if case.retry {
            command.arg("--single-key-share");
        }
        if case.alpn {
            command.args(["--alpn", "h2", "--alpn", "http/1.1"]);
        }
        let mut told = vec![told(case)];
        let mut connections = 1;
        if case.resumed.is_some() {
            connections = 2;
            command.arg("--resume");
            told.push("*** This is a resumed session".into());
            if case.version == Version::Tls13 {
                command.arg("--waitresumption");
            }
        }
        Ok(vec![Client {
            command,
            done: "Handshake was completed",
            connections,
            pace: Pace::OnLast,
            // It reads what there is, and sends no more of it than fits a record.
            takes: 512,
            told,
            age_in_seconds: false,
        }])
    }
}

/// What client and server are given both; the groups are for HelloRetryRequest.
fn both(command: &mut Command, case: &Case, groups: &[&str]) -> Result<(), Cannot> {
    if case.padded {
        return Err("its tools do not pad");
    }
    if case.post_quantum {
        return Err("no X25519MLKEM768 in this build");
    }
    let version = case.version.digits();
    let mut priority = format!(
        "NORMAL:-VERS-ALL:+VERS-TLS{version}:-CIPHER-ALL:+{}",
        cipher(case)
    );
    if case.retry {
        priority += ":-GROUP-ALL";
        for group in groups {
            priority += &format!(":+{group}");
        }
    }
    command.args(["--priority", &priority]);
    if case.resumed == Some(Resumption::SessionId) {
        command.arg("--noticket");
    }
    if case.small {
        command.args(["--recordsize", "512"]);
    }
    Ok(())
}

fn cipher(case: &Case) -> &'static str {
    match (case.version, case.suite) {
        (Version::Tls10 | Version::Tls11, _) => "AES-128-CBC",
        (_, Suite::Aes128) => "AES-128-GCM",
        (_, Suite::Aes256) => "AES-256-GCM",
        (_, Suite::ChaCha) => "CHACHA20-POLY1305",
        (_, Suite::Ccm8) => "AES-128-CCM-8",
    }
}

/// How gnutls-cli describes the session.
fn told(case: &Case) -> String {
    format!("-({})", cipher(case))
}
