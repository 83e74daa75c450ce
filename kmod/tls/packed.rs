// SPDX-License-Identifier: GPL-2.0-only
//! An identity in no more bytes than it has, for when the handshake is over and memory counts.

use super::handshake::Handshake;
use super::identity::{IdentityRef, Resumption};
use super::types::Side;

/// By what sessions up to TLS 1.2 are continued ([`Handshake::continues`], [`Handshake::issued`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sessions {
    /// The digest of what this connection's session was issued by.
    pub continues: Option<u64>,
    /// Digests of what the server issued here.
    pub issued: [Option<u64>; 2],
}

/// Writes bytes one after the other, and counts those for which there is no room too.
struct Writer<'a> {
    to: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        if let Some(room) = self.to.get_mut(self.at..) {
            room.iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
        }
        self.at = self.at.saturating_add(bytes.len());
    }

    /// With its length, which is below 256, in front.
    fn put_counted(&mut self, bytes: Option<&[u8]>) {
        if let Some(bytes) = bytes {
            self.put(&[bytes.len() as u8]);
            self.put(bytes);
        }
    }
}

fn choice(at: u32, value: Option<u8>) -> u32 {
    value.map_or(0, |value| (1 | (u32::from(value) << 1)) << at)
}

fn flag(at: u32, is: bool) -> u32 {
    u32::from(is) << at
}

/// Reads what [`pack`] has written. What is not there is not known.
struct Reader<'a> {
    bits: u32,
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    fn flag(&self, at: u32) -> bool {
        (self.bits >> at) & 1 != 0
    }

    fn choice(&self, at: u32) -> Option<u8> {
        self.flag(at).then_some((self.bits >> at >> 1) as u8)
    }

    fn bool(&self, at: u32) -> Option<bool> {
        self.choice(at).map(|value| value & 1 != 0)
    }

    fn take(&mut self, at: u32, bytes: usize) -> Option<&'a [u8]> {
        if !self.flag(at) {
            return None;
        }
        let (taken, left) = self.left.split_at_checked(bytes)?;
        self.left = left;
        Some(taken)
    }

    fn counted(&mut self, at: u32) -> Option<&'a [u8]> {
        let &[bytes] = self.take(at, 1)? else {
            return None;
        };
        self.take(at, bytes.into())
    }

    fn u16(&mut self, at: u32) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(at, 2)?.try_into().ok()?))
    }

    fn u64(&mut self, at: u32) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(at, 8)?.try_into().ok()?))
    }
}

macro_rules! packed {
    ($([$({ $field:ident [$($kind:ident)+] $attribute:ident $label:literal $title:literal $least:literal $means:literal })+])+) => {
        /// What is known, and the values of what has only a few: bits of the first four bytes. They are as many to a field
        /// as `WIDTHS` says.
        #[allow(non_camel_case_types, reason = "they are the fields")]
        #[derive(Clone, Copy)]
        enum Known { $($($field,)+)+ continues, issued, issued_next }

        const WIDTHS: &[u32] = &[$($(width!($($kind)+),)+)+ 1, 1, 1];

        /// Packs a handshake's identity and digests into `to`, and says how many bytes they have: no more than 696. With fewer
        /// in `to` what is written is of no use.
        pub fn pack(handshake: &Handshake, to: &mut [u8]) -> usize {
            let identity = handshake.identity.as_ref();
            let continues = handshake.continues();
            let issued = handshake.issued();
            let bits = $($(bits!(identity $field $($kind)+))|+)|+
                | flag(const { at(Known::continues) }, continues.is_some())
                | flag(const { at(Known::issued) }, issued[0].is_some())
                | flag(const { at(Known::issued_next) }, issued[1].is_some());
            let mut writer = Writer { to, at: 0 };
            writer.put(&bits.to_be_bytes());
            $($(put!(writer identity $field $($kind)+);)+)+
            for digest in [continues, issued[0], issued[1]].into_iter().flatten() {
                writer.put(&digest.to_be_bytes());
            }
            writer.at
        }

        /// What was packed.
        pub fn unpack(from: &[u8]) -> (IdentityRef<'_>, Sessions) {
            let Some((&bits, left)) = from.split_first_chunk() else {
                return Default::default();
            };
            let bits = u32::from_be_bytes(bits);
            let mut reader = Reader { bits, left };
            // In the order in which they were written.
            $($(let $field = take!(reader $field $($kind)+);)+)+
            let sessions = Sessions {
                continues: reader.u64(const { at(Known::continues) }),
                issued: [
                    reader.u64(const { at(Known::issued) }),
                    reader.u64(const { at(Known::issued_next) }),
                ],
            };
            (IdentityRef { $($($field,)+)+ ja4: None }, sessions)
        }
    };
}

/// Bits of a field: whether it is known, then its value where it has few.
macro_rules! width {
    (side) => {
        2
    };
    (truth) => {
        2
    };
    (resumption) => {
        3
    };
    // Whether it is the same, and not there twice.
    (echo $of:ident) => {
        2
    };
    ($other:ident) => {
        1
    };
}

macro_rules! bits {
    ($identity:ident $field:ident flag) => {
        flag(const { at(Known::$field) }, $identity.$field)
    };
    ($identity:ident $field:ident side) => {
        choice(
            const { at(Known::$field) },
            $identity.$field.map(|side| side as u8),
        )
    };
    ($identity:ident $field:ident truth) => {
        choice(const { at(Known::$field) }, $identity.$field.map(u8::from))
    };
    ($identity:ident $field:ident resumption) => {
        choice(
            const { at(Known::$field) },
            $identity.$field.map(|how| how as u8),
        )
    };
    ($identity:ident $field:ident echo $of:ident) => {
        flag(const { at(Known::$field) }, $identity.$field.is_some())
            | flag(
                const { at(Known::$field) + 1 },
                $identity.$field == $identity.$of,
            )
    };
    ($identity:ident $field:ident $other:ident) => {
        flag(const { at(Known::$field) }, $identity.$field.is_some())
    };
}

/// Writes what has more values than bits.
macro_rules! put {
    ($writer:ident $identity:ident $field:ident version) => {
        if let Some(number) = $identity.$field {
            $writer.put(&number.to_be_bytes());
        }
    };
    ($writer:ident $identity:ident $field:ident cipher) => { put!($writer $identity $field version) };
    ($writer:ident $identity:ident $field:ident random) => { $writer.put($identity.$field.unwrap_or(&[])) };
    ($writer:ident $identity:ident $field:ident name) => { $writer.put_counted($identity.$field) };
    ($writer:ident $identity:ident $field:ident id) => { $writer.put_counted($identity.$field) };
    ($writer:ident $identity:ident $field:ident echo $of:ident) => {
        if $identity.$field != $identity.$of {
            $writer.put_counted($identity.$field);
        }
    };
    ($writer:ident $identity:ident $field:ident $other:ident) => {};
}

macro_rules! take {
    ($reader:ident $field:ident flag) => {
        $reader.flag(const { at(Known::$field) })
    };
    ($reader:ident $field:ident side) => {
        $reader
            .bool(const { at(Known::$field) })
            .map(|is_dst| match is_dst {
                true => Side::Dst,
                false => Side::Src,
            })
    };
    ($reader:ident $field:ident truth) => {
        $reader.bool(const { at(Known::$field) })
    };
    ($reader:ident $field:ident resumption) => {
        $reader
            .choice(const { at(Known::$field) })
            .map(|how| match how & 3 {
                0 => Resumption::SessionId,
                1 => Resumption::Ticket,
                _ => Resumption::Psk,
            })
    };
    ($reader:ident $field:ident version) => {
        $reader.u16(const { at(Known::$field) })
    };
    ($reader:ident $field:ident cipher) => {
        $reader.u16(const { at(Known::$field) })
    };
    ($reader:ident $field:ident random) => {
        $reader.take(const { at(Known::$field) }, 32)
    };
    ($reader:ident $field:ident echo $of:ident) => {
        match $reader.flag(const { at(Known::$field) + 1 }) {
            true => $of,
            false => $reader.counted(const { at(Known::$field) }),
        }
    };
    // A name, or an id.
    ($reader:ident $field:ident $other:ident) => {
        $reader.counted(const { at(Known::$field) })
    };
}

crate::identity_fields! { packed }

/// The first bit of a field.
const fn at(known: Known) -> u32 {
    let (mut row, mut bits) = (0, 0);
    while row < known as usize {
        bits += WIDTHS[row];
        row += 1;
    }
    bits
}

const _: () = assert!(at(Known::issued_next) < u32::BITS);
