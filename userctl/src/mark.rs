// SPDX-License-Identifier: GPL-2.0-only

//! What a pin is called and which connection mark it stands for.

use std::{fmt, str::FromStr};

use tlsconn_uapi::{TLSCONN_PIN_NAME_MAX, XT_TLSCONN_PIN_MARK, XT_TLSCONN_PIN_MASK};

/// A value for the bits of the connection mark that the mask names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mark {
    pub(crate) value: u32,
    /// Not zero, and no bit of the value is outside of it.
    pub(crate) mask: u32,
}

impl Default for Mark {
    fn default() -> Self {
        Self {
            value: XT_TLSCONN_PIN_MARK,
            mask: XT_TLSCONN_PIN_MASK,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}/{:#x}", self.value, self.mask)
    }
}

impl FromStr for Mark {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (value, mask) = text
            .split_once('/')
            .ok_or("a mark is VALUE/MASK, as in 0x54000000/0xff000000")?;
        let (value, mask) = (number(value)?, number(mask)?);
        if mask == 0 {
            return Err("the mask has no bit set".into());
        }
        if value & !mask != 0 {
            return Err(format!(
                "bits {:#x} of the value are outside of the mask",
                value & !mask
            ));
        }
        if value == 0 {
            return Err("the value is 0, which connections without a pin carry too".into());
        }
        Ok(Self { value, mask })
    }
}

/// A 32-bit number, decimal or with 0x in front. Others read a leading 0 as octal, so it is refused.
fn number(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is not a number of 32 bits, as in 0x54000000");
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => return Err(wrong()),
        None => (text, 10),
    };
    // Rust's parser would take a sign.
    if digits.starts_with('+') {
        return Err(wrong());
    }
    u32::from_str_radix(digits, radix).map_err(|_| wrong())
}

/// A pin's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PinName(pub(crate) String);

impl FromStr for PinName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
        if text.is_empty() || !text.bytes().all(fits) {
            return Err("a pin's name is made of letters, digits, '.', '_' and '-'".into());
        }
        if u32::try_from(text.len()).is_ok_and(|length| length <= TLSCONN_PIN_NAME_MAX) {
            Ok(Self(text.into()))
        } else {
            Err(format!(
                "a pin's name has at most {TLSCONN_PIN_NAME_MAX} characters"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks() {
        for (text, value, mask) in [
            ("0x54000000/0xff000000", 0x5400_0000, 0xff00_0000),
            ("1/1", 1, 1),
            ("0X10/0XFFFFFFFF", 0x10, u32::MAX),
            ("4294967295/4294967295", u32::MAX, u32::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Mark { value, mask }), "{text}");
        }
        assert_eq!(Mark::default().to_string(), "0x54000000/0xff000000");
    }

    #[test]
    fn wrong_marks_are_refused() {
        for wrong in [
            "",
            "1",
            "0x54000000",
            "1/",
            "/1",
            "1/0",
            "0/1",
            "0x100/0xff",
            "0x100000000/0xffffffff",
            "1/0x100000000",
            "-1/1",
            "+1/1",
            "0x+1/1",
            "010/0xff",
            "0x/1",
            "one/1",
            "1/1/1",
            " 1/1",
        ] {
            assert!(wrong.parse::<Mark>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names() {
        let longest = "x".repeat(31);
        for name in ["default", "a.b_c-1", "2", longest.as_str()] {
            assert_eq!(name.parse(), Ok(PinName(name.into())));
        }
        let too_long = "x".repeat(32);
        for wrong in ["", "a b", "a\n", "caf\u{e9}", "a/b", too_long.as_str()] {
            assert!(wrong.parse::<PinName>().is_err(), "{wrong}");
        }
    }
}
