// SPDX-License-Identifier: GPL-2.0-only
//! A TLS stack as the matrix sees it, and how a case is run between two of them.

use crate::case::Case;
use crate::process::{free_port, Process};
use crate::relay::{Passed, Relay};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Why a stack cannot do a case.
pub(crate) type Cannot = &'static str;

/// What a client's line and a server's answer have in common.
const HTTP: &str = "HTTP/1.0";
/// A sender may keep a small segment back until the one before it is acknowledged, which may be delayed (Nagle's
/// algorithm; RFC 9293 3.7.4, 3.8.6.3).
const LONGEST_DELAY: Duration = Duration::from_millis(250);
/// How often a server is started that does not get ready, each time with another port, and how long that may take.
const TRIES: usize = 4;
const READY: Duration = Duration::from_secs(60);
/// What servers answer that do not do so by themselves.
const ANSWER: &str = "HTTP/1.0 200 OK\n";

/// A server and how it behaves.
pub(crate) struct Server {
    pub(crate) command: Command,
    /// What it says once it listens.
    pub(crate) ready: String,
    /// What it says once a handshake is complete, if it does so before there is data.
    pub(crate) done: Option<&'static str>,
    /// Whether it takes early data as a request.
    pub(crate) answers_early: bool,
    /// Whether it has to be given the answer to a request.
    pub(crate) by_hand: bool,
    /// Whether it takes early data only if the client's age of the ticket is not above its own, to the millisecond.
    pub(crate) exact_age: bool,
}

/// When a client sends its request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pace {
    /// On each connection, once it is given the request.
    OnEach,
    /// On the last connection, once it is given the request.
    OnLast,
    /// On each connection, by itself.
    ByItself,
}

/// A client and how it behaves.
pub(crate) struct Client {
    pub(crate) command: Command,
    /// What it says once a handshake is complete.
    pub(crate) done: &'static str,
    /// Connections that it makes, one after the other.
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    /// Bytes that it takes of a request at once.
    pub(crate) takes: usize,
    /// What it has to say of the last connection.
    pub(crate) told: Vec<String>,
    /// Whether it counts the age of a ticket in seconds.
    pub(crate) age_in_seconds: bool,
}

/// A TLS stack.
pub(crate) trait Stack: Sync {
    fn name(&self) -> &'static str;

    /// Whether it is here.
    fn is_here(&self) -> bool;

    /// Whether it logs the client's random of such a connection where SSLKEYLOGFILE says.
    fn logs_random(&self, _case: &Case) -> bool {
        true
    }

    /// Whether its client tells the records that it meets as openssl does.
    fn tells_records(&self) -> bool {
        false
    }

    /// Makes what it needs in a folder that has cert.pem and key.pem.
    fn prepare(&self, _folder: &Path) {}

    fn server(&self, case: &Case, port: u16) -> Result<Server, Cannot>;

    /// The client's runs for a case: one, or one for each connection. `place` is a folder of the case's own, in which
    /// they run.
    fn clients(&self, case: &Case, place: &Path, port: u16) -> Result<Vec<Client>, Cannot>;
}

/// What a run has left.
pub(crate) struct Run {
    pub(crate) connections: Vec<Passed>,
    /// What the client has said of the last connection, and whether it tells its records as openssl does.
    pub(crate) client_said: String,
    pub(crate) client_tells_records: bool,
    /// Randoms as the stacks have logged them, if one has.
    pub(crate) keys: String,
}

/// What a case has come to that did not pass.
pub(crate) enum Failed {
    Cannot(Cannot),
    /// It did not come to its end: a program waits, or has gone.
    Stuck(String),
    /// It came to another end.
    Broken(String),
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Failed::Stuck(why)
    }
}

impl From<Cannot> for Failed {
    fn from(why: Cannot) -> Self {
        Failed::Cannot(why)
    }
}

/// Both stacks with the relay between them; `place` is a folder of the case's own.
pub(crate) fn run(
    client: &dyn Stack,
    server: &dyn Stack,
    case: &Case,
    place: &Path,
) -> Result<Run, Failed> {
    // What cannot be had is found out before anything runs.
    let clients = client.clients(case, place, 0)?;
    let serving = server.server(case, 0)?;
    let sends_early_only = |client: &Client| case.is_early() && client.pace == Pace::ByItself;
    if clients.iter().any(sends_early_only) && !serving.answers_early {
        return Err("the client sends early data only, the server answers other data only".into());
    }
    let coarse = clients.iter().any(|client| client.age_in_seconds);
    if case.is_early() && coarse && serving.exact_age {
        return Err(
            "the client counts a ticket's age in seconds, the server in milliseconds".into(),
        );
    }
    let server_keys = place.join("server.keys");
    let (mut served, port) = start(server, case, place, &server_keys)?;
    let relay = Relay::to(port);
    let client_keys = place.join("client.keys");
    let mut client_said = String::new();
    let (mut handshakes, mut answered) = (0, 0);
    for running in client.clients(case, place, relay.port)? {
        let Client {
            mut command,
            done,
            connections,
            pace,
            takes,
            told,
            ..
        } = running;
        command
            .current_dir(place)
            .env("SSLKEYLOGFILE", &client_keys);
        let mut process = Process::start(command);
        let both =
            |why: String, server: &Process| format!("client: {why}\nserver: {}", server.said());
        let server_said = |why: String| format!("server: {why}");
        let mut heard = 0;
        for connection in 1..=connections {
            handshakes += 1;
            if pace == Pace::OnLast && connection < connections {
                continue;
            }
            if pace != Pace::ByItself && !case.at_once {
                process
                    .wait_for(done, connection)
                    .map_err(|why| both(why, &served))?;
                match serving.done {
                    Some(done) => served.wait_for(done, handshakes).map_err(server_said)?,
                    None => thread::sleep(LONGEST_DELAY),
                }
                relay.mark();
            }
            if pace != Pace::ByItself {
                heard = process.count(HTTP);
                for piece in case.request().as_bytes().chunks(takes) {
                    let sent = relay.sent();
                    process.write(piece);
                    relay.wait_beyond(sent).map_err(|why| {
                        let client = process.said();
                        both(format!("{why}: {client}"), &served)
                    })?;
                }
            }
            answered += 1;
            if serving.by_hand {
                served.wait_for(HTTP, answered).map_err(server_said)?;
                served.write(ANSWER.as_bytes());
                if pace == Pace::ByItself {
                    // It waits for the server to close the connection, which openssl does at this word.
                    process
                        .wait_for(HTTP, connection)
                        .map_err(|why| both(why, &served))?;
                    served.write(b"q\n");
                }
            }
            if pace != Pace::ByItself {
                process
                    .wait_for(HTTP, heard + 1)
                    .map_err(|why| both(why, &served))?;
            }
        }
        process.close_input();
        client_said = process.end().map_err(|why| both(why, &served))?;
        for told in told {
            if !client_said.contains(&told) {
                let why = format!("\"{told}\" is not said: {client_said}");
                return Err(Failed::Broken(both(why, &served)));
            }
        }
    }
    drop(served);
    let keys =
        [client_keys, server_keys].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    Ok(Run {
        connections: relay.end(),
        client_said,
        client_tells_records: client.tells_records(),
        keys: keys.concat(),
    })
}

/// Starts the server. Another program may have taken the port in the meantime.
fn start(
    server: &dyn Stack,
    case: &Case,
    place: &Path,
    keys: &Path,
) -> Result<(Process, u16), Failed> {
    let mut tries = 0;
    loop {
        tries += 1;
        let port = free_port();
        let Server {
            mut command, ready, ..
        } = server.server(case, port)?;
        command.current_dir(place).env("SSLKEYLOGFILE", keys);
        let served = Process::start(command);
        match served.wait_at_most(READY, &ready, 1) {
            Ok(()) => return Ok((served, port)),
            Err(why) if tries == TRIES => return Err(format!("server: {why}").into()),
            Err(_) => {}
        }
    }
}
