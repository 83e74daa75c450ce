// SPDX-License-Identifier: GPL-2.0-only
//! A record's header (RFC 8446 5.1, RFC 5246 6.2.1): what it looks like, and which lengths it may say.

use super::state::State;

/// Octets of a record header.
pub(super) const HEADER: u8 = 5;

/// Octets of a record that is not encrypted (RFC 8446 5.1, RFC 5246 6.2.1).
const PLAINTEXT_MAX: u16 = 1 << 14;
/// Octets of an encrypted record of TLS 1.3 (RFC 8446 5.2).
pub(super) const TLS13_MAX: u16 = PLAINTEXT_MAX + 256;
/// Octets of an encrypted record up to TLS 1.2 (RFC 5246 6.2.3), and of any at all.
pub(super) const TLS12_MAX: u16 = PLAINTEXT_MAX + 2048;

/// Octets of an encrypted alert up to TLS 1.2 at most: its two, an IV, a MAC and 256 of padding (RFC 5246 6.2.3.2).
pub(super) const ALERT_MAX: u16 = 352;

/// Wire types (RFC 8446 B.1, RFC 6520 3).
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
pub(super) const HEARTBEAT: u8 = 24;

/// The first octet of every version; the second is no more than [`MINOR_MAX`].
pub(super) const MAJOR: u8 = 3;
pub(super) const MINOR_MAX: u8 = 4;

/// The octets of a header that has its usual form, as a pattern: where many are gone through, taking one apart and putting it
/// together again costs too much.
macro_rules! usual {
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
pub(super) use usual;

/// A whole header that has its usual form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RecordHeader {
    /// The wire type.
    pub(super) wire: u8,
    /// The second octet of the version.
    pub(super) minor: u8,
    /// Octets of the body.
    pub(super) len: u16,
}

impl RecordHeader {
    /// None if it has another form.
    #[inline(always)]
    pub(super) fn parse(octets: [u8; HEADER as usize]) -> Option<Self> {
        match octets {
            usual!(wire @ CHANGE_CIPHER_SPEC..=HEARTBEAT, minor, high, low) => Some(RecordHeader {
                wire,
                minor,
                len: u16::from_be_bytes([high, low]),
            }),
            _ => None,
        }
    }
}

/// A record's first octets as a word, which is read and taken apart at once.
#[derive(Clone, Copy)]
pub(super) struct HeaderWord(pub(super) u64);

impl HeaderWord {
    /// The second octet of the version.
    #[inline(always)]
    pub(super) fn minor(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// Octets of the body.
    #[inline(always)]
    pub(super) fn len(self) -> u16 {
        ((self.0 >> 24) as u16).swap_bytes()
    }

    /// Whether it is the header of a record of data that is not empty, with a length that fits in every version.
    #[inline(always)]
    pub(super) fn is_data(self) -> bool {
        self.0 as u16 == u16::from_le_bytes([APPLICATION_DATA, MAJOR])
            && self.minor() <= MINOR_MAX
            && self.len().wrapping_sub(1) < TLS13_MAX
    }
}

/// A record whose header, of the usual form, and body are there. The header's parts by themselves, as many records are gone
/// through.
#[derive(Clone, Copy)]
pub(super) struct Whole<'a> {
    pub(super) wire: u8,
    pub(super) minor: u8,
    pub(super) len: u16,
    pub(super) body: &'a [u8],
    /// The octets after it.
    pub(super) after: &'a [u8],
}

impl<'a> Whole<'a> {
    /// The one that these octets begin with.
    #[inline(always)]
    pub(super) fn first(octets: &'a [u8]) -> Option<Self> {
        let (&usual!(wire @ CHANGE_CIPHER_SPEC..=HEARTBEAT, minor, high, low), after) =
            octets.split_first_chunk()?
        else {
            return None;
        };
        let len = u16::from_be_bytes([high, low]);
        let (body, after) = after.split_at_checked(len.into())?;
        Some(Whole {
            wire,
            minor,
            len,
            body,
            after,
        })
    }

    pub(super) fn header(&self) -> RecordHeader {
        RecordHeader {
            wire: self.wire,
            minor: self.minor,
            len: self.len,
        }
    }
}

/// Whether a record may begin so.
pub(super) fn is_wire_type(octet: u8) -> bool {
    (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&octet)
}

/// Whether a record may have that length. In TLS 1.3 nothing but application_data is encrypted.
#[inline(always)]
pub(super) fn length_fits(wire: u8, len: u16, encrypted: bool, tls13: bool, state: State) -> bool {
    match wire {
        // It has one octet (RFC 5246 7.1, RFC 8446 5).
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

/// Places that are looked at together, and those with what a header has in its first octets.
const PLACES: usize = 32;
const NEAR: usize = PLACES + 2;

/// How many octets come before the first place where a header may begin, and true. A header shows by its type and the two
/// octets of its version. Where there is none: how many were looked at, and false. `are_all`: no more have come yet.
pub(super) fn find_header(octets: &[u8], are_all: bool) -> (u32, bool) {
    let mut rest = octets;
    let mut passed = 0_u32;
    while let Some(near) = rest.first_chunk() {
        if let Some(place) = first_header(near) {
            return (passed.wrapping_add(place), true);
        }
        passed = passed.wrapping_add(PLACES as u32);
        rest = rest.get(PLACES..).unwrap_or(&[]);
    }
    if !are_all {
        return (passed, false);
    }
    while !rest.is_empty() {
        // What is not there yet may be as a header has it, and begins none.
        let mut near = [3; NEAR];
        near.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        if let Some(place) = first_header(&near) {
            return (passed.wrapping_add(place), true);
        }
        passed = passed.wrapping_add(rest.len().min(PLACES) as u32);
        rest = rest.get(PLACES..).unwrap_or(&[]);
    }
    (passed, false)
}

/// The first place where a header may begin.
#[inline(always)]
fn first_header(near: &[u8; NEAR]) -> Option<u32> {
    let (first, second) = (begin_headers(near, 0), begin_headers(near, 8));
    let (third, fourth) = (begin_headers(near, 16), begin_headers(near, 24));
    if first | second | third | fourth == 0 {
        return None;
    }
    let found = [(0, first), (8, second), (16, third), (24, fourth)];
    let (at, places) = found.into_iter().find(|(_, places)| *places != 0)?;
    Some(places.trailing_zeros().wrapping_div(8).wrapping_add(at))
}

/// Looks at eight octets from `at` on. Sets the highest bit of each that is a type and is followed by a version.
#[inline(always)]
fn begin_headers(near: &[u8; NEAR], at: usize) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    const LOW: u64 = EACH * 0x7f;
    const HIGH: u64 = EACH * 0x80;
    let word = |at: usize| {
        let octets = near.get(at..).and_then(|octets| octets.first_chunk());
        octets.map_or(0, |octets| u64::from_le_bytes(*octets))
    };
    let (types, majors, minors) = (word(at), word(at + 1), word(at + 2));
    // Sums of seven bits, none of which reaches the next octet.
    let is_from =
        |octets: u64, least: u8| (octets & LOW).wrapping_add(EACH * (0x80 - u64::from(least)));
    let from_first = is_from(types, CHANGE_CIPHER_SPEC);
    let beyond_last = is_from(types, HEARTBEAT + 1);
    let differs = majors ^ (EACH * u64::from(MAJOR));
    let no_major = (differs & LOW).wrapping_add(LOW);
    let beyond_minor = is_from(minors, MINOR_MAX + 1);
    from_first & !(beyond_last | types | no_major | differs | beyond_minor | minors) & HIGH
}
