// SPDX-License-Identifier: GPL-2.0-only
//! Handshake messages in a direction's plain-text handshake records: they may be split over records and share one.

/// Handshake types (RFC 8446 B.3, RFC 5246 7.4).
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const NEW_SESSION_TICKET: u8 = 4;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_HELLO_DONE: u8 = 14;

/// Messages that a direction may have in plain text: no endpoint takes a tenth as many (RFC 8446 2, RFC 5246 7.3).
const MESSAGES: u16 = 4096;

/// Bytes of a message header: type and length.
const HEADER: u8 = 4;

/// The message that a direction is in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Message {
    /// Bytes of the header read.
    header: u8,
    kind: u8,
    /// Those that have begun.
    number: u16,
    /// The length as far as it was read, then bytes left of the body.
    left: u32,
}

/// What a byte of a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The first of more messages than there may be.
    TooMany,
    /// The first: a message of that type begins.
    Type(u8),
    /// Of the length.
    Length,
    /// The last of a message of that type without a body.
    Empty(u8),
    /// In the body of a message of that type; whether it is the last.
    Body(u8, bool),
}

impl Message {
    /// Takes a byte in.
    pub(super) fn byte(&mut self, byte: u8) -> Place {
        let place = self.header;
        if place == HEADER {
            self.skip(1);
            return Place::Body(self.kind, self.left == 0);
        }
        self.header = place.saturating_add(1);
        if place == 0 {
            if self.number >= MESSAGES {
                return Place::TooMany;
            }
            self.number = self.number.saturating_add(1);
            self.kind = byte;
            self.left = 0;
            return Place::Type(byte);
        }
        self.left = (self.left << 8) | u32::from(byte);
        if self.header == HEADER && self.left == 0 {
            self.header = 0;
            return Place::Empty(self.kind);
        }
        Place::Length
    }

    /// Bytes of a hello's body that comes, but for its last.
    pub(super) fn inside_hello(&self) -> u32 {
        match self.kind {
            CLIENT_HELLO | SERVER_HELLO if self.header == HEADER => self.left.saturating_sub(1),
            _ => 0,
        }
    }

    /// Bytes of a ticket's body that comes, but for its last.
    pub(super) fn inside_ticket(&self) -> u32 {
        match self.kind {
            NEW_SESSION_TICKET if self.header == HEADER => self.left.saturating_sub(1),
            _ => 0,
        }
    }

    /// Where a message begins: takes those in of which nothing is read, the last of them perhaps in part. Says how many
    /// bytes that is, and whether one shows that no session is resumed.
    pub(super) fn pass_over(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut full = false;
        let mut rest = bytes;
        if self.header != 0 {
            return (0, full);
        }
        while let Some((&[kind, high, middle, low], after)) = rest.split_first_chunk() {
            let is_read = matches!(kind, CLIENT_HELLO | SERVER_HELLO | NEW_SESSION_TICKET);
            if is_read || self.number >= MESSAGES {
                break;
            }
            self.number = self.number.saturating_add(1);
            full |= matches!(kind, CERTIFICATE | SERVER_HELLO_DONE);
            let len = u32::from_be_bytes([0, high, middle, low]);
            rest = match after.get(len as usize..) {
                Some(after) => after,
                None => {
                    *self = Message {
                        header: HEADER,
                        kind,
                        number: self.number,
                        left: len.saturating_sub(after.len() as u32),
                    };
                    return (bytes.len(), full);
                }
            };
        }
        (bytes.len().saturating_sub(rest.len()), full)
    }

    /// Bytes of the body that comes, when a message of no interest is being read.
    pub(super) fn skippable(&self) -> u32 {
        match self.kind {
            CLIENT_HELLO | SERVER_HELLO | NEW_SESSION_TICKET => 0,
            _ if self.header < HEADER => 0,
            _ => self.left,
        }
    }

    /// Takes bytes of a body in, all of them or fewer.
    pub(super) fn skip(&mut self, bytes: u32) {
        self.left = self.left.saturating_sub(bytes);
        if self.left == 0 {
            self.header = 0;
        }
    }
}
