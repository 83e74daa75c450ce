// SPDX-License-Identifier: GPL-2.0-only
//! Sessions up to TLS 1.2: by what one is issued and continued, its id or a ticket, and what shows that it is resumed. Of both
//! only a digest is kept, keyed so that nobody can make a ticket that is taken for another's.

use super::identity::{Identity, Resumption, TLS12};

/// A number that nobody else knows.
pub(super) type Secret = [u64; 2];

/// What a digest is of, so that an id is never taken for a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Of {
    SessionId = 0,
    Ticket = 1,
}

/// Bytes of which a digest is made: a ticket's first are its own, as it is encrypted (RFC 5077 4).
const MOST: u64 = 16 * 1024;

/// SipHash-2-4, byte by byte (Aumasson and Bernstein, "SipHash: a fast short-input PRF").
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest {
    state: [u64; 4],
    /// Bytes that do not make a word yet, the first lowest.
    word: u64,
    bytes: u64,
}

impl Digest {
    /// Of nothing so far, keyed, of bytes that are `of` that: SipHash-2-4.
    pub(super) fn new([k0, k1]: Secret, of: Of) -> Self {
        let mut digest = Digest {
            state: [
                k0 ^ 0x736f_6d65_7073_6575,
                k1 ^ 0x646f_7261_6e64_6f6d,
                k0 ^ 0x6c79_6765_6e65_7261,
                k1 ^ 0x7465_6462_7974_6573,
            ],
            word: 0,
            bytes: 0,
        };
        digest.byte(of as u8);
        digest
    }

    /// Takes a byte in; from `MOST` on they do not count.
    pub(super) fn byte(&mut self, byte: u8) {
        if self.bytes >= MOST {
            return;
        }
        self.word = (self.word >> 8) | (u64::from(byte) << 56);
        self.bytes = self.bytes.wrapping_add(1);
        if self.bytes & 7 == 0 {
            self.compress(self.word);
            self.word = 0;
        }
    }

    /// The same of many, word by word.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let room = MOST.saturating_sub(self.bytes).min(bytes.len() as u64);
        let bytes = bytes.get(..room as usize).unwrap_or_default();
        let missing = 8_u64.wrapping_sub(self.bytes) & 7;
        let (first, mut rest) = bytes
            .split_at_checked(missing as usize)
            .unwrap_or((bytes, &[]));
        first.iter().for_each(|&byte| self.byte(byte));
        let mut digest = *self;
        while let Some((&word, after)) = rest.split_first_chunk() {
            digest.compress(u64::from_le_bytes(word));
            digest.bytes = digest.bytes.wrapping_add(8);
            rest = after;
        }
        *self = digest;
        rest.iter().for_each(|&byte| self.byte(byte));
    }

    /// Takes these bytes in, and ends.
    pub(super) fn of(mut self, bytes: &[u8]) -> u64 {
        self.bytes(bytes);
        self.finish()
    }

    /// The digest of what was taken in.
    pub(super) fn finish(mut self) -> u64 {
        // Those of the last word stand at its upper end so far.
        let missing = 8_u64.wrapping_sub(self.bytes & 7);
        let rest = match missing {
            8 => 0,
            missing => self.word.wrapping_shr((missing as u32).wrapping_mul(8)),
        };
        self.compress(rest | (self.bytes << 56));
        self.state[2] ^= 0xff;
        (0..4).for_each(|_| self.round());
        let [v0, v1, v2, v3] = self.state;
        v0 ^ v1 ^ v2 ^ v3
    }

    fn compress(&mut self, word: u64) {
        self.state[3] ^= word;
        self.round();
        self.round();
        self.state[0] ^= word;
    }

    fn round(&mut self) {
        let [mut v0, mut v1, mut v2, mut v3] = self.state;
        v0 = v0.wrapping_add(v1);
        v2 = v2.wrapping_add(v3);
        v1 = v1.rotate_left(13) ^ v0;
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.rotate_left(32).wrapping_add(v3);
        v2 = v2.wrapping_add(v1);
        v1 = v1.rotate_left(17) ^ v2;
        v3 = v3.rotate_left(21) ^ v0;
        v2 = v2.rotate_left(32);
        self.state = [v0, v1, v2, v3];
    }
}

/// Bytes of a NewSessionTicket before the ticket: lifetime and length (RFC 5077 3.3).
const FRONT: u16 = 6;

/// A NewSessionTicket that is being read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NewTicket {
    /// It has begun.
    pub(super) begun: bool,
    read: u16,
    len: u16,
}

impl NewTicket {
    /// Takes the next byte of the message's body in; `digest`: of the ticket.
    pub(super) fn byte(&mut self, digest: &mut Digest, byte: u8) {
        match self.read {
            0..4 => {}
            4 | 5 => self.len = (self.len << 8) | u16::from(byte),
            _ => digest.byte(byte),
        }
        self.read = self.read.saturating_add(1);
    }

    /// Takes bytes of the ticket itself in, and says how many: none as long as others come.
    pub(super) fn run(&mut self, digest: &mut Digest, bytes: &[u8]) -> usize {
        if self.read < FRONT {
            return 0;
        }
        digest.bytes(bytes);
        self.read = self
            .read
            .saturating_add(bytes.len().min(u16::MAX.into()) as u16);
        bytes.len()
    }

    /// The ticket's digest; none if it is empty, or is not what its length says.
    pub(super) fn finish(self, digest: &Digest) -> Option<u64> {
        let whole = self.len > 0 && self.read.checked_sub(FRONT) == Some(self.len);
        whole.then(|| digest.finish())
    }
}

/// What a session up to TLS 1.2 was resumed by, where that can be told: a ticket that is not empty with the id echoed or both
/// ids empty (RFC 5077 3.4), or an echoed id without a ticket (RFC 5246 7.4.1.3).
pub(super) fn evidence(identity: &Identity, has_ticket: bool) -> Option<Resumption> {
    let sent = identity.session_id?;
    let echoed = identity.server_session_id? == sent;
    match has_ticket {
        true if echoed => Some(Resumption::Ticket),
        false if echoed && !sent.as_slice().is_empty() => Some(Resumption::SessionId),
        _ => None,
    }
}

/// The digest of what the session was issued by that a connection continues; `ticket`: that of what its client has offered.
pub(super) fn continues(identity: &Identity, secret: Secret, ticket: Option<u64>) -> Option<u64> {
    match identity.resumption? {
        Resumption::Ticket => ticket,
        Resumption::SessionId => digest_of_id(identity, secret),
        Resumption::Psk => None,
    }
}

/// The digest of the id that a server gave for the session to be continued by. One that it only echoes is not its own.
pub(super) fn issued_id(identity: &Identity, secret: Secret) -> Option<u64> {
    let old = identity.version.is_some_and(|version| version <= TLS12);
    match old && identity.resumed == Some(false) {
        true => digest_of_id(identity, secret),
        false => None,
    }
}

fn digest_of_id(identity: &Identity, secret: Secret) -> Option<u64> {
    let id = identity.server_session_id?;
    let digest = Digest::new(secret, Of::SessionId);
    (!id.as_slice().is_empty()).then(|| digest.of(id.as_slice()))
}
