// SPDX-License-Identifier: GPL-2.0-only

//! Bytes in hex: the beginning of a random or of a session id.

use std::fmt::Write;

use tlsconn_uapi::XT_TLSCONN_ID_MAX;

/// Room for the longest.
pub type Id = [u8; XT_TLSCONN_ID_MAX as usize];

/// Reads 1 to 32 bytes of two digits each, with colons between all of them or none, with or without 0x before them. Gives
/// them with zeros after them, and how many they are.
pub fn parse(text: &str) -> Result<(Id, u8), String> {
    let digits = text
        .strip_prefix("0x")
        .or(text.strip_prefix("0X"))
        .unwrap_or(text);
    if digits.is_empty() {
        return Err("hex digits are missing; give 1 to 32 bytes of two digits each".to_owned());
    }
    let pairs: Vec<&[u8]> = if digits.contains(':') {
        digits.split(':').map(str::as_bytes).collect()
    } else {
        digits.as_bytes().chunks(2).collect()
    };
    let mut bytes = Id::default();
    if pairs.len() > bytes.len() {
        return Err(format!(
            "\"{text}\" has {} bytes; give {XT_TLSCONN_ID_MAX} at most",
            pairs.len()
        ));
    }
    for (byte, pair) in bytes.iter_mut().zip(&pairs) {
        *byte = byte_of(pair).ok_or_else(|| {
            format!(
                "\"{text}\" is not made of bytes, two hex digits each, such as 0a1b2c or 0a:1b:2c"
            )
        })?;
    }
    Ok((bytes, pairs.len() as u8))
}

fn byte_of(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    match *pair {
        [high, low] => u8::try_from((digit(high)? << 4) | digit(low)?).ok(),
        _ => None,
    }
}

/// The form that `iptables-save` prints: lower-case digits and nothing else.
pub fn print(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        parse(text).map(|(bytes, len)| {
            assert!(bytes[usize::from(len)..].iter().all(|&byte| byte == 0));
            print(&bytes[..usize::from(len)])
        })
    }

    #[test]
    fn with_and_without_colons_and_prefix() {
        for text in [
            "0a1b2cff",
            "0A1B2CFF",
            "0a:1b:2c:ff",
            "0x0a1b2cff",
            "0X0a:1B:2c:fF",
        ] {
            assert_eq!(read(text).as_deref(), Ok("0a1b2cff"), "{text}");
        }
        assert_eq!(read("00").as_deref(), Ok("00"));
        assert_eq!(read("0x00").as_deref(), Ok("00"));
    }

    #[test]
    fn from_one_byte_to_32() {
        assert_eq!(read(&"ab".repeat(32)), Ok("ab".repeat(32)));
        let message = read(&"ab".repeat(33)).expect_err("is too long");
        assert!(message.ends_with("has 33 bytes; give 32 at most"));
        let message = read(&["ab"; 40].join(":")).expect_err("is too long");
        assert!(message.contains("has 40 bytes"), "{message}");
        for text in ["", "0x", "0X"] {
            assert!(read(text).expect_err(text).contains("missing"), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "a", "abc", "0xabc", "ag", " ab", "ab ", "ab cd", ":ab", "ab:", "ab::cd", "ab:c",
            "abcd:ef", "a:b", "+a", "-1", "0x0xab", "äb", "a\u{301}",
        ] {
            let message = read(text).expect_err(text);
            assert!(message.starts_with(&format!("\"{text}\" ")), "{message}");
            assert!(message.contains("two hex digits each"), "{message}");
        }
    }
}
