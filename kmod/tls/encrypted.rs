// SPDX-License-Identifier: GPL-2.0-only
//! An encrypted record of TLS 1.3, and the lengths that a cipher suite gives to the messages in one.

use super::sequence::before;
use super::types::Side;

/// Bytes of a handshake message's header (RFC 8446 4).
pub(super) const MESSAGE_HEADER: u16 = 4;
/// Bytes by which Java (JSSE) pads every record (RFC 8446 5.4).
const JSSE_PADDING: u16 = 16;
/// mbedTLS pads the content with its type to a multiple of so many bytes.
const MBEDTLS_MULTIPLE: u16 = 16;
/// Bytes of an alert (RFC 8446 6).
const ALERT: u16 = 2;

/// A record of wire type application_data whose header is complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encrypted {
    pub(super) from: Side,
    /// Bytes of the fragment.
    pub(super) len: u16,
    /// The sequence number after it.
    pub(super) end: u32,
    /// The acknowledgement number of its packet.
    pub(super) ack: Option<u32>,
}

impl Encrypted {
    /// Bytes with the header.
    pub(super) fn bytes(&self) -> u32 {
        u32::from(self.len).saturating_add(5)
    }

    /// The sequence number of its header's first byte.
    pub(super) fn start(&self) -> u32 {
        self.end.wrapping_sub(self.bytes())
    }

    /// Whether its packet acknowledges everything before `end`.
    pub(super) fn acknowledges(&self, end: u32) -> bool {
        self.ack.is_some_and(|ack| !before(ack, end))
    }

    /// How much more than what stands before `end` its packet acknowledges.
    #[cfg(feature = "explain")]
    pub(super) fn acknowledged(&self, end: Option<u32>) -> Option<i32> {
        Some(self.ack?.wrapping_sub(end?) as i32)
    }
}

/// What a cipher suite makes of lengths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suite {
    pub(super) hash: u16,
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

    /// Bytes of a record with one message whose body has so many: header, content type and tag (RFC 8446 5.2).
    pub(super) fn message(self, body: u16) -> u16 {
        body.wrapping_add(MESSAGE_HEADER)
            .wrapping_add(1)
            .wrapping_add(self.tag)
    }

    /// Bytes of a record with a Finished (RFC 8446 4.4.4).
    pub(super) fn finished(self) -> u16 {
        self.message(self.hash)
    }

    /// Bytes of a record with an alert.
    pub(super) fn alert(self) -> u16 {
        ALERT.wrapping_add(1).wrapping_add(self.tag)
    }

    /// Whether a record of that length has one message, whose body has so many bytes, as a stack writes it that pads.
    pub(super) fn is_padded(self, len: u16, body: u16) -> bool {
        let plain = self.message(body).wrapping_sub(self.tag);
        // Of lengths so small there is always one; this has no way to panic.
        let rounded = plain.checked_next_multiple_of(MBEDTLS_MULTIPLE);
        len == self.message(body).wrapping_add(JSSE_PADDING)
            || rounded.is_some_and(|rounded| len == rounded.wrapping_add(self.tag))
    }
}
