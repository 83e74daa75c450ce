// SPDX-License-Identifier: GPL-2.0-only
//! The handshake of a connection: what its messages say, and when it is complete.

use super::direction::Direction;
use super::follow::Follow;
use super::hello::{Hello, Sender};
use super::identity::{Identity, TLS12, TLS13};
use super::inner_types::InnerTypes;
use super::message::Message;
use super::outstanding::Outstanding;
use super::resumption::{self, NewTicket, Secret};
use super::sequence::before;
use super::sslv2::Sslv2;
use super::types::{PerSide, Side};

/// How far the hellos are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Progress {
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
pub(super) struct Part {
    pub(super) message: Message,
    /// The level of an alert whose second byte is still to come.
    alert_level: Option<u8>,
    /// Up to TLS 1.2: what follows its ChangeCipherSpec is encrypted.
    pub(super) encrypted: bool,
    /// Up to TLS 1.2: a handshake record after its ChangeCipherSpec is complete.
    finished: bool,
}

/// What is needed while the handshake lasts, and the identity.
#[cfg_attr(not(MODULE), derive(Clone))]
#[derive(Debug)]
pub struct Handshake {
    /// What the hellos said.
    pub identity: Identity,
    pub(super) progress: Progress,
    pub(super) client: Option<Side>,
    /// The hello that is being read: there is never more than one.
    pub(super) hello: Hello,
    pub(super) sslv2: Sslv2,
    /// The sequence number after the last ClientHello.
    pub(super) hello_end: u32,
    /// From the last ClientHello.
    pub(super) early_data: bool,
    pub(super) ticket: Option<u64>,
    /// The ticket that the server issues, as it is read with its digest in the hello, and then its digest.
    pub(super) new_ticket: NewTicket,
    pub(super) issued: Option<u64>,
    pub(super) parts: PerSide<Part>,
    pub(super) inner_types: InnerTypes,
    /// Bytes in doubt that were not told of yet.
    in_doubt: u32,
    pub(super) secret: Secret,
    pub(super) outstanding: PerSide<Outstanding>,
}

impl Default for Handshake {
    fn default() -> Self {
        Self::new()
    }
}

impl Handshake {
    /// Nothing seen yet. Whoever knows the secret can make ids and tickets of sessions that are taken for others'.
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
            new_ticket: NewTicket::default(),
            issued: None,
            parts: PerSide::default(),
            inner_types: InnerTypes::default(),
            in_doubt: 0,
            secret,
            outstanding: PerSide::default(),
        }
    }

    /// Nothing seen yet, and no secret: for streams that were recorded.
    pub fn new() -> Self {
        Self::keyed([0; 2])
    }

    /// Whether bytes that may have to come again as they were are not acknowledged yet.
    pub(super) fn has_outstanding(&self, sides: &PerSide<Direction>) -> bool {
        [Side::Src, Side::Dst].into_iter().any(|side| {
            let direction = sides.of(side);
            direction.follow == Follow::Records
                && self.outstanding.of(side).has_outstanding(direction.acked)
        })
    }

    /// Bytes of a side up to `acked` are not compared any longer.
    #[inline]
    pub(super) fn forget(&mut self, from: Side, acked: u32) {
        self.outstanding.of_mut(from).forget(acked);
    }

    /// Pieces of memory that it holds besides its own.
    pub fn pieces(&self) -> u32 {
        let [src, dst] = [Side::Src, Side::Dst].map(|side| self.outstanding.of(side).pieces());
        src.saturating_add(dst)
    }

    /// Gives these back, one after the other, no more than 132: what is outstanding cannot be compared any longer, and reads
    /// `unknown` when it comes again.
    pub fn clear_pieces(&mut self) {
        for side in [Side::Src, Side::Dst] {
            self.outstanding.of_mut(side).clear(0);
        }
    }

    /// A direction cannot be followed any longer: what it says is not known.
    pub(super) fn give_up(&mut self) {
        self.inner_types.give_up();
    }

    /// The rules for records of wire type application_data.
    pub(super) fn inner_types(&mut self) -> &mut InnerTypes {
        &mut self.inner_types
    }

    /// A record's bytes are in doubt.
    #[inline]
    pub(super) fn add_in_doubt(&mut self, bytes: u32) {
        self.in_doubt = self.in_doubt.saturating_add(bytes);
    }

    /// Bytes of records in doubt, with their headers, that have come since this was asked for last; it stays at the largest
    /// number.
    pub fn take_in_doubt(&mut self) -> u32 {
        core::mem::take(&mut self.in_doubt)
    }

    /// The side that sent the ClientHello; None before one began.
    pub(super) fn client(&self) -> Option<Side> {
        self.client
    }

    /// Whether what a side sends is of the first ClientHello, which is not complete yet. The first message of a connection is one.
    #[inline]
    pub(super) fn awaits_hello(&self, from: Side) -> bool {
        matches!(self.progress, Progress::Nothing | Progress::ClientHello)
            && self.identity.hello_retry.is_none()
            && self.client.is_none_or(|client| client == from)
    }

    /// Whether ServerHello is complete.
    pub(super) fn is_answered(&self) -> bool {
        self.progress == Progress::Answered
    }

    /// Whether the server has chosen TLS 1.3.
    pub(super) fn is_tls13(&self) -> bool {
        self.is_answered() && self.identity.version == Some(TLS13)
    }

    /// Whether the handshake is complete in both directions.
    pub(super) fn is_complete(&self) -> bool {
        self.inner_types.is_done()
            || (self.parts.of(Side::Src).finished && self.parts.of(Side::Dst).finished)
    }

    /// Whether that side's records are encrypted, up to TLS 1.2.
    pub(super) fn is_encrypted(&self, from: Side) -> bool {
        self.parts.of(from).encrypted
    }

    /// Bytes from that side that belong to a message of no interest.
    pub(super) fn skippable(&self, from: Side) -> u32 {
        self.parts.of(from).message.skippable()
    }

    /// Takes bytes of such a message in.
    pub(super) fn skip(&mut self, from: Side, bytes: u32) {
        self.parts.of_mut(from).message.skip(bytes);
    }

    /// An encrypted handshake record is complete: the first after ChangeCipherSpec is the Finished (RFC 5246 7.4.9).
    pub(super) fn finished(&mut self, from: Side) {
        self.parts.of_mut(from).finished = true;
    }

    /// Takes bytes of plain-text alerts in; whether one closes the connection: close_notify or a fatal one, which TLS 1.3
    /// says of all but user_canceled (RFC 5246 7.2, RFC 8446 6).
    pub(super) fn alerts(&mut self, from: Side, bytes: &[u8]) -> bool {
        const CLOSE_NOTIFY: u8 = 0;
        const USER_CANCELED: u8 = 90;
        const FATAL: u8 = 2;
        let tls13 = self.is_tls13();
        let closes = |level: u8, what: u8| {
            (what == CLOSE_NOTIFY) | (level == FATAL) | (tls13 & (what != USER_CANCELED))
        };
        let open = &mut self.parts.of_mut(from).alert_level;
        if let (None, &[level, what]) = (*open, bytes) {
            return closes(level, what);
        }
        let mut closed = false;
        let mut rest = bytes;
        if let (Some(level), Some((&what, after))) = (*open, rest.split_first()) {
            closed = closes(level, what);
            *open = None;
            rest = after;
        }
        while let Some((&[level, what], after)) = rest.split_first_chunk() {
            closed |= closes(level, what);
            rest = after;
        }
        if let &[level] = rest {
            *open = Some(level);
        }
        closed
    }

    /// A plain-text ChangeCipherSpec record is complete. That of TLS 1.3 is for middleboxes only and changes nothing,
    /// wherever it stands (RFC 8446 D.4).
    pub(super) fn change_cipher_spec(&mut self, from: Side) {
        if self.identity.version > Some(TLS12) {
            return;
        }
        // Where the server's direction is lost its answer, and its ChangeCipherSpec, may have passed unseen.
        let is_unseen = self.inner_types.is_given_up() && self.client == Some(from);
        if !self.is_answered() && !is_unseen {
            return;
        }
        // The server's comes first when a session is resumed, right after ServerHello or a NewSessionTicket (RFC 5246
        // 7.3, RFC 5077 3.1).
        if self.identity.resumed.is_none() && !is_unseen {
            let resumed = self.client != Some(from);
            self.identity.resumed = Some(resumed);
            self.identity.resumption = match resumed {
                true => resumption::evidence(&self.identity, self.ticket.is_some()),
                false => None,
            };
        }
        self.parts.of_mut(from).encrypted = true;
    }

    /// The digest of what the session was issued by that this connection continues, up to TLS 1.2; none as long as that
    /// is not shown. The connection that has it among its [`issued`](Self::issued) is the one it continues.
    pub fn continues(&self) -> Option<u64> {
        resumption::continues(&self.identity, self.secret, self.ticket)
    }

    /// Digests of what the server gave here for the session to be continued by, up to TLS 1.2: an id, a ticket. An id
    /// that a server only echoes is not its own.
    pub fn issued(&self) -> [Option<u64>; 2] {
        [
            resumption::issued_id(&self.identity, self.secret),
            self.issued,
        ]
    }

    /// The other side has acknowledged the client's bytes up to `acked`: whether that and its answer confirm the
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
