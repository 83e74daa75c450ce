// SPDX-License-Identifier: GPL-2.0-only

//! Netlink attributes: length, type, value, padded to 4 bytes. Numbers are in native byte order.

use super::malformed::Malformed;

/// The flag of an attribute that holds others.
pub(super) const NESTED: u32 = 0x8000;

const HEADER: usize = 4;
/// What is left of an attribute's type without its flags (nested, network byte order).
const TYPE_MASK: u16 = 0x3fff;

/// One attribute as received.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) kind: u32,
    pub(super) value: &'a [u8],
}

/// Takes a run of attributes apart.
pub(super) fn parse(mut octets: &[u8]) -> Result<Vec<Attribute<'_>>, Malformed> {
    let mut attributes = Vec::new();
    // Fewer bytes than a header are the last attribute's padding.
    while let Some((header, _)) = octets.split_first_chunk::<HEADER>() {
        let [length_0, length_1, kind_0, kind_1] = *header;
        let length = usize::from(u16::from_ne_bytes([length_0, length_1]));
        let kind = u16::from_ne_bytes([kind_0, kind_1]) & TYPE_MASK;
        let value = octets.get(HEADER..length).ok_or(Malformed)?;
        attributes.push(Attribute {
            kind: kind.into(),
            value,
        });
        octets = octets.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(attributes)
}

impl<'a> Attribute<'a> {
    pub(super) fn u8(self) -> Result<u8, Malformed> {
        self.array().map(u8::from_ne_bytes)
    }

    pub(super) fn u16(self) -> Result<u16, Malformed> {
        self.array().map(u16::from_ne_bytes)
    }

    /// A port.
    pub(super) fn be16(self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(self) -> Result<u32, Malformed> {
        self.array().map(u32::from_ne_bytes)
    }

    pub(super) fn u64(self) -> Result<u64, Malformed> {
        self.array().map(u64::from_ne_bytes)
    }

    /// The type `uint`: as long as the number needs, 4 bytes or 8.
    pub(super) fn uint(self) -> Result<u64, Malformed> {
        self.u32()
            .map(u64::from)
            .or_else(|_| self.array().map(u64::from_ne_bytes))
    }

    /// Numbers of 8 bytes each.
    pub(super) fn u64s(self) -> Result<Vec<u64>, Malformed> {
        let numbers = self.value.chunks(size_of::<u64>());
        numbers
            .map(|octets| octets.try_into().map(u64::from_ne_bytes))
            .collect::<Result<_, _>>()
            .map_err(|_| Malformed)
    }

    /// A truth value in one byte.
    pub(super) fn bool(self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// A string without the zero byte that ends it.
    pub(super) fn string(self) -> &'a [u8] {
        self.value.strip_suffix(&[0]).unwrap_or(self.value)
    }

    fn array<const N: usize>(self) -> Result<[u8; N], Malformed> {
        self.value.try_into().map_err(|_| Malformed)
    }
}

/// Attributes to be sent.
#[derive(Default)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    /// Adds an attribute. The tool sends numbers and short names only, far below what a length can say.
    pub(super) fn push(mut self, kind: u32, value: &[u8]) -> Self {
        let length = u16::try_from(HEADER + value.len()).expect("no value comes near 64 KiB");
        let kind = u16::try_from(kind).expect("attribute types are small numbers");
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn u32(self, kind: u32, value: u32) -> Self {
        self.push(kind, &value.to_ne_bytes())
    }

    /// The type `uint`, as short as can be.
    pub(super) fn uint(self, kind: u32, value: u64) -> Self {
        match u32::try_from(value) {
            Ok(value) => self.push(kind, &value.to_ne_bytes()),
            Err(_) => self.push(kind, &value.to_ne_bytes()),
        }
    }

    /// A string, ended by a zero byte as the kernel wants it.
    pub(super) fn string(self, kind: u32, value: &str) -> Self {
        self.push(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// A flag, which is there or not.
    pub(super) fn flag(self, kind: u32, value: bool) -> Self {
        if value {
            self.push(kind, &[])
        } else {
            self
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let attributes = Attributes::default()
            .uint(1, 7)
            .uint(2, 1 << 40)
            .string(3, "default")
            .flag(4, true)
            .flag(5, false)
            .u32(6, 9)
            .push(7, &443u16.to_be_bytes());
        let read = parse(attributes.as_slice()).expect("it is sound");
        let kinds: Vec<u32> = read.iter().map(|attribute| attribute.kind).collect();
        assert_eq!(kinds, [1, 2, 3, 4, 6, 7]);
        assert_eq!(read[0].value.len(), 4);
        assert_eq!(read[0].uint().ok(), Some(7));
        assert_eq!(read[1].uint().ok(), Some(1 << 40));
        assert_eq!(read[2].string(), b"default");
        assert!(read[3].value.is_empty());
        assert_eq!(read[4].u32().ok(), Some(9));
        assert_eq!(read[5].be16().ok(), Some(443));
    }

    #[test]
    fn flags_of_a_type_are_left_out() {
        let read = [4u16.to_ne_bytes(), 0x8019u16.to_ne_bytes()].concat();
        assert_eq!(parse(&read).expect("it is sound")[0].kind, 0x19);
    }

    #[test]
    fn wrong_lengths_are_refused() {
        for wrong in [3u16, 0, 9] {
            let octets = [&wrong.to_ne_bytes()[..], &[1, 0, 0, 0, 0, 0]].concat();
            assert!(parse(&octets).is_err(), "{wrong}");
        }
        let number = Attributes::default().push(1, &[0; 3]);
        let read = parse(number.as_slice()).expect("it is sound");
        assert!(read[0].u32().is_err() && read[0].uint().is_err() && read[0].bool().is_err());
    }
}
