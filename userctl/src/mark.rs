// SPDX-License-Identifier: GPL-2.0-only

//! What a pin is called and which connection mark it stands for.

use std::str::FromStr;

use tlsconn_uapi::TLSCONN_PIN_NAME_MAX;
use tlsconn_values::mark;
pub(crate) use tlsconn_values::mark::Mark;

/// Reads a mark for a pin, as -m tlsconn reads marks. The bits that it takes have to be said, and connections without a pin
/// must not have it.
pub(crate) fn pin_mark(text: &str) -> Result<Mark, String> {
    let mark = Mark::parse(text)?;
    if !text.contains('/') {
        return Err("a pin's mark is VALUE/MASK, as in 0x54000000/0xff000000".into());
    }
    if mark.value == 0 {
        return Err("the value is 0, which connections without a pin carry too".into());
    }
    Ok(mark)
}

/// One bit of a mark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Bit(pub(crate) u32);

impl FromStr for Bit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match mark::number(text) {
            Ok(value) if value.is_power_of_two() => Ok(Self(value)),
            _ => Err(format!(
                "{text:?} is not exactly one bit of 32, as in 0x00800000"
            )),
        }
    }
}

/// A pin's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PinName(pub(crate) String);

impl FromStr for PinName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
        if text.is_empty() || text.starts_with('-') || !text.bytes().all(fits) {
            return Err(
                "a pin's name is made of letters, digits, '.', '_' and '-', and does not begin with '-'".into(),
            );
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
            // Octal, as iptables reads it.
            ("010/0xff", 8, 0xff),
        ] {
            assert_eq!(pin_mark(text), Ok(Mark { value, mask }), "{text}");
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
            "0x/1",
            "one/1",
            "1/1/1",
            " 1/1",
        ] {
            assert!(pin_mark(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names() {
        let longest = "x".repeat(31);
        for name in ["default", "a.b_c-1", "2", longest.as_str()] {
            assert_eq!(name.parse(), Ok(PinName(name.into())));
        }
        let too_long = "x".repeat(32);
        for wrong in [
            "",
            "-a",
            "--",
            "a b",
            "a\n",
            "caf\u{e9}",
            "a/b",
            too_long.as_str(),
        ] {
            assert!(wrong.parse::<PinName>().is_err(), "{wrong}");
        }
    }
}
