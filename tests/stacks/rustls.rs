// SPDX-License-Identifier: GPL-2.0-only
//! rustls, by a program of the project's own.

use crate::case::{Case, Certificate, Early, Suite, Version};
use crate::stack::{Cannot, Client, Pace, Server, Stack};
use std::path::Path;
use std::process::Command;
use tlsconn_tls::Resumption;

pub(crate) struct Rustls;

impl Stack for Rustls {
    fn name(&self) -> &'static str {
        "rustls"
    }

    fn is_here(&self) -> bool {
        true
    }

    fn server(&self, case: &Case, port: u16) -> Result<Server, Cannot> {
        if case.early == Early::Rejected && case.resumed.is_none() {
            return Err("rustls resumes where it rejects early data");
        }
        let mut command = both(case, "server", port)?;
        command.arg(format!("ask={}", case.certificate != Certificate::NotAsked));
        command.arg(format!("reject={}", case.early == Early::Rejected));
        Ok(Server {
            command,
            ready: "listening".into(),
            done: Some("handshake complete"),
            answers_early: true,
            by_hand: false,
            exact_age: false,
        })
    }

    fn clients(&self, case: &Case, _place: &Path, port: u16) -> Result<Vec<Client>, Cannot> {
        if case.retry && case.offers_session() {
            return Err("rustls remembers which group it was asked for");
        }
        if case.early == Early::Rejected && case.resumed.is_none() {
            return Err("rustls does not use a session twice");
        }
        let mut command = both(case, "client", port)?;
        let connections = case.before().len() + 1;
        let given = case.certificate == Certificate::Given;
        command.arg(format!("certificate={given}"));
        command.arg(format!("connections={connections}"));
        Ok(vec![Client {
            command,
            done: "handshake complete",
            connections,
            pace: Pace::OnEach,
            takes: usize::MAX,
            told: told(case)?,
            age_in_seconds: true,
        }])
    }
}

/// What client and server are told both.
fn both(case: &Case, role: &str, port: u16) -> Result<Command, Cannot> {
    if case.padded {
        return Err("rustls does not pad");
    }
    if case.post_quantum {
        return Err("no X25519MLKEM768 in rustls with ring");
    }
    let early = match case.is_early() {
        true => case.early_text(),
        false => String::new(),
    };
    let groups = match (case.retry, role) {
        (true, "server") => "SECP384R1",
        (true, _) => "X25519:SECP384R1",
        _ => "X25519",
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_rustls-peer"));
    command.args([
        format!("role={role}"),
        format!("port={port}"),
        format!("version={}", case.version.digits()),
        format!("suite={}", suite(case)?),
        format!("groups={groups}"),
        format!("tickets={}", case.resumed != Some(Resumption::SessionId)),
        format!("limit={}", if case.small { "512" } else { "" }),
        format!("alpn={}", if case.alpn { "h2" } else { "" }),
        format!("early={early}"),
    ]);
    Ok(command)
}

fn suite(case: &Case) -> Result<&'static str, Cannot> {
    Ok(match (case.version, case.suite) {
        (Version::Tls10 | Version::Tls11, _) => return Err("rustls has no TLS below 1.2"),
        (_, Suite::Ccm8) => return Err("rustls has no CCM_8"),
        (Version::Tls13, Suite::Aes128) => "TLS13_AES_128_GCM_SHA256",
        (Version::Tls13, Suite::Aes256) => "TLS13_AES_256_GCM_SHA384",
        (Version::Tls13, Suite::ChaCha) => "TLS13_CHACHA20_POLY1305_SHA256",
        (Version::Tls12, Suite::Aes128) => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        (Version::Tls12, Suite::Aes256) => "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        (Version::Tls12, Suite::ChaCha) => "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    })
}

/// What the client has to say.
fn told(case: &Case) -> Result<Vec<String>, Cannot> {
    let kind = match (case.resumed.is_some(), case.retry) {
        (true, _) => "Resumed",
        (false, true) => "FullWithHelloRetryRequest",
        (false, false) => "Full",
    };
    let alpn = if case.alpn { "Some(\"h2\")" } else { "None" };
    let early = case.early == Early::Accepted;
    Ok(vec![
        format!("handshake complete: {kind}"),
        format!(", {}, {alpn}, early data {early}", suite(case)?),
    ])
}
