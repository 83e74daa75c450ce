// SPDX-License-Identifier: GPL-2.0-only

//! Byte strings that peers sent, and how they are printed: never raw, so that none can speak to a terminal.

use std::fmt;

use serde::{Serialize, Serializer};

/// Bytes printed in lower-case hex: randoms and session ids.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

/// Bytes printed as they are where they are printable ASCII, else as \xNN: names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Name(pub(crate) Vec<u8>);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| match octet {
            b' '..=b'~' => write!(f, "{}", char::from(*octet)),
            _ => write!(f, "\\x{octet:02x}"),
        })
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_lower_case() {
        assert_eq!(Hex(vec![0x00, 0xAB, 0xff]).to_string(), "00abff");
        assert_eq!(Hex(Vec::new()).to_string(), "");
    }

    #[test]
    fn what_is_not_printable_is_escaped() {
        assert_eq!(
            Name(b"a b~\x1b[2J\x7f\xc3\xa9\0".to_vec()).to_string(),
            r"a b~\x1b[2J\x7f\xc3\xa9\x00"
        );
    }
}
