// SPDX-License-Identifier: GPL-2.0-only
//! A TLS client or server on rustls, told what to do by words of the form name=value; or by a role and options, as
//! tests/guest/stacks/peer.py has them: then it joins TLS connections to plain ones.

mod config;
mod pump;
mod sessions;
mod words;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection, SideData};
use std::error::Error;
use std::io::{stdin, BufRead, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use words::Words;

/// How a request ends, and what is answered.
const END: &[u8] = b"\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\n\r\n";

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments = std::env::args().skip(1);
    if matches!(
        std::env::args().nth(1).as_deref(),
        Some("client" | "server")
    ) {
        return pump::run(&Words::of_options(arguments));
    }
    let words = Words::of(arguments);
    match words.get("role") {
        "server" => serve(&words),
        _ => connect(&words),
    }
}

fn serve(words: &Words) -> Outcome<()> {
    let config = config::server(words)?;
    let later = match words.is("reject") {
        true => config::without_early_data(&config),
        false => Arc::clone(&config),
    };
    let mut configs = std::iter::once(config).chain(std::iter::repeat(later));
    let listener = TcpListener::bind(("127.0.0.1", words.number("port")))?;
    println!("listening");
    loop {
        let (mut socket, _) = listener.accept()?;
        let config = configs.next().ok_or("no configuration")?;
        let mut tls = ServerConnection::new(config)?;
        if let Err(error) = answer(&mut tls, &mut socket) {
            // What is wrong goes to the client too.
            let _ = tls.write_tls(&mut socket);
            eprintln!("{error}");
        }
    }
}

fn answer(tls: &mut ServerConnection, socket: &mut TcpStream) -> Outcome<()> {
    let (mut request, mut told) = (vec![], false);
    loop {
        if let Some(mut early) = tls.early_data() {
            early.read_to_end(&mut request)?;
        }
        if !told && !tls.is_handshaking() {
            println!("handshake complete");
            told = true;
        }
        // A client may have sent all of it early.
        if told && request.ends_with(END) {
            break;
        }
        if take(tls, socket, &mut request)?.is_none() {
            return Ok(());
        }
    }
    tls.writer().write_all(ANSWER)?;
    farewell(tls, socket)
}

fn connect(words: &Words) -> Outcome<()> {
    let config = config::client(words)?;
    let early = words.get("early");
    for _ in 0..words.number("connections") {
        let mut socket = TcpStream::connect(("127.0.0.1", words.number("port")))?;
        let name = ServerName::try_from("name.example")?;
        let mut tls = ClientConnection::new(Arc::clone(&config), name)?;
        if let Some(mut writer) = tls.early_data() {
            writer.write_all(early.as_bytes())?;
        }
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        flush(&mut tls, &mut socket)?;
        println!(
            "handshake complete: {:?}, {:?}, {:?}, early data {}",
            tls.handshake_kind().ok_or("no handshake")?,
            tls.negotiated_cipher_suite().ok_or("no suite")?.suite(),
            tls.alpn_protocol().map(String::from_utf8_lossy),
            tls.is_early_data_accepted(),
        );
        let mut request = vec![];
        while !request.ends_with(END) {
            if stdin().lock().read_until(b'\n', &mut request)? == 0 {
                break;
            }
        }
        tls.writer().write_all(&request)?;
        let mut answer = vec![];
        while !answer.ends_with(b"\n") && take(&mut tls, &mut socket, &mut answer)?.is_some() {}
        println!("{}", String::from_utf8_lossy(&answer));
        farewell(&mut tls, &mut socket)?;
    }
    Ok(())
}

/// Sends what is to be sent, and takes in what comes then; none at the end.
fn take<D: SideData, C>(
    tls: &mut C,
    socket: &mut TcpStream,
    to: &mut Vec<u8>,
) -> Outcome<Option<()>>
where
    C: DerefMut + Deref<Target = rustls::ConnectionCommon<D>>,
{
    flush(tls, socket)?;
    if tls.read_tls(socket)? == 0 {
        return Ok(None);
    }
    tls.process_new_packets()?;
    match tls.reader().read_to_end(to) {
        // The peer's close_notify.
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Some(())),
        Err(error) => Err(error.into()),
    }
}

fn flush<D: SideData, C>(tls: &mut C, socket: &mut TcpStream) -> Outcome<()>
where
    C: DerefMut + Deref<Target = rustls::ConnectionCommon<D>>,
{
    while tls.wants_write() {
        tls.write_tls(socket)?;
    }
    Ok(())
}

/// Both close_notify alerts, as far as the peer sends one.
fn farewell<D: SideData, C>(tls: &mut C, socket: &mut TcpStream) -> Outcome<()>
where
    C: DerefMut + Deref<Target = rustls::ConnectionCommon<D>>,
{
    tls.send_close_notify();
    let mut rest = vec![];
    while matches!(take(tls, socket, &mut rest), Ok(Some(()))) {}
    Ok(())
}
