// SPDX-License-Identifier: GPL-2.0-only
//! Whether a session is resumed, by what that shows, and which one it is.

use super::handshake::{Handshake, TLS12};
use super::identity::Resumption;
use super::session::{Digest, Of};
use super::types::Side;

impl Handshake {
    /// A plain-text ChangeCipherSpec record is complete. That of TLS 1.3 is for middleboxes only and changes nothing,
    /// wherever it stands (RFC 8446 D.4).
    pub(super) fn change_cipher_spec(&mut self, from: Side) {
        if self.identity.version > Some(TLS12) {
            return;
        }
        // Where the server's direction is lost its answer, and its ChangeCipherSpec, may have passed unseen.
        let is_unseen = self.content.is_given_up() && self.client == Some(from);
        if !self.is_answered() && !is_unseen {
            return;
        }
        // The server's comes first when a session is resumed, right after ServerHello or a NewSessionTicket (RFC 5246
        // 7.3, RFC 5077 3.1).
        if self.identity.resumed.is_none() && !is_unseen {
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
}
