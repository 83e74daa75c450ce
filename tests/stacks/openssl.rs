// SPDX-License-Identifier: GPL-2.0-only
//! OpenSSL: s_client and s_server.

use crate::case::{Case, Certificate, Early, Suite, Version};
use crate::process::succeeds;
use crate::stack::{Cannot, Client, Pace, Server, Stack};
use std::path::Path;
use std::process::Command;
use tlsconn_tls::Resumption;

/// CCM_8, and versions below TLS 1.2, are below the level that openssl asks for.
const LOW: &str = "@SECLEVEL=0";

pub(crate) struct OpenSsl;

impl Stack for OpenSsl {
    fn name(&self) -> &'static str {
        "OpenSSL"
    }

    fn is_here(&self) -> bool {
        succeeds(Path::new("/"), &["openssl", "version"])
    }

    fn tells_records(&self) -> bool {
        true
    }

    fn server(&self, case: &Case, port: u16) -> Result<Server, Cannot> {
        if case.early == Early::Rejected && case.resumed.is_some() {
            return Err("s_server does not resume where it rejects early data");
        }
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", &format!("127.0.0.1:{port}")]);
        command.args(["-cert", "../cert.pem", "-key", "../key.pem"]);
        command.args(["-keylogfile", "server.keys"]);
        both(&mut command, case);
        if case.certificate != Certificate::NotAsked {
            command.args(["-verify", "1"]);
        }
        if case.is_early() {
            command.args(["-early_data"]);
        }
        if case.retry {
            command.args(["-groups", "P-384"]);
        }
        if case.alpn {
            command.args(["-alpn", "h2"]);
        }
        Ok(Server {
            command,
            ready: "ACCEPT".into(),
            done: Some("CIPHER is"),
            answers_early: true,
            by_hand: true,
            exact_age: false,
        })
    }

    fn clients(&self, case: &Case, place: &Path, port: u16) -> Result<Vec<Client>, Cannot> {
        std::fs::write(place.join("early"), case.early_text()).expect("a file");
        let before = case.before();
        let of_all = before.iter().chain([case]);
        Ok(of_all.map(|case| client(case, port)).collect())
    }
}

/// One connection, which leaves its session for the next.
fn client(case: &Case, port: u16) -> Client {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &format!("127.0.0.1:{port}")]);
    command.args(["-servername", "name.example"]);
    command.args(["-keylogfile", "client.keys", "-msg"]);
    both(&mut command, case);
    if case.certificate == Certificate::Given {
        command.args(["-cert", "../cert.pem", "-key", "../key.pem"]);
    }
    if case.retry {
        command.args(["-groups", "X25519:P-384"]);
    }
    if case.alpn {
        command.args(["-alpn", "h2,http/1.1"]);
    }
    let session = if case.offers_session() {
        "-sess_in"
    } else {
        "-sess_out"
    };
    command.args([session, "session"]);
    if case.is_early() {
        command.args(["-early_data", "early"]);
    }
    Client {
        command,
        done: "Verify return code",
        connections: 1,
        pace: Pace::OnEach,
        takes: usize::MAX,
        told: told(case),
        age_in_seconds: false,
    }
}

/// What client and server are given both.
fn both(command: &mut Command, case: &Case) {
    command.arg(match case.version {
        Version::Tls10 => "-tls1",
        Version::Tls11 => "-tls1_1",
        Version::Tls12 => "-tls1_2",
        Version::Tls13 => "-tls1_3",
    });
    match case.version {
        Version::Tls13 => {
            command.args(["-ciphersuites", suite(case)]);
            command.args(["-cipher", &format!("DEFAULT:{LOW}")]);
        }
        _ => {
            command.args(["-cipher", &format!("{}:{LOW}", suite(case))]);
        }
    }
    if case.resumed == Some(Resumption::SessionId) {
        command.arg("-no_ticket");
    }
    if case.small {
        command.args(["-max_send_frag", "512"]);
    }
    if case.padded {
        command.args(["-record_padding", "512"]);
    }
    if case.post_quantum {
        command.args(["-groups", "X25519MLKEM768"]);
    }
}

fn suite(case: &Case) -> &'static str {
    match (case.version, case.suite) {
        (Version::Tls13, Suite::Aes128) => "TLS_AES_128_GCM_SHA256",
        (Version::Tls13, Suite::Aes256) => "TLS_AES_256_GCM_SHA384",
        (Version::Tls13, Suite::ChaCha) => "TLS_CHACHA20_POLY1305_SHA256",
        (Version::Tls13, Suite::Ccm8) => "TLS_AES_128_CCM_8_SHA256",
        (Version::Tls12, Suite::Aes128) => "ECDHE-RSA-AES128-GCM-SHA256",
        (Version::Tls12, Suite::Aes256) => "ECDHE-RSA-AES256-GCM-SHA384",
        (Version::Tls12, Suite::ChaCha) => "ECDHE-RSA-CHACHA20-POLY1305",
        (Version::Tls12, Suite::Ccm8) => "AES128-CCM8",
        (Version::Tls10 | Version::Tls11, _) => "ECDHE-RSA-AES128-SHA",
    }
}

/// What s_client has to say.
fn told(case: &Case) -> Vec<String> {
    let session = if case.resumed.is_some() {
        "Reused"
    } else {
        "New"
    };
    let mut told = vec![
        format!("\n{session}, "),
        format!("Cipher is {}\n", suite(case)),
    ];
    match case.early {
        Early::NotOffered => (),
        Early::Accepted => told.push("Early data was accepted".into()),
        Early::Rejected => told.push("Early data was rejected".into()),
    }
    if case.alpn {
        told.push("ALPN protocol: h2".into());
    }
    if case.post_quantum {
        told.push("X25519MLKEM768".into());
    }
    told
}
