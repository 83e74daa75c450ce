// SPDX-License-Identifier: GPL-2.0-only
//! The record layer: a header over any number of segments, and the limits of a record's length.

use super::types::{State, Types};

/// Bytes of a record header.
pub(super) const HEADER: u8 = 5;

/// Bytes of a record that is not encrypted (RFC 8446 5.1, RFC 5246 6.2.1).
const PLAINTEXT_MAX: u16 = 1 << 14;
/// Bytes of an encrypted record of TLS 1.3 (RFC 8446 5.2).
pub(super) const TLS13_MAX: u16 = PLAINTEXT_MAX + 256;
/// Bytes of an encrypted record up to TLS 1.2 (RFC 5246 6.2.3), and of any at all.
pub(super) const TLS12_MAX: u16 = PLAINTEXT_MAX + 2048;

/// Bytes of an encrypted alert up to TLS 1.2 at most: its two, an IV, a MAC and 256 of padding (RFC 5246 6.2.3.2).
pub(super) const ALERT_MAX: u16 = 352;

/// Wire types (RFC 8446 B.1, RFC 6520 3).
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
pub(super) const HEARTBEAT: u8 = 24;

/// The first byte of every version, and the most that the second one may be.
pub(super) const MAJOR: u8 = 3;
pub(super) const MINOR_MAX: u8 = 4;

/// The pattern of a header's bytes where it has its usual form (RFC 8446 5.1): the wire type, the second byte of the version, and
/// both of the length. As a pattern, since putting headers together as values and taking them apart costs too much where many are
/// gone through.
macro_rules! header {
    ($wire:pat, $minor:ident, $high:ident, $low:ident) => {
        [
            $wire,
            $crate::tls::record_header::MAJOR,
            $minor @ 0..=$crate::tls::record_header::MINOR_MAX,
            $high,
            $low,
        ]
    };
}
pub(super) use header;

/// How a record is framed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    Tls,
    /// A ClientHello in the framing of SSL 2.0 (RFC 5246 E.2).
    Sslv2,
}

/// The record that a direction is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// Bytes of the header read.
    header: u8,
    pub(super) framing: Framing,
    /// The wire type.
    pub(super) wire: u8,
    /// The second byte of the version.
    pub(super) minor: u8,
    /// The length as far as it was read.
    len: u16,
    /// Bytes left of the body.
    left: u16,
}

/// What a header's byte has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Header {
    /// No header has such a byte there.
    Bad,
    /// The wire type of a record that begins.
    Type(u8),
    /// Nothing yet.
    Part,
    /// The header is complete; bytes of the body.
    Complete(u16),
}

impl Record {
    /// Before a header.
    pub(super) const fn new() -> Self {
        Record {
            header: 0,
            framing: Framing::Tls,
            wire: 0,
            minor: 0,
            len: 0,
            left: 0,
        }
    }

    /// After a whole header that has its usual form; none if it has another.
    #[inline]
    pub(super) fn of_header(header: [u8; HEADER as usize]) -> Option<Self> {
        match header {
            header!(wire @ CHANGE_CIPHER_SPEC..=HEARTBEAT, minor, high, low) => {
                Some(Self::in_body(wire, minor, u16::from_be_bytes([high, low])))
            }
            _ => None,
        }
    }

    /// After a whole header.
    #[inline]
    pub(super) const fn in_body(wire: u8, minor: u8, len: u16) -> Self {
        Record {
            header: HEADER,
            framing: Framing::Tls,
            wire,
            minor,
            len,
            left: len,
        }
    }

    /// Bytes missing of the header; none in a body.
    #[inline]
    pub(super) fn header_left(&self) -> u8 {
        HEADER.saturating_sub(self.header)
    }

    /// Bytes of the header that were read.
    #[inline]
    pub(super) fn header_read(&self) -> u8 {
        self.header
    }

    /// Bytes of the body that were read.
    pub(super) fn body_read(&self) -> u16 {
        match self.header {
            HEADER => self.len.saturating_sub(self.left),
            _ => 0,
        }
    }

    /// Where it begins, in a direction that has come to `next`.
    pub(super) fn start(&self, next: u32) -> u32 {
        next.wrapping_sub(self.header.into())
            .wrapping_sub(self.body_read().into())
    }

    /// What the header's first byte says. That of SSL 2.0 says nothing by itself.
    pub(super) fn wire_type(&self) -> Types {
        match self.framing {
            Framing::Tls => Types::of_wire(self.wire).unwrap_or(Types::UNKNOWN),
            Framing::Sslv2 => Types::UNKNOWN,
        }
    }

    /// Bytes missing of the body.
    #[inline]
    pub(super) fn body_left(&self) -> u32 {
        u32::from(self.left)
    }

    /// Bytes of the body, once the header is complete.
    pub(super) fn len(&self) -> u16 {
        self.len
    }

    /// Takes a byte of the header in. `first`: of a direction's first record, whose version says little (RFC 5246
    /// E.1) and which may be framed as in SSL 2.0.
    pub(super) fn header_byte(&mut self, byte: u8, first: bool) -> Header {
        let place = self.header;
        self.header = self.header.saturating_add(1);
        match (self.framing, place) {
            (_, 0) => self.begin(byte, first),
            (Framing::Tls, 1) | (Framing::Sslv2, 3) if byte == MAJOR => Header::Part,
            (Framing::Tls, 2) if byte <= MINOR_MAX || first => {
                self.minor = byte;
                Header::Part
            }
            (Framing::Sslv2, 1) => {
                self.len |= u16::from(byte);
                Header::Part
            }
            // The type of a ClientHello.
            (Framing::Sslv2, 2) if byte == 1 => Header::Part,
            (Framing::Tls, 3) => {
                self.len = u16::from(byte) << 8;
                Header::Part
            }
            (Framing::Tls, 4) => self.complete(self.len | u16::from(byte)),
            // The length counts from the third byte on.
            (Framing::Sslv2, 4) if byte <= MINOR_MAX => {
                self.minor = byte;
                self.complete(self.len.saturating_sub(3))
            }
            _ => Header::Bad,
        }
    }

    fn complete(&mut self, len: u16) -> Header {
        self.len = len;
        self.left = len;
        Header::Complete(len)
    }

    fn begin(&mut self, byte: u8, first: bool) -> Header {
        self.wire = byte;
        self.len = 0;
        self.framing = Framing::Tls;
        if first && byte & 0x80 != 0 {
            self.framing = Framing::Sslv2;
            self.wire = HANDSHAKE;
            self.len = u16::from(byte & 0x7f) << 8;
            return Header::Part;
        }
        match is_wire_type(byte) {
            true => Header::Type(byte),
            false => Header::Bad,
        }
    }

    /// Takes bytes of the body in; whether the record is complete.
    #[inline]
    pub(super) fn body(&mut self, bytes: u32) -> bool {
        let complete = self.body_left() <= bytes;
        match complete {
            true => self.ends(),
            false => self.goes_on(bytes),
        }
        complete
    }

    /// All of its bytes have come.
    #[inline]
    pub(super) fn ends(&mut self) {
        self.left = 0;
        self.header = 0;
    }

    /// So many bytes of the body have come, and more will.
    #[inline]
    pub(super) fn goes_on(&mut self, bytes: u32) {
        self.left = self.left.saturating_sub(bytes as u16);
    }
}

/// A record whose header and body are there.
pub(super) struct Whole<'a> {
    pub(super) record: Record,
    pub(super) body: &'a [u8],
    pub(super) after: &'a [u8],
}

impl<'a> Whole<'a> {
    /// The one that these bytes begin with; none if it is not whole, or its header has not its usual form.
    #[inline]
    pub(super) fn first(bytes: &'a [u8]) -> Option<Self> {
        let (&header, after) = bytes.split_first_chunk::<{ HEADER as usize }>()?;
        let record = Record::of_header(header)?;
        let (body, after) = after.split_at_checked(record.len().into())?;
        Some(Whole {
            record,
            body,
            after,
        })
    }
}

/// Whether a record may begin so.
pub(super) fn is_wire_type(byte: u8) -> bool {
    (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&byte)
}

/// Whether a record may have that length. In TLS 1.3 nothing but application_data is encrypted.
#[inline(always)]
pub(super) fn length_fits(wire: u8, len: u16, encrypted: bool, tls13: bool, state: State) -> bool {
    match wire {
        // It has one byte (RFC 5246 7.1, RFC 8446 5).
        CHANGE_CIPHER_SPEC if tls13 || !encrypted => len == 1,
        // Empty fragments are for application data only (RFC 5246 6.2.1, RFC 8446 5.1).
        HANDSHAKE if tls13 || !encrypted => (1..=PLAINTEXT_MAX).contains(&len),
        ALERT if tls13 || !encrypted => len == 2,
        ALERT => len <= ALERT_MAX,
        // Before ServerHello it is early data, of TLS 1.3.
        _ if tls13 || state == State::Hello => len <= TLS13_MAX,
        _ => len <= TLS12_MAX,
    }
}
