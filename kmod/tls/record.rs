// SPDX-License-Identifier: GPL-2.0-only
//! The record that a direction is in, over any number of segments.

use super::record_header::{is_wire_type, HANDSHAKE, HEADER, MAJOR, MINOR_MAX};
use super::record_types::Types;

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
    /// Octets of the header read.
    header: u8,
    pub(super) framing: Framing,
    /// The wire type.
    pub(super) wire: u8,
    /// The second octet of the version.
    pub(super) minor: u8,
    /// The length as far as it was read.
    len: u16,
    /// Octets left of the body.
    left: u16,
}

/// What a header's octet has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Header {
    /// No header has such an octet there.
    Bad,
    /// The wire type of a record that begins.
    Type(u8),
    /// Nothing yet.
    Part,
    /// The header is complete; octets of the body.
    Complete(u16),
}

impl Record {
    /// In front of a header.
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

    /// After a whole header.
    #[inline(always)]
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

    /// Octets missing of the header; none in a body.
    #[inline]
    pub(super) fn header_left(&self) -> u8 {
        HEADER.saturating_sub(self.header)
    }

    /// Octets of the header that were read.
    #[inline]
    pub(super) fn header_read(&self) -> u8 {
        self.header
    }

    /// Octets of the body that were read.
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

    /// What the header's first octet says. That of SSL 2.0 says nothing by itself.
    pub(super) fn wire_type(&self) -> Types {
        match self.framing {
            Framing::Tls => Types::of_wire(self.wire).unwrap_or(Types::UNKNOWN),
            Framing::Sslv2 => Types::UNKNOWN,
        }
    }

    /// Octets missing of the body.
    #[inline]
    pub(super) fn body_left(&self) -> u32 {
        u32::from(self.left)
    }

    /// Octets of the body, once the header is complete.
    pub(super) fn len(&self) -> u16 {
        self.len
    }

    /// Takes an octet of the header in. `first`: of a direction's first record, whose version says little (RFC 5246
    /// E.1) and which may be framed as in SSL 2.0.
    pub(super) fn header_octet(&mut self, octet: u8, first: bool) -> Header {
        let place = self.header;
        self.header = self.header.saturating_add(1);
        match (self.framing, place) {
            (_, 0) => self.begin(octet, first),
            (Framing::Tls, 1) | (Framing::Sslv2, 3) if octet == MAJOR => Header::Part,
            (Framing::Tls, 2) if octet <= MINOR_MAX || first => {
                self.minor = octet;
                Header::Part
            }
            (Framing::Sslv2, 1) => {
                self.len |= u16::from(octet);
                Header::Part
            }
            // The type of a ClientHello.
            (Framing::Sslv2, 2) if octet == 1 => Header::Part,
            (Framing::Tls, 3) => {
                self.len = u16::from(octet) << 8;
                Header::Part
            }
            (Framing::Tls, 4) => self.complete(self.len | u16::from(octet)),
            // The length counts from the third octet on.
            (Framing::Sslv2, 4) if octet <= MINOR_MAX => {
                self.minor = octet;
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

    fn begin(&mut self, octet: u8, first: bool) -> Header {
        self.wire = octet;
        self.len = 0;
        self.framing = Framing::Tls;
        if first && octet & 0x80 != 0 {
            self.framing = Framing::Sslv2;
            self.wire = HANDSHAKE;
            self.len = u16::from(octet & 0x7f) << 8;
            return Header::Part;
        }
        match is_wire_type(octet) {
            true => Header::Type(octet),
            false => Header::Bad,
        }
    }

    /// Takes octets of the body in; whether the record is complete.
    #[inline]
    pub(super) fn body(&mut self, octets: u32) -> bool {
        let complete = self.body_left() <= octets;
        match complete {
            true => self.ends(),
            false => self.goes_on(octets),
        }
        complete
    }

    /// All of its octets have come.
    #[inline]
    pub(super) fn ends(&mut self) {
        self.left = 0;
        self.header = 0;
    }

    /// So many octets of the body have come, and more will.
    #[inline]
    pub(super) fn goes_on(&mut self, octets: u32) {
        self.left = self.left.saturating_sub(octets as u16);
    }
}
