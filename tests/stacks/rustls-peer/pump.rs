// SPDX-License-Identifier: GPL-2.0-only
//! Joins plain TCP connections and TLS connections one to one; tests/guest/stacks/peer.py says what it is told and tells.

use crate::sessions::KeepOnly;
use crate::words::Words;
use crate::{config, Outcome};
use rustls::client::{ClientSessionMemoryCache, Resumption};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, HandshakeKind, ServerConnection};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a client sends as early data at most.
const EARLY: usize = 4096;
const CHUNK: usize = 65536;

type Handle = Arc<dyn Fn(TcpStream) -> Outcome<()> + Send + Sync>;

pub(crate) fn run(words: &Words) -> Outcome<()> {
    let mut doors: Vec<(TcpListener, Handle)> = vec![];
    let to = words.get("connect").to_owned();
    if words.get("role") == "server" {
        let config = config::server(words)?;
        let handle = move |raw| serve(ServerConnection::new(Arc::clone(&config))?, raw, &to);
        doors.push((TcpListener::bind(words.get("listen"))?, Arc::new(handle)));
    } else {
        let early = !words.get("early").is_empty();
        let name = words.get("name").to_owned();
        for (door, config) in client_configs(words)? {
            let (to, name) = (to.clone(), name.clone());
            let early = early && door == "resume";
            let handle = move |plain| connect(&config, &name, plain, &to, early);
            doors.push((TcpListener::bind(words.get(door))?, Arc::new(handle)));
        }
    }
    eprintln!(r#"{{"event": "listening"}}"#);
    let accepting = doors
        .into_iter()
        .map(|(door, handle)| thread::spawn(move || accept(&door, &handle)));
    for thread in accepting.collect::<Vec<_>>() {
        thread.join().map_err(|_| "a listener has ended")?;
    }
    Ok(())
}

/// For each door: the same client, whose connections offer a session or do not.
fn client_configs(words: &Words) -> Outcome<[(&'static str, Arc<ClientConfig>); 2]> {
    let sessions = Arc::new(ClientSessionMemoryCache::new(8));
    let config = config::client(words)?;
    let with = |resumption| {
        let mut config = (*config).clone();
        config.resumption = resumption;
        Arc::new(config)
    };
    let full = with(Resumption::store(Arc::new(KeepOnly(sessions.clone()))));
    Ok([
        ("listen", full),
        ("resume", with(Resumption::store(sessions))),
    ])
}

fn accept(door: &TcpListener, handle: &Handle) {
    for accepted in door.incoming().flatten() {
        let handle = Arc::clone(handle);
        thread::spawn(move || {
            if let Err(error) = handle(accepted) {
                eprintln!(r#"{{"event": "error", "text": {:?}}}"#, error.to_string());
            }
        });
    }
}

fn serve(tls: ServerConnection, mut raw: TcpStream, to: &str) -> Outcome<()> {
    let mut tls = Connection::from(tls);
    let port = raw.peer_addr()?.port();
    shake(&mut tls, &mut raw)?;
    let mut before = vec![];
    if let Connection::Server(server) = &mut tls {
        if let Some(mut early) = server.early_data() {
            early.read_to_end(&mut before)?;
        }
    }
    told(&tls, port, !before.is_empty());
    let mut plain = TcpStream::connect(to)?;
    plain.write_all(&before)?;
    join(tls, raw, plain, &[])
}

fn connect(
    config: &Arc<ClientConfig>,
    name: &str,
    mut plain: TcpStream,
    to: &str,
    early: bool,
) -> Outcome<()> {
    let mut first = vec![0; if early { EARLY } else { 0 }];
    if early {
        let bytes = plain.read(&mut first)?;
        first.truncate(bytes);
    }
    let mut raw = TcpStream::connect(to)?;
    let port = raw.local_addr()?.port();
    let mut client =
        ClientConnection::new(Arc::clone(config), ServerName::try_from(name.to_owned())?)?;
    let sent = match client.early_data() {
        Some(mut writer) => writer.write(&first)?,
        None => 0,
    };
    let mut tls = Connection::from(client);
    shake(&mut tls, &mut raw)?;
    let accepted = matches!(&tls, Connection::Client(client) if client.is_early_data_accepted());
    told(&tls, port, accepted);
    join(tls, raw, plain, &first[if accepted { sent } else { 0 }..])
}

fn shake(tls: &mut Connection, raw: &mut TcpStream) -> Outcome<()> {
    while tls.is_handshaking() {
        tls.complete_io(raw)?;
    }
    raw.write_all(&outgoing(tls)?)?;
    Ok(())
}

fn told(tls: &Connection, port: u16, early: bool) {
    let version = match tls.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "1.2",
        _ => "1.3",
    };
    let cipher = tls.negotiated_cipher_suite().map(|suite| suite.suite());
    let resumed = tls.handshake_kind() == Some(HandshakeKind::Resumed);
    let alpn = match tls.alpn_protocol() {
        Some(name) => format!("{:?}", String::from_utf8_lossy(name)),
        None => "null".into(),
    };
    let cipher = cipher
        .map(|cipher| format!("{cipher:?}"))
        .unwrap_or_default();
    eprintln!(
        r#"{{"event": "handshake", "port": {port}, "version": "{version}", "cipher": "{cipher}", "resumed": {resumed}, "alpn": {alpn}, "early": {early}}}"#
    );
}

/// What the connection has to send.
fn outgoing(tls: &mut Connection) -> Outcome<Vec<u8>> {
    let mut bytes = vec![];
    while tls.wants_write() {
        tls.write_tls(&mut bytes)?;
    }
    Ok(bytes)
}

/// Who sends holds the socket for writing, and the connection only while it makes records: who receives need not wait
/// until they are sent.
struct Joint {
    tls: Mutex<Connection>,
    writing: Mutex<TcpStream>,
}

impl Joint {
    fn send(&self, bytes: &[u8], farewell: bool) -> Outcome<()> {
        let mut raw = self
            .writing
            .lock()
            .map_err(|_| "the other way has failed")?;
        let mut tls = self.tls.lock().map_err(|_| "the other way has failed")?;
        tls.writer().write_all(bytes)?;
        if farewell {
            tls.send_close_notify();
        }
        let records = outgoing(&mut tls)?;
        drop(tls);
        raw.write_all(&records)?;
        Ok(())
    }

    /// Takes in what has come, and gives the data in it; whether that was all.
    fn take(&self, mut bytes: &[u8]) -> Outcome<(Vec<u8>, bool)> {
        let mut tls = self.tls.lock().map_err(|_| "the other way has failed")?;
        let (mut data, mut closed) = (vec![], false);
        loop {
            if !bytes.is_empty() {
                tls.read_tls(&mut bytes)?;
            }
            let state = tls.process_new_packets()?;
            let mut part = vec![0; state.plaintext_bytes_to_read()];
            tls.reader().read_exact(&mut part)?;
            data.extend(part);
            closed |= state.peer_has_closed();
            if bytes.is_empty() || closed {
                return Ok((data, closed));
            }
        }
    }
}

fn join(tls: Connection, raw: TcpStream, plain: TcpStream, first: &[u8]) -> Outcome<()> {
    let joint = Arc::new(Joint {
        tls: Mutex::new(tls),
        writing: Mutex::new(raw.try_clone()?),
    });
    joint.send(first, false)?;
    let back = {
        let (joint, raw, plain) = (Arc::clone(&joint), raw.try_clone()?, plain.try_clone()?);
        thread::spawn(move || {
            let done = receive(&joint, &raw, &plain).map_err(|error| error.to_string());
            let _ = plain.shutdown(Shutdown::Both);
            done
        })
    };
    let mut bytes = vec![0; CHUNK];
    let mut from = &plain;
    loop {
        let size = from.read(&mut bytes)?;
        let sent = joint.send(&bytes[..size], size == 0);
        if size == 0 || sent.is_err() {
            break;
        }
    }
    let _ = raw.shutdown(Shutdown::Both);
    back.join().map_err(|_| "the way back has failed")??;
    Ok(())
}

fn receive(joint: &Joint, mut raw: &TcpStream, mut plain: &TcpStream) -> Outcome<()> {
    let mut bytes = vec![0; CHUNK];
    let mut size = 0;
    loop {
        // What came with the handshake's end is there already.
        let (data, closed) = joint.take(&bytes[..size])?;
        plain.write_all(&data)?;
        if closed {
            return Ok(());
        }
        size = raw.read(&mut bytes)?;
        if size == 0 {
            return Ok(());
        }
    }
}
