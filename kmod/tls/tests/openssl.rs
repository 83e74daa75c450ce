// SPDX-License-Identifier: GPL-2.0-only
//! Real connections: openssl s_client and s_server with the engine on the way between them. What is expected comes from
//! what openssl itself reports (-msg, -keylogfile, the session's summary), not from the engine.

mod common;

use common::Wire;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tlsconn_tls::{Resumption, Side, Side::Dst, Side::Src, State, Types};

/// A folder of the test's own, gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tlsconn-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server that is stopped when the test is over.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has_openssl() -> bool {
    let found = Command::new("openssl")
        .arg("version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        // Written past the harness, which keeps what a passing test prints to itself.
        let _ = writeln!(std::io::stderr(), "SKIP: there is no openssl here");
    }
    found
}

fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test",
        ])
        .args(["-keyout", "key.pem", "-out", "cert.pem", "-days", "2"])
        .stderr(Stdio::null())
        .status()
        .expect("openssl req runs");
    assert!(made.success());
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

fn serve(folder: &Path, arguments: &[&str]) -> Server {
    let port = free_port();
    let child = Command::new("openssl")
        .current_dir(folder)
        .args([
            "s_server",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-quiet",
        ])
        .args(["-cert", "cert.pem", "-key", "key.pem"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl s_server runs");
    let server = Server { child, port };
    for _ in 0..100 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return server;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("openssl s_server does not listen: try its arguments by hand");
}

/// A connection as the relay passed it on: pieces of both sides, in their order.
#[derive(Clone, Default)]
struct Passed {
    wire: Wire,
    pieces: Vec<(Side, Vec<u8>)>,
}

/// Relays a connection, shows every piece to the engine, and answers with the engine.
fn relay(to: u16) -> (u16, thread::JoinHandle<Passed>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let relay = thread::spawn(move || {
        let (client, _) = listener.accept().expect("a client");
        let server = TcpStream::connect(("127.0.0.1", to)).expect("the server");
        let passed = Arc::new(Mutex::new(Passed::default()));
        let pass = |from: Side, mut source: TcpStream, mut sink: TcpStream| {
            // So that a connection that hangs fails the test.
            let patience = Some(Duration::from_secs(20));
            source.set_read_timeout(patience).expect("a time-out");
            let passed = Arc::clone(&passed);
            thread::spawn(move || {
                let mut octets = [0; 1448];
                while let Ok(len @ 1..) = source.read(&mut octets) {
                    // Shown first, as a gateway would see it.
                    let mut passed = passed.lock().expect("the engine");
                    passed.wire.send(from, &octets[..len]);
                    passed.pieces.push((from, octets[..len].to_vec()));
                    drop(passed);
                    if sink.write_all(&octets[..len]).is_err() {
                        break;
                    }
                }
                let _ = sink.shutdown(std::net::Shutdown::Write);
            })
        };
        let client_again = client.try_clone().expect("a copy");
        let server_again = server.try_clone().expect("a copy");
        let up = pass(Src, client, server);
        let down = pass(Dst, server_again, client_again);
        up.join().expect("the client's direction");
        down.join().expect("the server's direction");
        let passed = passed.lock().expect("the engine").clone();
        passed
    });
    (port, relay)
}

/// A connection over which a line went there and back.
struct Run {
    wire: Wire,
    said: String,
}

fn connect(folder: &Path, server: &mut Server, arguments: &[&str]) -> Run {
    let (port, relay) = relay(server.port);
    let keys = folder.join("keys");
    let _ = std::fs::remove_file(&keys);
    let mut client = Command::new("openssl")
        .current_dir(folder)
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}")])
        .args([
            "-servername",
            "name.example",
            "-alpn",
            "h2,http/1.1",
            "-msg",
        ])
        .args(["-keylogfile", "keys"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl s_client runs");
    let mut output = client.stdout.take().expect("its output");
    let mut input = client.stdin.take().expect("its input");
    let mut said = Vec::new();
    let mut sent = false;
    let mut octets = [0; 4096];
    // The line is sent once the session is there, and the input ends once the answer has come.
    while let Ok(len @ 1..) = output.read(&mut octets) {
        said.extend(&octets[..len]);
        let so_far = String::from_utf8_lossy(&said);
        if !sent && so_far.contains("Verify return code") {
            input.write_all(b"hello\n").expect("the client reads");
            // One that does not answer by itself (-rev) sends this.
            let server = server.child.stdin.as_mut().expect("the server's input");
            server.write_all(b"olleh\n").expect("the server reads");
            sent = true;
        }
        if so_far.contains("olleh") {
            input.write_all(b"Q\n").expect("the client reads");
            break;
        }
    }
    output
        .read_to_end(&mut said)
        .expect("the rest of the output");
    client.wait().expect("the client ends");
    let passed = relay.join().expect("the relay ends");
    check_cuts(&passed);
    Run {
        wire: passed.wire,
        said: String::from_utf8_lossy(&said).into_owned(),
    }
}

/// The same octets cut anew, or merged as far as no octet of the other side comes in between: the outcome is the same.
fn check_cuts(passed: &Passed) {
    let mut merged: Vec<(Side, Vec<u8>)> = vec![];
    for (from, octets) in &passed.pieces {
        match merged.last_mut() {
            Some((last, so_far)) if last == from => so_far.extend(octets),
            _ => merged.push((*from, octets.clone())),
        }
    }
    for step in [1, 2, 5, 333, 65536] {
        let mut wire = Wire::default();
        for (from, octets) in &merged {
            for piece in octets.chunks(step) {
                wire.send(*from, piece);
            }
        }
        let (is, was) = (&wire.connection, &passed.wire.connection);
        assert_eq!(is.state(), was.state(), "cut every {step}");
        assert_eq!(is.reason(), was.reason(), "cut every {step}");
        let identity = wire.handshake.identity;
        assert_eq!(identity, passed.wire.handshake.identity, "cut every {step}");
        assert_eq!(wire.handshake.issued(), passed.wire.handshake.issued());
        for (side, first) in [(Src, 1000), (Dst, 5000)] {
            assert_eq!(is.counters(side), was.counters(side), "cut every {step}");
            for seq in first..wire.next[side as usize] {
                let types = is.types(side, seq, 1);
                assert_eq!(types, was.types(side, seq, 1), "{seq} cut every {step}");
            }
        }
    }
}

impl Run {
    /// The first word behind a label in the client's report.
    fn report(&self, label: &str) -> &str {
        let at = self
            .said
            .find(label)
            .unwrap_or_else(|| panic!("no {label} in {}", self.said));
        let rest = self.said[at + label.len()..].trim_start();
        rest.split(|c: char| c.is_whitespace() || c == ',')
            .next()
            .unwrap_or_default()
    }

    /// The records that the client reports by `-msg`, in the order it met them.
    fn records(&self) -> Vec<Reported> {
        let mut records: Vec<Reported> = vec![];
        let mut lines = self.said.lines();
        while let Some(line) = lines.next() {
            let header = line.contains(", RecordHeader [");
            if !header && !line.contains(", InnerContent [") {
                continue;
            }
            let next = lines.next().expect("the octets");
            let octets: Vec<u8> = next
                .split_whitespace()
                .map(|octet| u8::from_str_radix(octet, 16).expect("an octet"))
                .collect();
            if header {
                records.push(Reported {
                    from: if line.starts_with(">>>") { Src } else { Dst },
                    wire: octets[0],
                    len: 5 + usize::from(octets[3]) * 256 + usize::from(octets[4]),
                    inner: octets[0],
                });
            } else {
                records.last_mut().expect("a header in front").inner = octets[0];
            }
        }
        records
    }
}

/// A record as openssl tells it: what it says, and what TLS 1.3 has hidden in it.
struct Reported {
    from: Side,
    wire: u8,
    len: usize,
    inner: u8,
}

/// Every record reads as the client says it is. What TLS 1.3 hides behind the client's Finished, tickets and alerts,
/// cannot be told from data.
fn check_records(run: &Run) {
    let records = run.records();
    let hidden = |r: &Reported| r.from == Src && r.wire == 23 && r.inner == 22;
    let finished = records.iter().rposition(hidden);
    let mut next = [1000, 5000];
    for (number, record) in records.iter().enumerate() {
        let in_handshake = finished.is_some_and(|finished| number <= finished);
        let content = if record.wire == 23 && !in_handshake {
            23
        } else {
            record.inner
        };
        let seq = &mut next[record.from as usize];
        let types = run.wire.types(record.from, *seq, record.len);
        let expected = (Types::of_wire(content), Types::of_wire(record.wire));
        assert_eq!(
            (Some(types.content), Some(types.wire)),
            expected,
            "record {number}: {}",
            run.said
        );
        *seq += record.len as u32;
    }
    // The client does not read the server's farewell.
    assert_eq!(next[0], run.wire.next[0]);
    assert!(next[1] <= run.wire.next[1]);
    assert!(records.len() >= 6, "{}", run.said);
}

fn hex(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("a digit");
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    digits.map(digit).collect()
}

fn check(folder: &Path, run: &Run, version: u16, cipher: &str, reused: bool) {
    let identity = &run.wire.handshake.identity;
    assert_eq!(run.wire.connection.reason(), tlsconn_tls::Reason::None);
    let state = run.wire.connection.state();
    assert!(
        matches!(state, State::Established | State::Closed),
        "{state:?}"
    );
    assert_eq!(identity.client, Some(Src));
    assert_eq!(identity.version, Some(version));
    assert_eq!(identity.sni.expect("a name").as_slice(), b"name.example");
    assert_eq!(identity.alpn.expect("a protocol").as_slice(), b"h2");
    assert!(identity.confirmed);
    assert_eq!(run.report("Cipher is"), cipher);
    let session = if reused { "Reused" } else { "New" };
    assert!(run.said.contains(&format!("\n{session}, ")), "{}", run.said);
    assert_eq!(identity.resumed, Some(reused));
    let keys = std::fs::read_to_string(folder.join("keys")).expect("the keys' log");
    let random = hex(&identity.client_random.expect("a random"));
    assert!(keys.contains(&random), "{random} in {keys}");
    check_records(run);
}

/// CCM_8 is below the level that openssl asks for.
const LOW: &str = "DEFAULT:@SECLEVEL=0";

#[test]
fn tls13_with_openssl() {
    if !has_openssl() {
        return;
    }
    let folder = Folder::new("tls13");
    certificate(&folder.0);
    for cipher in [
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_AES_128_CCM_8_SHA256",
    ] {
        let mut server = serve(
            &folder.0,
            &["-tls1_3", "-rev", "-ciphersuites", cipher, "-cipher", LOW],
        );
        let suites = ["-ciphersuites", cipher, "-cipher", LOW];
        let run = connect(
            &folder.0,
            &mut server,
            &[&suites[..], &["-sess_out", "session"]].concat(),
        );
        check(&folder.0, &run, 0x0304, cipher, false);
        let run = connect(
            &folder.0,
            &mut server,
            &[&suites[..], &["-sess_in", "session"]].concat(),
        );
        check(&folder.0, &run, 0x0304, cipher, true);
        assert_eq!(
            run.wire.handshake.identity.resumption,
            Some(Resumption::Psk)
        );
    }
}

#[test]
fn tls13_shapes_with_openssl() {
    if !has_openssl() {
        return;
    }
    let folder = Folder::new("shapes");
    certificate(&folder.0);
    let cipher = "TLS_AES_256_GCM_SHA384";
    let own = ["-cert", "cert.pem", "-key", "key.pem"];
    for (server, client) in [
        // A certificate asked for: given, not given.
        (&["-verify", "1"][..], &own[..]),
        (&["-verify", "1"], &[]),
        // HelloRetryRequest.
        (&["-groups", "P-384"], &["-groups", "X25519:P-384"]),
        // The client's records padded.
        (&[], &["-record_padding", "512"]),
        // Small records, with a certificate.
        (
            &["-verify", "1", "-max_send_frag", "512"],
            &[&own[..], &["-max_send_frag", "512"]].concat(),
        ),
    ] {
        let mut server = serve(&folder.0, &[&["-tls1_3", "-rev"], server].concat());
        let run = connect(&folder.0, &mut server, client);
        check(&folder.0, &run, 0x0304, cipher, false);
        let retried = client.contains(&"-groups");
        assert_eq!(run.wire.handshake.identity.hello_retry, Some(retried));
    }
}

#[test]
fn tls12_with_openssl() {
    if !has_openssl() {
        return;
    }
    let folder = Folder::new("tls12");
    certificate(&folder.0);
    let cipher = "ECDHE-RSA-AES256-GCM-SHA384";
    for (tickets, evidence) in [
        (&[][..], Resumption::Ticket),
        (&["-no_ticket"], Resumption::SessionId),
    ] {
        let mut server = serve(
            &folder.0,
            &[&["-tls1_2", "-rev", "-cipher", cipher], tickets].concat(),
        );
        let run = connect(
            &folder.0,
            &mut server,
            &[&["-sess_out", "session"], tickets].concat(),
        );
        check(&folder.0, &run, 0x0303, cipher, false);
        let reported = run.report("Session-ID:").to_lowercase();
        let first = run;
        let run = connect(
            &folder.0,
            &mut server,
            &[&["-sess_in", "session"], tickets].concat(),
        );
        check(&folder.0, &run, 0x0303, cipher, true);
        let identity = run.wire.handshake.identity;
        assert_eq!(identity.resumption, Some(evidence));
        let issued = first.wire.handshake.issued();
        let continued = run.wire.handshake.continues();
        assert!(continued.is_some() && issued.contains(&continued));
        if evidence == Resumption::SessionId {
            assert_eq!(
                hex(identity.session_id.expect("an id").as_slice()),
                reported
            );
        }
    }
}

#[test]
fn early_data_with_openssl() {
    if !has_openssl() {
        return;
    }
    let folder = Folder::new("early");
    certificate(&folder.0);
    std::fs::write(folder.0.join("early"), "early data\n").expect("a file");
    let cipher = "TLS_AES_256_GCM_SHA384";
    let mut server = serve(&folder.0, &["-tls1_3", "-early_data"]);
    let run = connect(&folder.0, &mut server, &["-sess_out", "session"]);
    check(&folder.0, &run, 0x0304, cipher, false);
    let early = ["-sess_in", "session", "-early_data", "early"];
    let run = connect(&folder.0, &mut server, &early);
    check(&folder.0, &run, 0x0304, cipher, true);
    assert!(run.said.contains("Early data was accepted"), "{}", run.said);
    assert_eq!(run.wire.handshake.identity.early_data, Some(true));
    // The same ticket again: the server accepts the key, but no early data.
    let run = connect(&folder.0, &mut server, &early);
    assert!(run.said.contains("Early data was rejected"), "{}", run.said);
    check_records(&run);
}
