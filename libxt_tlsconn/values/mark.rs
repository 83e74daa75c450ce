// SPDX-License-Identifier: GPL-2.0-only

//! Marks with a mask, `VALUE[/MASK]`.

use std::fmt;

use tlsconn_uapi::{XT_TLSCONN_PIN_MARK, XT_TLSCONN_PIN_MASK};

/// The bits of a connection mark that count, and how they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark {
    /// No bit of it is outside of the mask.
    pub value: u32,
    /// Not zero.
    pub mask: u32,
}

/// The pin mark where no other is given.
impl Default for Mark {
    fn default() -> Self {
        Self {
            value: XT_TLSCONN_PIN_MARK,
            mask: XT_TLSCONN_PIN_MASK,
        }
    }
}

/// As `iptables-save` prints it.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}/{:#x}", self.value, self.mask)
    }
}

impl Mark {
    /// Reads numbers as iptables' other marks are read: hexadecimal after 0x, octal after 0, else decimal. Without a mask
    /// all bits count.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (value, mask) = match text.split_once('/') {
            Some((value, mask)) => (number(value)?, number(mask)?),
            None => (number(text)?, u32::MAX),
        };
        if mask == 0 {
            return Err(format!(
                "the mask of \"{text}\" is 0, which every mark would fit; set a bit in it"
            ));
        }
        if value & !mask != 0 {
            return Err(format!(
                "\"{text}\" has bits outside of its mask; use a mask that covers {value:#x}"
            ));
        }
        Ok(Self { value, mask })
    }
}

/// A number of 32 bits, written likewise.
pub fn number(text: &str) -> Result<u32, String> {
    let (digits, radix) = if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X"))
    {
        (digits, 16)
    } else if text.len() > 1 && text.starts_with('0') {
        (&text[1..], 8)
    } else {
        (text, 10)
    };
    // `from_str_radix` would take a sign too.
    let all_digits = digits.chars().all(|digit| digit.is_digit(radix));
    u32::from_str_radix(digits, radix)
        .ok()
        .filter(|_| all_digits)
        .ok_or_else(|| {
            format!("\"{text}\" is not a number from 0 to 0xffffffff; write VALUE or VALUE/MASK")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(value: u32, mask: u32) -> Result<Mark, String> {
        Ok(Mark { value, mask })
    }

    #[test]
    fn numbers_in_three_bases() {
        assert_eq!(
            Mark::parse("0x54000000/0xff000000"),
            mark(0x5400_0000, 0xff00_0000)
        );
        assert_eq!(Mark::parse("0X1/0XFf"), mark(1, 0xff));
        assert_eq!(Mark::parse("10/15"), mark(10, 15));
        assert_eq!(Mark::parse("010/017"), mark(8, 15));
        assert_eq!(Mark::parse("00/1"), mark(0, 1));
    }

    #[test]
    fn without_a_mask_all_bits_count() {
        assert_eq!(Mark::parse("0"), mark(0, u32::MAX));
        assert_eq!(Mark::parse("4294967295"), mark(u32::MAX, u32::MAX));
        assert_eq!(Mark::parse("0x54000000"), mark(0x5400_0000, u32::MAX));
    }

    #[test]
    fn print_is_read_back() {
        for text in ["0x0/0x1", "0x54000000/0xff000000", "0xffffffff/0xffffffff"] {
            assert_eq!(
                Mark::parse(text).map(|mark| mark.to_string()).as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn what_is_no_number_is_named() {
        for bad in [
            "",
            "x",
            "-1",
            "+1",
            " 1",
            "1 ",
            "0x",
            "0x+1",
            "08",
            "0+7",
            "1g",
            "4294967296",
            "0x100000000",
        ] {
            for text in [bad.to_owned(), format!("{bad}/1"), format!("0/{bad}")] {
                let message = Mark::parse(&text).expect_err(&text);
                assert!(
                    message.starts_with(&format!("\"{bad}\" is not a number ")),
                    "{text}: {message}"
                );
            }
        }
        assert!(Mark::parse("1/1/1").is_err());
    }

    #[test]
    fn a_mask_must_cover_the_value() {
        let message = Mark::parse("0x101/0xff").expect_err("bit 8 is outside");
        assert!(message.contains("a mask that covers 0x101"), "{message}");
        let message = Mark::parse("0/0").expect_err("no bit would count");
        assert!(message.contains("mask of \"0/0\" is 0"), "{message}");
        assert!(Mark::parse("1/0").is_err());
    }
}
