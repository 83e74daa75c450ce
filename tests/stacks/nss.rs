// SPDX-License-Identifier: GPL-2.0-only
//! NSS: tstclnt and selfserv.

use crate::case::{Case, Certificate, Early, Suite, Version};
use crate::process::succeeds;
use crate::stack::{Cannot, Client, Pace, Server, Stack};
use std::path::Path;
use std::process::Command;
use tlsconn_tls::Resumption;

pub(crate) struct Nss;

impl Stack for Nss {
    fn name(&self) -> &'static str {
        "NSS"
    }

    fn is_here(&self) -> bool {
        // Neither has an option that succeeds and does nothing.
        succeeds(
            Path::new("/"),
            &["sh", "-c", "command -v selfserv certutil"],
        )
    }

    /// Debian's build does not.
    fn logs_random(&self, _case: &Case) -> bool {
        false
    }

    fn prepare(&self, folder: &Path) {
        std::fs::create_dir(folder.join("nss")).expect("a folder");
        for command in [
            "openssl pkcs12 -export -in cert.pem -inkey key.pem -name test -passout pass: -out p12",
            "certutil -N -d nss --empty-password",
            "pk12util -i p12 -d nss -W ",
            "certutil -M -n test -t CTu,CTu,CTu -d nss",
            "mkdir nss-without",
            "certutil -N -d nss-without --empty-password",
        ] {
            let words: Vec<_> = command.split(' ').collect();
            assert!(succeeds(folder, &words), "{command}");
        }
    }

    fn server(&self, case: &Case, port: u16) -> Result<Server, Cannot> {
        if case.alpn {
            return Err("selfserv has no h2");
        }
        if case.early == Early::Accepted {
            return Err("selfserv takes no early data in its first ten seconds");
        }
        if case.early == Early::Rejected && case.resumed.is_none() {
            return Err("selfserv resumes where it rejects early data");
        }
        let mut command = Command::new("selfserv");
        command.args(["-n", "test", "-p", &port.to_string()]);
        both(&mut command, case);
        command.args(["-d", "../nss", "-c", suite(case)?]);
        if case.retry {
            command.args(["-I", "P384"]);
        }
        if case.post_quantum {
            command.args(["-I", "mlkem768x25519"]);
        }
        if case.certificate != Certificate::NotAsked {
            command.arg("-r");
        }
        Ok(Server {
            command,
            ready: "About to call accept".into(),
            done: None,
            answers_early: true,
            by_hand: false,
            exact_age: false,
        })
    }

    fn clients(&self, case: &Case, place: &Path, port: u16) -> Result<Vec<Client>, Cannot> {
        if case.alpn || case.small || case.padded {
            return Err("tstclnt has no such option");
        }
        if case.early == Early::Rejected && case.resumed.is_none() {
            return Err("tstclnt does not use a session twice");
        }
        std::fs::write(place.join("request"), case.request()).expect("a file");
        let mut command = Command::new("tstclnt");
        command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        // What it is given on a pipe would have no end for it.
        command.args(["-a", "name.example", "-o", "-A", "request"]);
        both(&mut command, case);
        // It gives any certificate that it has.
        command.args(match case.certificate {
            Certificate::Withheld => ["-d", "../nss-without"],
            _ => ["-d", "../nss"],
        });
        let suite = suite(case)?;
        if !case.offers_session() {
            // It frees these twice before its second connection; the server has them too.
            command.args(["-c", suite]);
        }
        command.args(match (case.retry, case.post_quantum) {
            (true, _) => ["-I", "x25519,P384"],
            (_, true) => ["-I", "mlkem768x25519"],
            _ => ["-I", "x25519"],
        });
        let mut told = vec![];
        let mut connections = 1;
        if let Some(resumption) = case.resumed {
            connections = 2;
            command.args(["-L", "2"]);
            told.push("1 cache hits".into());
            let stateless = usize::from(resumption != Resumption::SessionId);
            told.push(format!("{stateless} stateless resumes"));
        }
        Ok(vec![Client {
            command,
            done: "SSL version",
            connections,
            pace: Pace::ByItself,
            takes: usize::MAX,
            told,
            age_in_seconds: false,
        }])
    }
}

fn suite(case: &Case) -> Result<&'static str, Cannot> {
    Ok(match (case.version, case.suite) {
        (_, Suite::Ccm8) => return Err("NSS has no CCM_8"),
        (Version::Tls13, Suite::Aes128) => ":1301",
        (Version::Tls13, Suite::Aes256) => ":1302",
        (Version::Tls13, Suite::ChaCha) => ":1303",
        (Version::Tls12, Suite::Aes128) => ":C02F",
        (Version::Tls12, Suite::Aes256) => ":C030",
        (Version::Tls12, Suite::ChaCha) => ":CCA8",
        (Version::Tls10 | Version::Tls11, _) => ":C013",
    })
}

/// What client and server are given both.
fn both(command: &mut Command, case: &Case) {
    let version = format!("tls{}", case.version.digits());
    command.args(["-v", "-V", &format!("{version}:{version}")]);
    if case.version == Version::Tls13 || case.resumed == Some(Resumption::Ticket) {
        command.arg("-u");
    }
    if case.is_early() {
        command.arg("-Z");
    }
}
