// SPDX-License-Identifier: GPL-2.0-only
//! The shape of a TLS 1.3 server's flight after ServerHello, by the lengths of its records (RFC 8446 4.3, 4.4).

use super::decided::Rule;
use super::encrypted::{Encrypted, Suite};
use super::sequence::Kind;

/// Bytes that a server may send up to its Finished.
const SERVER_FLIGHT: u32 = 128 * 1024;
/// Bytes that it may send after it, where some put tickets.
const AFTER_FINISHED: u32 = 8 * 1024;
/// Bytes of a server's flight before its Finished at least, where it shows a certificate.
const BEFORE_FINISHED: u32 = 135;
/// Bytes of a first record too short for EncryptedExtensions and a CertificateRequest.
const NO_CERTIFICATE_REQUEST: u16 = 38;

/// What a TLS 1.3 server has sent after ServerHello.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServerFlight {
    records: u8,
    first_len: u16,
    /// Which of the records was the server's own Finished, counted from 1; none yet: 0.
    finished_record: u8,
    bytes: u32,
    /// The sequence number after the last record.
    end: u32,
    /// The sequence number after the server's own Finished, if it has come.
    finished_end: u32,
    in_doubt: u32,
}

impl ServerFlight {
    /// "Handshake, at most 128 KiB up to the server's own Finished (the last record of Finished length, after at least one
    /// other, before the client answers), and then in-doubt, at most 8 KiB in all however often a record has Finished
    /// length; then application-data" (RFC 8446 4.3, 4.4). `psk`: no certificate is shown.
    #[inline]
    pub(super) fn record(
        &mut self,
        record: &Encrypted,
        suite: Suite,
        answered: bool,
        psk: bool,
    ) -> Kind {
        let first = self.records == 0;
        if first {
            self.first_len = record.len;
        }
        // A CertificateRequest may have that length by chance.
        let may_finish = !first && !answered && (psk || self.bytes >= BEFORE_FINISHED);
        self.records = self.records.saturating_add(1);
        self.end = record.end;
        self.bytes = self.bytes.saturating_add(record.bytes());
        let within = self.bytes <= SERVER_FLIGHT;
        let kind = match self.has_finished() {
            true => self.after_finished(record),
            false if within => Kind::EncryptedHandshake,
            false => Kind::ApplicationData,
        };
        if may_finish && record.len == suite.finished() && kind != Kind::ApplicationData {
            self.finished_end = record.end;
            self.finished_record = self.records;
        }
        kind
    }

    /// By which rule the last record is what it is; whether the Finished had come before it.
    pub(super) fn rule(&self, kind: Kind, had_finished: bool) -> Rule {
        match kind {
            Kind::ApplicationData => Rule::S4,
            _ if had_finished => Rule::S3,
            _ if self.has_finished() => Rule::S2,
            _ => Rule::S1,
        }
    }

    /// Whether the server's own Finished has come, as far as that is known.
    pub(super) fn has_finished(&self) -> bool {
        self.finished_record > 0
    }

    /// The sequence number after it, or after what has come of the flight.
    pub(super) fn flight_end(&self) -> u32 {
        match self.has_finished() {
            true => self.finished_end,
            false => self.end,
        }
    }

    /// Whether the sender of a record may have the flight: it acknowledges the Finished, or that was not told from others.
    pub(super) fn may_be_answered(&self, record: &Encrypted) -> bool {
        match self.has_finished() {
            true => record.acknowledges(self.finished_end),
            false => self.records > 0,
        }
    }

    /// What a record is that the server sends after what may have been its Finished: in doubt up to 8 KiB in all.
    pub(super) fn after_finished(&mut self, record: &Encrypted) -> Kind {
        self.in_doubt = self.in_doubt.saturating_add(record.bytes());
        match self.in_doubt <= AFTER_FINISHED {
            true => Kind::InDoubt,
            false => Kind::ApplicationData,
        }
    }

    /// Whether its shape shows that no certificate was asked for: "exactly four records, the first too short for
    /// EncryptedExtensions and a CertificateRequest, the last of Finished length": EncryptedExtensions, Certificate,
    /// CertificateVerify and Finished (RFC 8446 2). The flight ends with the Finished: tickets may stand after it.
    pub(super) fn asks_no_certificate(&self) -> bool {
        self.finished_record == 4 && self.first_len < NO_CERTIFICATE_REQUEST
    }

    /// Whether so many bytes more are within what it may have before its Finished.
    #[inline]
    pub(super) fn has_room(&self, bytes: u32) -> bool {
        self.bytes <= SERVER_FLIGHT.saturating_sub(bytes)
    }

    /// Whether a record of it has come.
    #[inline]
    pub(super) fn has_begun(&self) -> bool {
        self.records > 0
    }

    /// Bytes that may still come.
    #[cfg(feature = "explain")]
    pub(super) fn left(&self) -> u32 {
        match self.in_doubt {
            0 => SERVER_FLIGHT.saturating_sub(self.bytes),
            in_doubt => AFTER_FINISHED.saturating_sub(in_doubt),
        }
    }
}
