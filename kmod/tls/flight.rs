// SPDX-License-Identifier: GPL-2.0-only
//! The shape of a TLS 1.3 client's flight behind the server's Finished, by the lengths of its records (RFC 8446 4.4).

/// Octets of a record's header (RFC 8446 5.1).
const RECORD_HEADER: u16 = 5;
/// Octets of a handshake message's header (RFC 8446 4).
const MESSAGE_HEADER: u16 = 4;
/// Octets of an empty Certificate's body: an empty context and an empty list (RFC 8446 4.4.2).
const EMPTY_CERTIFICATE: u16 = 4;
/// Octets of the shortest CertificateVerify's body: algorithm, length and a signature of 64 (RFC 8446 4.4.3).
const SHORTEST_VERIFY: u16 = 4 + 64;

/// Octets by which Java (JSSE) pads every record (RFC 8446 5.4). Of the stacks that are known none else pads by itself.
const JSSE_PADDING: u16 = 16;

/// What a cipher suite makes of lengths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suite {
    hash: u16,
    tag: u16,
}

impl Suite {
    /// The suites of RFC 8446 B.4, RFC 8998, RFC 9150, RFC 9367 and those with AEGIS; others as the most common.
    pub(super) fn of(cipher: u16) -> Self {
        let (hash, tag) = match cipher {
            0x1302 => (48, 16),
            // CCM_8, and MGM with Magma, whose tag is no longer than its block (RFC 9058).
            0x1305 | 0xc104 | 0xc106 => (32, 8),
            // AEGIS-256 with SHA-512.
            0x1306 => (64, 16),
            // Integrity only: an HMAC in the tag's place.
            0xc0b4 => (32, 32),
            0xc0b5 => (48, 48),
            _ => (32, 16),
        };
        Suite { hash, tag }
    }

    /// Octets of a record with one message whose body has so many: header, content type and tag (RFC 8446 5.2).
    pub(super) fn message(self, body: u16) -> u16 {
        body.wrapping_add(MESSAGE_HEADER)
            .wrapping_add(1)
            .wrapping_add(self.tag)
    }

    /// Octets of a record with a Finished (RFC 8446 4.4.4).
    pub(super) fn finished(self) -> u16 {
        self.message(self.hash)
    }

    /// Whether a record of that length is as full as a sender's limit has it: a power of two from 512 to 16384 octets
    /// (RFC 8446 5.1, RFC 6066 4), or with its header that many (rustls' `max_fragment_size`).
    fn is_full(self, len: u16) -> bool {
        let plain = len.saturating_sub(1).saturating_sub(self.tag);
        let limit = |octets: u16| octets.is_power_of_two() && (512..=16384).contains(&octets);
        limit(plain) || limit(plain.saturating_add(RECORD_HEADER))
    }
}

/// What has come of a client-certificate flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Shape {
    #[default]
    Nothing,
    /// A Certificate without certificates: a Finished is next.
    EmptyCertificate,
    /// Records of that length, all of them a Certificate's; the last may be a CertificateVerify if they are full.
    Certificate(u16),
    /// A shorter record behind full ones: the rest of the Certificate, or the CertificateVerify.
    Rest,
    /// A CertificateVerify: a Finished is next.
    Verify,
}

/// A client's flight.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientFlight {
    shape: Shape,
    octets: u32,
    /// The sequence number behind the last record.
    end: u32,
}

impl ClientFlight {
    /// Whether the client has answered.
    pub(super) fn has_begun(&self) -> bool {
        self.octets > 0
    }

    /// Where a certificate flight ends so far.
    pub(super) fn shape_end(&self) -> Option<u32> {
        (self.shape != Shape::Nothing).then_some(self.end)
    }

    pub(super) fn fits(&self, octets: u32, budget: u32) -> bool {
        self.octets.saturating_add(octets) <= budget
    }

    pub(super) fn add(&mut self, octets: u32) {
        self.octets = self.octets.saturating_add(octets);
    }

    /// Whether a record of that length is a Finished, or an empty Certificate and a Finished. There is no second
    /// Certificate; and behind one, a padded Finished could be its last record. JSSE offers no early data.
    pub(super) fn is_finished(&self, len: u16, suite: Suite, early_data: bool) -> bool {
        let with_certificate = suite
            .finished()
            .saturating_add(MESSAGE_HEADER)
            .saturating_add(EMPTY_CERTIFICATE);
        let padded = suite.finished().saturating_add(JSSE_PADDING);
        let in_certificate = matches!(self.shape, Shape::Certificate(_) | Shape::Rest);
        len == suite.finished()
            || (len == with_certificate && self.shape == Shape::Nothing)
            || (len == padded && !in_certificate && !early_data)
    }

    /// Takes a record in if it fits: "a Certificate (one record, or several of which all but the last are full size; 25
    /// octets when empty), then, unless it was empty, at most one CertificateVerify (89 octets or more)".
    pub(super) fn goes_on(&mut self, len: u16, end: u32, suite: Suite) -> bool {
        let empty = suite.message(EMPTY_CERTIFICATE);
        let padded = empty.saturating_add(JSSE_PADDING);
        let may_verify = len >= suite.message(SHORTEST_VERIFY);
        self.shape = match self.shape {
            Shape::Nothing if len == empty || len == padded => Shape::EmptyCertificate,
            Shape::Nothing if len > empty => Shape::Certificate(len),
            Shape::Certificate(full) if suite.is_full(full) && len == full => self.shape,
            Shape::Certificate(full) if suite.is_full(full) && len < full => Shape::Rest,
            Shape::Certificate(_) | Shape::Rest if may_verify => Shape::Verify,
            _ => return false,
        };
        self.end = end;
        true
    }
}
