// SPDX-License-Identifier: GPL-2.0-only
//! The shape of a TLS 1.3 client's flight after the server's Finished, by the lengths of its records (RFC 8446 4.4).

use super::encrypted::{Encrypted, Suite, MESSAGE_HEADER};

/// Bytes of an empty Certificate's body: an empty context and an empty list (RFC 8446 4.4.2).
const EMPTY_CERTIFICATE: u16 = 4;
/// Bytes of the shortest CertificateVerify's body: algorithm, length and a signature of 64 (RFC 8446 4.4.3).
const SHORTEST_VERIFY: u16 = 4 + 64;

/// What has come of a client-certificate flight. Its first record is one of a Certificate, and as full as the sender makes
/// them, whatever its length is, if more of that length follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Shape {
    #[default]
    Nothing,
    /// A Certificate without certificates: a Finished is next.
    EmptyCertificate,
    /// One record: all of the Certificate, or the first full one.
    First,
    /// Some of full size: the last may be a CertificateVerify, or the first of it.
    Full,
    /// A shorter one after it: the rest of the Certificate, or the CertificateVerify or the rest of that.
    Rest,
    /// Records of that length, all of them of a CertificateVerify.
    Verify(u16),
    /// The last of a CertificateVerify: a Finished is next.
    Verified,
}

/// Whether a record is a Finished, which ends a client's flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Finished {
    No,
    /// By its exact length: nothing else of a handshake has it.
    Exact,
    /// By that of a stack that pads.
    Padded,
}

/// A client's flight.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientFlight {
    shape: Shape,
    bytes: u32,
    /// The length of the first record, and the sequence number of its first byte.
    full: u16,
    start: u32,
    /// An EndOfEarlyData has come.
    has_ended_early_data: bool,
}

impl ClientFlight {
    /// Whether the client has answered.
    pub(super) fn has_begun(&self) -> bool {
        self.bytes > 0
    }

    /// Bytes of it that have come.
    #[cfg(feature = "explain")]
    pub(super) fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Where a certificate flight begins, if one has.
    pub(super) fn start(&self) -> Option<u32> {
        (self.shape != Shape::Nothing).then_some(self.start)
    }

    /// Takes in an EndOfEarlyData (RFC 8446 4.5), of which there is one.
    pub(super) fn ends_early_data(&mut self, record: &Encrypted, suite: Suite) -> bool {
        let fits = record.len == suite.message(0) && !self.has_ended_early_data;
        if fits {
            self.has_ended_early_data = true;
            self.bytes = self.bytes.saturating_add(record.bytes());
        }
        fits
    }

    /// Whether a record of that length is a Finished, or an empty Certificate and a Finished: there is no second
    /// Certificate. While a Certificate goes on, its last record may be as long as one that is padded.
    pub(super) fn finished(&self, len: u16, suite: Suite) -> Finished {
        let with_certificate = suite
            .finished()
            .saturating_add(MESSAGE_HEADER)
            .saturating_add(EMPTY_CERTIFICATE);
        if len == suite.finished() || len == with_certificate && self.shape == Shape::Nothing {
            Finished::Exact
        } else if suite.is_padded(len, suite.hash)
            && !matches!(self.shape, Shape::First | Shape::Full)
        {
            Finished::Padded
        } else {
            Finished::No
        }
    }

    /// Takes a record in if it fits and all of the flight is within the budget: "a Certificate (one record, or several of
    /// which all but the last are full size; 25 bytes when empty), then, unless it was empty, at most one
    /// CertificateVerify (89 bytes or more)", which may span records of full size too. After a Certificate of one record
    /// it may be larger than that.
    pub(super) fn goes_on(&mut self, record: &Encrypted, suite: Suite, budget: u32) -> bool {
        let bytes = self.bytes.saturating_add(record.bytes());
        let (len, full) = (record.len, self.full);
        let empty = suite.message(EMPTY_CERTIFICATE);
        let may_verify = len >= suite.message(SHORTEST_VERIFY);
        let shape = match self.shape {
            Shape::Nothing if len == empty || suite.is_padded(len, EMPTY_CERTIFICATE) => {
                Shape::EmptyCertificate
            }
            Shape::Nothing if len > empty => Shape::First,
            Shape::First | Shape::Full if len == full => Shape::Full,
            Shape::First | Shape::Full if len < full => Shape::Rest,
            Shape::First if may_verify => Shape::Verify(len),
            Shape::Rest if len == full => Shape::Verify(len),
            Shape::Rest if may_verify && len < full => Shape::Verified,
            Shape::Verify(full) if len == full => self.shape,
            Shape::Verify(full) if len < full => Shape::Verified,
            _ => return false,
        };
        if bytes > budget {
            return false;
        }
        if self.shape == Shape::Nothing {
            self.full = len;
            self.start = record.start();
        }
        (self.shape, self.bytes) = (shape, bytes);
        true
    }
}
