// SPDX-License-Identifier: GPL-2.0-only
//! Programs that the tests run: what they say is read while they run.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// So that a program that hangs fails the test, and one on a busy machine does not.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// Held while a program is started and while a port is tried. A program that starts has all of this one's sockets for a
/// moment, and one that was let go meanwhile is still taken.
static STARTING: Mutex<()> = Mutex::new(());

/// A folder of the test's own, gone when the test is.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
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

/// What a program has said so far on its output and on the one for errors, each by itself: what comes in pieces must
/// not be torn by the other.
#[derive(Default)]
struct Texts {
    text: [Vec<u8>; 2],
    /// Outputs that are still open.
    open: usize,
}

impl Texts {
    fn count(&self, what: &str) -> usize {
        let count = |text: &Vec<u8>| String::from_utf8_lossy(text).matches(what).count();
        self.text.iter().map(count).sum()
    }

    fn all(&self) -> String {
        String::from_utf8_lossy(&self.text.concat()).into_owned()
    }
}

#[derive(Default)]
struct Said {
    texts: Mutex<Texts>,
    more: Condvar,
}

impl Said {
    /// Reads an output to its end.
    fn take_all(&self, number: usize, mut from: Box<dyn Read + Send>) {
        let mut bytes = [0; 4096];
        let mut open = true;
        while open {
            let len = from.read(&mut bytes).unwrap_or(0);
            open = len > 0;
            let mut texts = self.texts.lock().expect("the texts");
            texts.text[number].extend(&bytes[..len]);
            texts.open -= usize::from(!open);
            drop(texts);
            self.more.notify_all();
        }
    }
}

/// A program that is stopped when the test is over.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    said: Arc<Said>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let spawned = {
            let _starting = STARTING.lock().expect("the lock");
            command.spawn()
        };
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let said = Arc::new(Said::default());
        said.texts.lock().expect("the texts").open = 2;
        let reader = |number, from: Box<dyn Read + Send>| {
            let said = Arc::clone(&said);
            thread::spawn(move || said.take_all(number, from))
        };
        let output = child.stdout.take().expect("its output");
        let errors = child.stderr.take().expect("its errors");
        let readers = vec![reader(0, Box::new(output)), reader(1, Box::new(errors))];
        Process {
            input: child.stdin.take(),
            child,
            said,
            readers,
        }
    }

    pub(crate) fn said(&self) -> String {
        self.said.texts.lock().expect("the texts").all()
    }

    /// How many times it has said something.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.said.texts.lock().expect("the texts").count(what)
    }

    /// Waits until the program has said something so many times.
    pub(crate) fn wait_for(&self, what: &str, times: usize) -> Result<(), String> {
        self.wait_at_most(PATIENCE, what, times)
    }

    pub(crate) fn wait_at_most(
        &self,
        patience: Duration,
        what: &str,
        times: usize,
    ) -> Result<(), String> {
        let until = Instant::now() + patience;
        let mut texts = self.said.texts.lock().expect("the texts");
        loop {
            let count = texts.count(what);
            if count >= times {
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            let so_far = || {
                format!(
                    "\"{what}\" was said {count} times, not {times}: {}",
                    texts.all()
                )
            };
            if texts.open == 0 {
                return Err(format!("it has ended, {}", so_far()));
            }
            if left.is_zero() {
                return Err(format!("after {patience:?} {}", so_far()));
            }
            let more = self.said.more.wait_timeout(texts, left);
            texts = more.expect("the texts").0;
        }
    }

    /// Gives it some input. One that has ended shows in what it does not say.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(bytes);
        }
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits until it ends, and answers with all it has said.
    pub(crate) fn end(mut self) -> Result<String, String> {
        let until = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("its end").is_none() {
            if Instant::now() > until {
                return Err(format!("does not end: {}", self.said()));
            }
            thread::sleep(Duration::from_millis(3));
        }
        for reader in self.readers.drain(..) {
            reader.join().expect("its output");
        }
        Ok(self.said())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end; whether it was there and succeeded.
pub(crate) fn succeeds(folder: &Path, command: &[&str]) -> bool {
    Command::new(command[0])
        .args(&command[1..])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Makes cert.pem and key.pem.
pub(crate) fn make_certificate(folder: &Path) {
    let request = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
    ];
    let name = [
        "-subj",
        "/CN=name.example",
        "-addext",
        "subjectAltName=DNS:name.example",
    ];
    let files = ["-keyout", "key.pem", "-out", "cert.pem"];
    assert!(succeeds(
        folder,
        &[&request[..], &name[..], &files[..]].concat()
    ));
}

/// A port that is free now, of a range that the kernel does not choose from by itself.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10000 + (std::process::id() % 100) as u16 * 200;
    let _starting = STARTING.lock().expect("the lock");
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 2000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
