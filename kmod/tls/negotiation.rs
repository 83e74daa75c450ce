// SPDX-License-Identifier: GPL-2.0-only
//! What the hellos settle: who offers, who answers, and what a connection is named by.

use super::handshake::{Handshake, Progress};
use super::hello::{Hello, Malformed, Sender};
use super::identity::{Identity, Resumption, TLS13};
use super::inner_types::Settled;
use super::message::{
    Place, CERTIFICATE, CLIENT_HELLO, NEW_SESSION_TICKET, SERVER_HELLO, SERVER_HELLO_DONE,
};
use super::places::Places;
use super::resumption::{Digest, Of};
use super::types::{Reason, Side};

/// ServerHello's random when it is a HelloRetryRequest: SHA-256 of that word (RFC 8446 4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl Handshake {
    /// Takes bytes of plain-text handshake records' bodies in. Where one is not what an endpoint would take, it says which,
    /// and why.
    pub(super) fn bytes(
        &mut self,
        from: Side,
        bytes: &[u8],
        places: &Places<'_>,
    ) -> Result<(), (usize, Reason)> {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let run = self.run(from, rest).map_err(|why| (taken, why))?;
            taken = taken.saturating_add(run);
            let Some(byte) = bytes.get(taken) else {
                break;
            };
            self.byte(from, *byte, || places.after(taken))
                .map_err(|why| (taken, why))?;
            taken = taken.saturating_add(1);
        }
        Ok(())
    }

    /// Takes the first of them in that lie within a field of a hello, or of which nothing is read: many at once.
    fn run(&mut self, from: Side, bytes: &[u8]) -> Result<usize, Reason> {
        // It is the byte's to say what is wrong.
        if self.is_tls13() || self.progress == Progress::Nothing {
            return Ok(0);
        }
        let message = &mut self.parts.of_mut(from).message;
        let within = |most: u32| bytes.get(..bytes.len().min(most as usize));
        let inside_hello = within(message.inside_hello()).unwrap_or_default();
        let inside_ticket = within(message.inside_ticket()).unwrap_or_default();
        if !inside_hello.is_empty() {
            let run = self.hello.run(inside_hello);
            let run = run.map_err(|Malformed| Reason::Malformed)?;
            message.skip(run as u32);
            return Ok(run);
        }
        if !inside_ticket.is_empty() {
            let run = self.new_ticket.run(&mut self.hello.digest, inside_ticket);
            message.skip(run as u32);
            return Ok(run);
        }
        let rest = within(message.skippable()).unwrap_or_default().len();
        if rest > 0 {
            message.skip(rest as u32);
        }
        let (run, is_full) = message.pass_over(bytes.get(rest..).unwrap_or_default());
        if is_full && self.client == Some(from.other()) && self.is_answered() {
            self.identity.resumed = Some(false);
        }
        Ok(rest.saturating_add(run))
    }

    /// Takes a byte of a plain-text handshake record in; `end` gives the sequence number after it.
    fn byte(&mut self, from: Side, byte: u8, end: impl FnOnce() -> u32) -> Result<(), Reason> {
        // TLS 1.3 has no plain-text handshake message after ServerHello (RFC 8446 2).
        if self.is_tls13() {
            return Err(Reason::Malformed);
        }
        match self.parts.of_mut(from).message.byte(byte) {
            Place::TooMany => Err(Reason::Malformed),
            Place::Type(kind) => self.begins(from, kind),
            Place::Body(CLIENT_HELLO | SERVER_HELLO, last) => {
                self.hello
                    .byte(byte)
                    .map_err(|Malformed| Reason::Malformed)?;
                match last {
                    true => self.hello_ends(end()),
                    false => Ok(()),
                }
            }
            Place::Body(NEW_SESSION_TICKET, last) => {
                self.new_ticket.byte(&mut self.hello.digest, byte);
                if last {
                    self.issued = self.new_ticket.finish(&self.hello.digest);
                }
                Ok(())
            }
            Place::Empty(CLIENT_HELLO | SERVER_HELLO) => Err(Reason::Malformed),
            Place::Length | Place::Empty(_) | Place::Body(..) => Ok(()),
        }
    }

    /// A message of that type begins.
    fn begins(&mut self, from: Side, kind: u8) -> Result<(), Reason> {
        match self.follows(from, kind) {
            // It may answer what was not seen.
            Err(_) if self.inner_types.is_given_up() => Err(Reason::Hole),
            follows => follows,
        }
    }

    /// A message of that type comes next; whether it may.
    fn follows(&mut self, from: Side, kind: u8) -> Result<(), Reason> {
        let from_server = self.client == Some(from.other());
        match (kind, self.progress) {
            (CLIENT_HELLO, Progress::Nothing) => {
                self.client = Some(from);
                self.progress = Progress::ClientHello;
                self.hello = Hello::new(Sender::Client, self.secret);
            }
            (CLIENT_HELLO, Progress::Retry) if !from_server => {
                self.progress = Progress::ClientHello;
                self.hello = Hello::new(Sender::Client, self.secret);
            }
            (CLIENT_HELLO, _) => return Err(Reason::SecondHello),
            // The first message of a connection is a ClientHello (RFC 8446 4.1.2).
            (_, Progress::Nothing) => return Err(Reason::NotTls),
            (SERVER_HELLO, Progress::Offered) if from_server => {
                self.progress = Progress::ServerHello;
                self.hello = Hello::new(Sender::Server, self.secret);
            }
            (SERVER_HELLO, _) => return Err(Reason::Malformed),
            // Neither comes when a session is resumed (RFC 5246 7.3).
            (CERTIFICATE | SERVER_HELLO_DONE, Progress::Answered) if from_server => {
                self.identity.resumed = Some(false);
            }
            (NEW_SESSION_TICKET, Progress::Answered) if from_server && !self.new_ticket.begun => {
                self.new_ticket.begun = true;
                self.hello.digest = Digest::new(self.secret, Of::Ticket);
            }
            // Nobody else issues one, not before, and no more than one (RFC 5077 3.3).
            (NEW_SESSION_TICKET, _) => return Err(Reason::Malformed),
            _ => {}
        }
        Ok(())
    }

    /// A ClientHello in the framing of SSL 2.0 begins.
    pub(super) fn sslv2_begins(&mut self, from: Side, minor: u8) -> Result<(), Reason> {
        self.begins(from, CLIENT_HELLO)?;
        self.hello.legacy_version = 0x0300 | u16::from(minor);
        Ok(())
    }

    /// Takes bytes of it in; which of them is wrong, if one is.
    pub(super) fn sslv2_bytes(&mut self, bytes: &[u8]) -> Result<(), (usize, Reason)> {
        let passed = self.sslv2.run(bytes);
        let rest = bytes.get(passed..).unwrap_or_default();
        for (number, byte) in rest.iter().enumerate() {
            self.sslv2
                .byte(*byte, &mut self.hello)
                .map_err(|Malformed| (passed.saturating_add(number), Reason::Malformed))?;
        }
        Ok(())
    }

    /// Its record is complete; `end` is the sequence number after it.
    pub(super) fn sslv2_ends(&mut self, end: u32) -> Result<(), Reason> {
        match self.sslv2.is_complete() {
            true => self.client_hello(end),
            false => Err(Reason::Malformed),
        }
    }

    /// The hello that is being read has no more bytes.
    fn hello_ends(&mut self, end: u32) -> Result<(), Reason> {
        if !self.hello.is_complete() {
            return Err(Reason::Malformed);
        }
        if self.progress == Progress::ClientHello {
            return self.client_hello(end);
        }
        if self.hello.random == HELLO_RETRY_REQUEST {
            // There is no more than one (RFC 8446 4.1.4).
            if self.identity.hello_retry.is_some() {
                return Err(Reason::Malformed);
            }
            self.progress = Progress::Retry;
            self.identity.hello_retry = Some(true);
            return Ok(());
        }
        self.progress = Progress::Answered;
        self.server_hello();
        Ok(())
    }

    fn client_hello(&mut self, end: u32) -> Result<(), Reason> {
        self.progress = Progress::Offered;
        self.hello_end = end;
        let hello = &self.hello;
        self.early_data = hello.early_data;
        self.ticket = hello.ticket();
        let read = Identity {
            client: self.client,
            client_random: Some(hello.random),
            session_id: Some(hello.session_id),
            sni: hello.sni,
            alpn: hello.alpn,
            offered: Some(hello.version()),
            early_data: Some(hello.early_data),
            ech: Some(hello.ech),
            hello_retry: self.identity.hello_retry,
            ..Identity::default()
        };
        if self.identity.hello_retry.is_none() {
            self.identity = read;
            return Ok(());
        }
        // The answer to a HelloRetryRequest is the same hello again, but for early data, which it must not offer, and
        // extensions that are not kept here (RFC 8446 4.1.2). The first one's identity stays.
        let first = Identity {
            early_data: read.early_data,
            ..self.identity
        };
        match read == first && !hello.early_data {
            true => Ok(()),
            false => Err(Reason::SecondHello),
        }
    }

    fn server_hello(&mut self) {
        let hello = &self.hello;
        let identity = &mut self.identity;
        identity.server_random = Some(hello.random);
        identity.server_session_id = Some(hello.session_id);
        identity.version = Some(hello.version());
        identity.cipher = Some(hello.cipher);
        identity.hello_retry = Some(identity.hello_retry.is_some());
        let (TLS13, Some(client)) = (hello.version(), self.client) else {
            return;
        };
        // The session id is echoed whatever happens; only an accepted key shows a resumption (RFC 8446 4.2.11).
        // A key beside a certificate is not from a session, and what it is for is not known (RFC 8773).
        let psk = hello.pre_shared_key && !hello.with_certificate;
        identity.resumed = (psk || !hello.pre_shared_key).then_some(psk);
        identity.resumption = psk.then_some(Resumption::Psk);
        self.inner_types.begin(Settled {
            client,
            cipher: hello.cipher,
            early_data: self.early_data,
            psk,
        });
    }
}
