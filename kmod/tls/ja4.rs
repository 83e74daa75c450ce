// SPDX-License-Identifier: GPL-2.0-only
//! JA4, FoxIO's fingerprint of a TLS client (its BSD-licensed part, made from the published description): collected from a
//! ClientHello as it passes, in fixed memory.

mod extensions;
mod list;

use self::list::{hash, hex, is_grease, List};

/// Numbers that a hello may have of each kind, GREASE too: one with more has no JA4.
const SUITES: u16 = 256;
const EXTENSIONS: u16 = 128;
const ALGORITHMS: u16 = 64;

/// Bytes of a number in a list.
const NUMBER: u16 = 2;

/// Bytes of an extension's type and length.
const EXTENSION_HEADER: u16 = 4;

/// SHA-256, by whatever there is for it.
pub trait Sha256: Default {
    /// Takes more bytes in.
    fn update(&mut self, bytes: &[u8]);
    /// The digest of all of them.
    fn finish(self) -> [u8; 32];
}

/// What of the message comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    /// The message's type and length.
    Header,
    Version,
    Random,
    SessionIdLength,
    SessionId,
    SuitesLength,
    Suite,
    CompressionMethodsLength,
    CompressionMethods,
    ExtensionsLength,
    /// An extension's type and length.
    ExtensionHeader,
    /// Of an extension of which nothing is needed any longer.
    Skipped,
    ProtocolListLength,
    ProtocolLength,
    Protocol,
    VersionListLength,
    OfferedVersion,
    AlgorithmListLength,
    Algorithm,
    /// Nothing may follow.
    End,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Progress {
    Reading,
    Complete,
    /// There is no JA4: the message is no ClientHello, is malformed, or has too much of something.
    Nothing,
}

/// What a JA4 is made of, as far as the message was read.
#[derive(Clone, Debug)]
pub struct Ja4 {
    progress: Progress,
    field: Field,
    /// Bytes left of the field, and of the message.
    left: u16,
    message_left: u32,
    /// The field's bytes so far as a number.
    value: u32,
    /// Bytes left of the extensions, and of the extension or the list that is read, after the field.
    extensions_left: u16,
    list_left: u16,
    extension: u16,
    version: u16,
    /// The highest in supported_versions.
    offered: Option<u16>,
    has_name: bool,
    /// The first and the last byte of the first protocol.
    protocol: Option<(u8, u8)>,
    /// Extensions with lists that have begun, a bit each.
    lists: u8,
    /// Extensions that have begun, and those of them that count.
    begun: u16,
    counted: u16,
    suites: List<{ SUITES as usize }>,
    /// Without those of the name and of the protocols.
    extensions: List<{ EXTENSIONS as usize }>,
    algorithms: List<{ ALGORITHMS as usize }>,
}

impl Default for Ja4 {
    fn default() -> Self {
        Self::new()
    }
}

impl Ja4 {
    /// Its characters.
    pub const LENGTH: usize = 36;

    /// Before the message's first byte.
    pub const fn new() -> Self {
        Ja4 {
            progress: Progress::Reading,
            field: Field::Header,
            left: 4,
            message_left: 4,
            value: 0,
            extensions_left: 0,
            list_left: 0,
            extension: 0,
            version: 0,
            offered: None,
            has_name: false,
            protocol: None,
            lists: 0,
            begun: 0,
            counted: 0,
            suites: List::new(),
            extensions: List::new(),
            algorithms: List::new(),
        }
    }

    /// Whether nothing more of the stream is needed.
    pub fn is_over(&self) -> bool {
        self.progress != Progress::Reading
    }

    /// Takes the next bytes of the message in, and passes over what stands after it. Takes time in proportion to them.
    pub fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.progress == Progress::Reading && !rest.is_empty() {
            match self.take_some(rest) {
                Some(taken) => rest = rest.get(taken..).unwrap_or_default(),
                None => self.progress = Progress::Nothing,
            }
        }
    }

    /// Takes in at least one byte, and tells how many it took: a field that nobody reads as a whole, the numbers of a list together.
    /// None if there is no JA4.
    fn take_some(&mut self, bytes: &[u8]) -> Option<usize> {
        match (self.field, bytes) {
            (
                Field::Random | Field::SessionId | Field::CompressionMethods | Field::Skipped,
                [_, ..],
            ) => {
                let taken = usize::from(self.left).min(bytes.len());
                self.passed(taken as u16)?;
                return Some(taken);
            }
            (Field::ExtensionHeader, [a, b, c, d, ..]) if self.left == EXTENSION_HEADER => {
                self.value = u32::from_be_bytes([*a, *b, *c, *d]);
                self.passed(EXTENSION_HEADER)?;
                return Some(EXTENSION_HEADER.into());
            }
            (Field::Suite | Field::OfferedVersion | Field::Algorithm, [_, _, ..])
                if self.left == NUMBER && self.list_left >= NUMBER =>
            {
                return self.take_numbers(bytes);
            }
            (Field::Protocol, [byte, ..]) => {
                let (first, _) = self.protocol.unwrap_or((*byte, *byte));
                self.protocol = Some((first, *byte));
            }
            _ => {}
        }
        self.value = (self.value << 8) | u32::from(*bytes.first()?);
        self.passed(1)?;
        Some(1)
    }

    /// Takes in the numbers of the list that are whole in `bytes`, but not the list's last one, and tells how many bytes that was.
    fn take_numbers(&mut self, bytes: &[u8]) -> Option<usize> {
        let most = bytes.len().min(self.list_left.into()) & !1;
        for pair in bytes.get(..most)?.chunks_exact(NUMBER.into()) {
            if let [high, low] = pair {
                self.take_number(u16::from_be_bytes([*high, *low]))?;
            }
        }
        self.list_left = self.list_left.checked_sub(most as u16)?;
        self.message_left = self.message_left.checked_sub(most as u32)?;
        (self.message_left > 0).then_some(most)
    }

    /// Takes in a number of the list that is being read.
    fn take_number(&mut self, number: u16) -> Option<()> {
        match self.field {
            Field::Suite => self.suites.push(number),
            Field::Algorithm => self.algorithms.push(number),
            _ => {
                if !is_grease(number) {
                    self.offered = self.offered.max(Some(number));
                }
                Some(())
            }
        }
    }

    /// The JA4, if the hello is complete and has one.
    pub fn finish<H: Sha256>(&mut self) -> Option<[u8; Self::LENGTH]> {
        if self.progress != Progress::Complete {
            return None;
        }
        self.suites.sort();
        self.extensions.sort();
        let (suites, extensions) = (self.suites.as_slice(), self.extensions.as_slice());
        let suites = hash::<H>(suites, &[]);
        let extensions = hash::<H>(extensions, self.algorithms.as_slice());
        let parts: [&[u8]; 5] = [&self.front(), b"_", &suites, b"_", &extensions];
        let mut text = [0; Self::LENGTH];
        let mut left = &mut text[..];
        for part in parts {
            let (place, rest) = left.split_at_mut_checked(part.len())?;
            place
                .iter_mut()
                .zip(part)
                .for_each(|(to, from)| *to = *from);
            left = rest;
        }
        Some(text)
    }

    /// What is not hashed.
    fn front(&self) -> [u8; 10] {
        let [high, low] = match self.offered.unwrap_or(self.version) {
            0x0304 => *b"13",
            0x0303 => *b"12",
            0x0302 => *b"11",
            0x0301 => *b"10",
            0x0300 => *b"s3",
            0x0002 => *b"s2",
            // DTLS, which a client that is confused may offer.
            0xfeff => *b"d1",
            0xfefd => *b"d2",
            0xfefc => *b"d3",
            _ => *b"00",
        };
        let name = match self.has_name {
            true => b'd',
            false => b'i',
        };
        let [suites, suite_units] = decimal(self.suites.as_slice().len() as u16);
        let [extensions, extension_units] = decimal(self.counted);
        let (first, last) = match self.protocol {
            None => (b'0', b'0'),
            Some((first, last))
                if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() =>
            {
                (first, last)
            }
            // The first and the last digit of all of it.
            Some((first, last)) => (hex(first >> 4), hex(last)),
        };
        [
            b't',
            high,
            low,
            name,
            suites,
            suite_units,
            extensions,
            extension_units,
            first,
            last,
        ]
    }

    /// Goes on after bytes of the field. None if there is no JA4.
    fn passed(&mut self, taken: u16) -> Option<()> {
        self.message_left = self.message_left.checked_sub(taken.into())?;
        self.left = self.left.checked_sub(taken)?;
        // Vectors may be empty.
        while self.left == 0 && self.field != Field::End {
            let value = core::mem::take(&mut self.value);
            self.next(value)?;
        }
        if self.message_left == 0 {
            self.progress = match self.field {
                Field::End => Progress::Complete,
                // There may be no extensions at all (RFC 5246 7.4.1.2).
                Field::ExtensionsLength if self.left == NUMBER => Progress::Complete,
                _ => return None,
            };
        }
        Some(())
    }

    /// Goes on after the field that ended, whose number is `value`.
    fn next(&mut self, value: u32) -> Option<()> {
        let number = value as u16;
        match self.field {
            Field::Header => {
                // A ClientHello's type.
                if value >> 24 != 1 {
                    return None;
                }
                self.message_left = value & 0x00ff_ffff;
                self.enter(Field::Version, NUMBER);
            }
            Field::Version => {
                self.version = number;
                self.enter(Field::Random, 32);
            }
            Field::Random => self.enter(Field::SessionIdLength, 1),
            Field::SessionIdLength => self.enter(Field::SessionId, number & 0xff),
            Field::SessionId => self.enter(Field::SuitesLength, NUMBER),
            Field::SuitesLength => {
                self.list_left = number;
                self.list(Field::Suite, number, SUITES)?;
            }
            Field::Suite | Field::OfferedVersion | Field::Algorithm => {
                self.take_number(number)?;
                self.list_goes_on()?;
            }
            Field::CompressionMethodsLength => {
                self.enter(Field::CompressionMethods, number & 0xff);
            }
            Field::CompressionMethods => self.enter(Field::ExtensionsLength, NUMBER),
            Field::ExtensionsLength => {
                self.extensions_left = number;
                self.extension_ended()?;
            }
            Field::ExtensionHeader => {
                self.extension = (value >> 16) as u16;
                self.extensions_left = self.extensions_left.checked_sub(number)?;
                self.list_left = number;
                self.extension_begins()?;
            }
            _ => self.next_in_extension(number)?,
        }
        Some(())
    }

    fn enter(&mut self, field: Field, bytes: u16) {
        self.field = field;
        self.left = bytes;
    }
}

/// A number in two digits, 99 where it has more.
fn decimal(number: u16) -> [u8; 2] {
    let number = number.min(99) as u8;
    [number / 10, number % 10].map(|digit| b'0'.wrapping_add(digit))
}
