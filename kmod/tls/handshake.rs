// SPDX-License-Identifier: GPL-2.0-only
//! The handshake of a connection: what its messages say, and when it is complete.

use super::content::{Content, Settled};
use super::direction::Direction;
use super::hello::{Hello, Malformed, Sender};
use super::identity::{Identity, Resumption};
use super::message::{
    Message, Place, CERTIFICATE, CLIENT_HELLO, NEW_SESSION_TICKET, SERVER_HELLO, SERVER_HELLO_DONE,
};
use super::resent::{Resent, Secret};
use super::sequence::before;
use super::session::{Digest, NewTicket, Of};
use super::sslv2::Sslv2;
use super::types::{Payload, PerSide, Reason, Segment, Side};

const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;

/// ServerHello's random when it is a HelloRetryRequest: SHA-256 of that word (RFC 8446 4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// How far the hellos are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Progress {
    #[default]
    Nothing,
    /// A ClientHello is being read.
    ClientHello,
    /// It is complete: a ServerHello is next.
    Offered,
    /// A ServerHello is being read.
    ServerHello,
    /// It was a HelloRetryRequest: a second ClientHello is next.
    Retry,
    /// ServerHello is complete.
    Answered,
}

/// A side's part in the handshake, but for its hello.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    message: Message,
    /// The level of an alert whose second octet is still to come.
    alert_level: Option<u8>,
    /// Up to TLS 1.2: what follows its ChangeCipherSpec is encrypted.
    encrypted: bool,
    /// Up to TLS 1.2: a handshake record behind its ChangeCipherSpec is complete.
    finished: bool,
}

/// What is needed while the handshake lasts, and the identity.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// What the hellos said.
    pub identity: Identity,
    progress: Progress,
    client: Option<Side>,
    /// The hello that is being read: there is never more than one.
    hello: Hello,
    sslv2: Sslv2,
    /// The sequence number behind the last ClientHello.
    hello_end: u32,
    /// From the last ClientHello.
    early_data: bool,
    ticket: Option<u64>,
    /// The ticket that the server issues, as it is read, and then its digest.
    new_ticket: NewTicket,
    issued: Option<u64>,
    parts: PerSide<Part>,
    content: Content,
    secret: Secret,
    resent: PerSide<Resent>,
}

impl Default for Handshake {
    fn default() -> Self {
        Self::new()
    }
}

impl Handshake {
    /// Nothing seen yet. Whoever knows the secret can send octets again that are not the same and not noticed.
    pub fn keyed(secret: [u64; 2]) -> Self {
        Handshake {
            identity: Identity::default(),
            progress: Progress::Nothing,
            client: None,
            hello: Hello::new(Sender::Client, secret),
            sslv2: Sslv2::default(),
            hello_end: 0,
            early_data: false,
            ticket: None,
            new_ticket: NewTicket::new(secret),
            issued: None,
            parts: PerSide::default(),
            content: Content::default(),
            secret,
            resent: PerSide::new(Resent::new(), Resent::new()),
        }
    }

    /// Nothing seen yet, and no secret: for streams that were recorded.
    pub fn new() -> Self {
        Self::keyed([0; 2])
    }

    /// Whether octets of a payload before `end`, which come again, are others than before.
    pub(super) fn differ<P: Payload>(
        &mut self,
        direction: &Direction,
        payload: &P,
        segment: &Segment,
        end: u32,
    ) -> Result<bool, Reason> {
        let resent = self.resent.of_mut(segment.from);
        resent.differ(self.secret, direction, payload, segment.seq, end)
    }

    /// Octets of a side up to `acked` are not compared any longer.
    pub(super) fn forget(&mut self, from: Side, acked: u32) {
        self.resent.of_mut(from).forget(acked);
    }

    /// Keeps what octets from `at` on have to be when they come again.
    pub(super) fn remember(&mut self, from: Side, acked: u32, at: u32, octets: &[u8]) {
        let resent = self.resent.of_mut(from);
        resent.add(self.secret, acked, at, octets);
    }

    /// A direction cannot be followed any longer.
    pub(super) fn give_up(&mut self) {
        self.content.give_up();
    }

    /// The rules for records of wire type application_data.
    pub(super) fn content(&mut self) -> &mut Content {
        &mut self.content
    }

    pub(super) fn client(&self) -> Option<Side> {
        self.client
    }

    /// Whether ServerHello is complete.
    pub(super) fn is_answered(&self) -> bool {
        self.progress == Progress::Answered
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.is_answered() && self.identity.version == Some(TLS13)
    }

    /// Whether the handshake is complete in both directions.
    pub(super) fn is_complete(&self) -> bool {
        self.content.is_done()
            || (self.parts.of(Side::Src).finished && self.parts.of(Side::Dst).finished)
    }

    /// Whether that side's records are encrypted, up to TLS 1.2.
    pub(super) fn is_encrypted(&self, from: Side) -> bool {
        self.parts.of(from).encrypted
    }

    /// Octets from that side that belong to a message of no interest.
    pub(super) fn skippable(&self, from: Side) -> u32 {
        self.parts.of(from).message.skippable()
    }

    /// Takes octets of such a message in.
    pub(super) fn skip(&mut self, from: Side, octets: u32) {
        self.parts.of_mut(from).message.skip(octets);
    }

    /// Takes an octet of a plain-text handshake record in; `end` is the sequence number behind it.
    pub(super) fn octet(&mut self, from: Side, octet: u8, end: u32) -> Result<(), Reason> {
        // TLS 1.3 has no plain-text handshake message behind ServerHello (RFC 8446 2).
        if self.is_tls13() {
            return Err(Reason::Malformed);
        }
        match self.parts.of_mut(from).message.octet(octet) {
            Place::Type(kind) => self.begins(from, kind),
            Place::Body(CLIENT_HELLO | SERVER_HELLO, last) => {
                self.hello
                    .octet(octet)
                    .map_err(|Malformed| Reason::Malformed)?;
                match last {
                    true => self.hello_ends(end),
                    false => Ok(()),
                }
            }
            Place::Body(NEW_SESSION_TICKET, last) => {
                self.new_ticket.octet(octet);
                if last {
                    self.issued = self.new_ticket.finish();
                }
                Ok(())
            }
            Place::Empty(CLIENT_HELLO | SERVER_HELLO) => Err(Reason::Malformed),
            Place::Length | Place::Empty(_) | Place::Body(..) => Ok(()),
        }
    }

    /// A message of that type begins.
    fn begins(&mut self, from: Side, kind: u8) -> Result<(), Reason> {
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
            (NEW_SESSION_TICKET, Progress::Answered) if from_server => {
                self.new_ticket = NewTicket::new(self.secret);
            }
            // Nobody else issues one, and not before.
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

    /// Takes an octet of it in.
    pub(super) fn sslv2_octet(&mut self, octet: u8) -> Result<(), Reason> {
        self.sslv2
            .octet(octet, &mut self.hello)
            .map_err(|Malformed| Reason::Malformed)
    }

    /// Its record is complete; `end` is the sequence number behind it.
    pub(super) fn sslv2_ends(&mut self, end: u32) -> Result<(), Reason> {
        match self.sslv2.is_complete() {
            true => self.client_hello(end),
            false => Err(Reason::Malformed),
        }
    }

    /// The hello that is being read has no more octets.
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
        self.ticket = hello.ticket.map(Digest::finish);
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
        identity.resumed = Some(hello.pre_shared_key);
        identity.resumption = hello.pre_shared_key.then_some(Resumption::Psk);
        self.content.begin(Settled {
            client,
            cipher: hello.cipher,
            early_data: self.early_data,
            psk: hello.pre_shared_key,
        });
    }

    /// A plain-text ChangeCipherSpec record is complete. That of TLS 1.3 is for middleboxes only and changes nothing,
    /// wherever it stands (RFC 8446 D.4).
    pub(super) fn change_cipher_spec(&mut self, from: Side) {
        if !self.is_answered() || self.identity.version > Some(TLS12) {
            return;
        }
        // The server's comes first when a session is resumed, right behind ServerHello or a NewSessionTicket (RFC 5246
        // 7.3, RFC 5077 3.1).
        if self.identity.resumed.is_none() {
            let resumed = self.client != Some(from);
            self.identity.resumed = Some(resumed);
            self.identity.resumption = if resumed { self.evidence() } else { None };
        }
        self.parts.of_mut(from).encrypted = true;
    }

    /// What a session up to TLS 1.2 was resumed by, where that can be told.
    fn evidence(&self) -> Option<Resumption> {
        let sent = self.identity.session_id?;
        let echoed = self.identity.server_session_id? == sent;
        match self.ticket.is_some() {
            true if echoed => Some(Resumption::Ticket),
            false if echoed && !sent.as_slice().is_empty() => Some(Resumption::SessionId),
            _ => None,
        }
    }

    /// The digest of what the session was issued by that this connection continues, up to TLS 1.2; none as long as that
    /// is not shown. The connection that has it among its [`issued`](Self::issued) is the one it continues.
    pub fn continues(&self) -> Option<u64> {
        match self.identity.resumption? {
            Resumption::Ticket => self.ticket,
            Resumption::SessionId => self.digest_of_id(),
            Resumption::Psk => None,
        }
    }

    /// Digests of what the server gave here for the session to be continued by, up to TLS 1.2: an id, a ticket. An id
    /// that a server only echoes is not its own.
    pub fn issued(&self) -> [Option<u64>; 2] {
        let old = self
            .identity
            .version
            .is_some_and(|version| version <= TLS12);
        match old && self.identity.resumed == Some(false) {
            true => [self.digest_of_id(), self.issued],
            false => [None, self.issued],
        }
    }

    fn digest_of_id(&self) -> Option<u64> {
        let id = self.identity.server_session_id?;
        let digest = Digest::new(self.secret, Of::SessionId);
        (!id.as_slice().is_empty()).then(|| digest.of(id.as_slice()))
    }

    /// An encrypted handshake record is complete: the first behind ChangeCipherSpec is the Finished (RFC 5246 7.4.9).
    pub(super) fn finished(&mut self, from: Side) {
        self.parts.of_mut(from).finished = true;
    }

    /// Takes an octet of a plain-text alert in; whether it closes the connection: close_notify or a fatal one, which
    /// TLS 1.3 says of all but user_canceled (RFC 5246 7.2, RFC 8446 6).
    pub(super) fn alert(&mut self, from: Side, octet: u8) -> bool {
        const CLOSE_NOTIFY: u8 = 0;
        const USER_CANCELED: u8 = 90;
        const FATAL: u8 = 2;
        let tls13 = self.is_tls13();
        let level = &mut self.parts.of_mut(from).alert_level;
        match level.take() {
            None => {
                *level = Some(octet);
                false
            }
            Some(level) => {
                octet == CLOSE_NOTIFY || level == FATAL || (tls13 && octet != USER_CANCELED)
            }
        }
    }

    /// The other side has acknowledged the client's octets up to `acked`: whether that and its answer confirm the
    /// identity. A TLS 1.3 server echoes the session id (RFC 8446 4.1.3).
    pub(super) fn acknowledged(&mut self, acked: u32) {
        let identity = &mut self.identity;
        let agrees =
            identity.version != Some(TLS13) || identity.session_id == identity.server_session_id;
        if self.progress == Progress::Answered && agrees && !before(acked, self.hello_end) {
            identity.confirmed = true;
        }
    }
}
