// SPDX-License-Identifier: GPL-2.0-only
//! Passes connections on, shows every piece to the engine as a gateway would see it, and keeps what passed.

use crate::common::Wire;
use crate::process::PATIENCE;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tlsconn_tls::{Side, Side::Dst, Side::Src};

/// How long a socket is asked for bytes before it counts as silent.
const SILENCE: Duration = Duration::from_millis(10);

/// A connection as the relay passed it on: pieces of both sides, in their order.
#[derive(Clone, Default)]
pub(crate) struct Passed {
    pub(crate) wire: Wire,
    pub(crate) pieces: Vec<(Side, Vec<u8>)>,
    /// Bytes that the client had sent when it said that the handshake is complete.
    pub(crate) handshake: Option<usize>,
}

impl Passed {
    /// All that a side has sent.
    pub(crate) fn stream(&self, side: Side) -> Vec<u8> {
        let of_side = self.pieces.iter().filter(|(from, _)| *from == side);
        of_side.flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    fn take(&mut self, from: Side, bytes: &[u8]) {
        self.wire.send(from, bytes);
        self.pieces.push((from, bytes.to_vec()));
    }
}

/// One connection under way.
struct Way {
    passed: Mutex<Passed>,
    client: TcpStream,
    directions: Mutex<Vec<thread::JoinHandle<()>>>,
}

/// Passes on all connections to a server.
pub(crate) struct Relay {
    pub(crate) port: u16,
    ways: Arc<Mutex<Vec<Arc<Way>>>>,
    over: Arc<AtomicBool>,
    accepting: thread::JoinHandle<()>,
}

impl Relay {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let ways: Arc<Mutex<Vec<Arc<Way>>>> = Arc::default();
        let over = Arc::new(AtomicBool::new(false));
        let accepting = thread::spawn({
            let (ways, over) = (Arc::clone(&ways), Arc::clone(&over));
            move || loop {
                let (client, _) = listener.accept().expect("a client");
                if over.load(Ordering::Acquire) {
                    return;
                }
                // One after the other: a server may keep a session only when it is through with its connection.
                let before = ways.lock().expect("the list").last().cloned();
                before.iter().for_each(wait_for);
                ways.lock().expect("the list").push(begin(client, server));
            }
        });
        Relay {
            port,
            ways,
            over,
            accepting,
        }
    }

    /// The client has said that the handshake is complete, and waits: what it has sent by now is its handshake.
    pub(crate) fn mark(&self) {
        let way = self.ways.lock().expect("the list").last().cloned();
        let way = way.expect("a connection");
        loop {
            let mut passed = way.passed.lock().expect("the engine");
            // Bytes are taken from the socket and counted with the lock held: what is not on the one side of it is on
            // the other.
            if silent(&way.client) {
                passed.handshake = Some(passed.stream(Src).len());
                return;
            }
            drop(passed);
            // Time for the direction's thread to get the lock.
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The last connection's number, and the bytes that its client has sent.
    pub(crate) fn sent(&self) -> (usize, usize) {
        let last = self.ways.lock().expect("the list").len().saturating_sub(1);
        (last, self.sent_on(last))
    }

    fn sent_on(&self, number: usize) -> usize {
        let ways = self.ways.lock().expect("the list");
        let passed = |way: &Arc<Way>| way.passed.lock().expect("the engine").stream(Src).len();
        ways.get(number).map_or(0, passed)
    }

    /// Waits until the client has sent more on that connection. It may have gone on to the next by then.
    pub(crate) fn wait_beyond(&self, (number, sent): (usize, usize)) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        while self.sent_on(number) <= sent {
            if Instant::now() > until {
                return Err(format!(
                    "nothing after byte {sent} was sent in {PATIENCE:?}"
                ));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Waits until all connections are closed, and answers with them in the order in which they came.
    pub(crate) fn end(self) -> Vec<Passed> {
        self.over.store(true, Ordering::Release);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.accepting.join().expect("the relay ends");
        let ways = std::mem::take(&mut *self.ways.lock().expect("the list"));
        let end = |way: &Arc<Way>| {
            wait_for(way);
            way.passed.lock().expect("the engine").clone()
        };
        ways.iter().map(end).collect()
    }
}

fn wait_for(way: &Arc<Way>) {
    for direction in way.directions.lock().expect("the list").drain(..) {
        direction.join().expect("a direction ends");
    }
}

/// Whether there is nothing to read within [`SILENCE`]. At its end a stream is not silent but has nothing more either.
fn silent(source: &TcpStream) -> bool {
    match source.peek(&mut [0]) {
        Ok(len) => len == 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

fn begin(client: TcpStream, server: u16) -> Arc<Way> {
    let server = TcpStream::connect(("127.0.0.1", server)).expect("the server");
    for socket in [&client, &server] {
        socket.set_nodelay(true).expect("an option");
        socket.set_read_timeout(Some(SILENCE)).expect("a time-out");
    }
    let copy = |socket: &TcpStream| socket.try_clone().expect("a copy");
    let way = Arc::new(Way {
        passed: Mutex::default(),
        client: copy(&client),
        directions: Mutex::default(),
    });
    let pass = |from: Side, source: TcpStream, sink: TcpStream| {
        let way = Arc::clone(&way);
        thread::spawn(move || pass_on(&way, from, source, sink))
    };
    let up = pass(Src, copy(&client), copy(&server));
    let down = pass(Dst, server, client);
    way.directions.lock().expect("the list").extend([up, down]);
    way
}

fn pass_on(way: &Way, from: Side, mut source: TcpStream, mut sink: TcpStream) {
    let mut bytes = [0; 1448];
    let mut heard = Instant::now();
    loop {
        if source.peek(&mut [0]).is_ok() {
            // Shown to the engine first, as a gateway would see it.
            let mut passed = way.passed.lock().expect("the engine");
            let Ok(len @ 1..) = source.read(&mut bytes) else {
                break;
            };
            passed.take(from, &bytes[..len]);
            drop(passed);
            if sink.write_all(&bytes[..len]).is_err() {
                break;
            }
            heard = Instant::now();
        } else if heard.elapsed() > PATIENCE || silent_for_good(&source) {
            break;
        }
    }
    let _ = sink.shutdown(Shutdown::Write);
}

/// Whether the socket has failed.
fn silent_for_good(source: &TcpStream) -> bool {
    source
        .peek(&mut [0])
        .is_err_and(|error| error.kind() != ErrorKind::WouldBlock)
}
