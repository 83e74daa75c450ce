// SPDX-License-Identifier: GPL-2.0-only

//! Names of application protocols, which are any bytes (RFC 7301 3.1).

use tlsconn_uapi::XT_TLSCONN_NAME_MAX;

/// Reads a protocol's name. `\xNN` stands for a byte, and two backslashes for one.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend(rest[..at].bytes());
        let escaped = &rest[at + 1..];
        if let Some(after) = escaped.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = after;
            continue;
        }
        let digits = escaped.strip_prefix('x').and_then(|digits| digits.get(..2));
        let byte = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| {
                format!("a backslash in \"{text}\" stands alone; write \\xNN for a byte, or \\\\ for a backslash")
            })?;
        bytes.push(byte);
        rest = &escaped[3..];
    }
    bytes.extend(rest.bytes());
    match bytes.len() {
        0 => Err("a protocol is missing; write one such as h2 or http/1.1".to_owned()),
        len if len > XT_TLSCONN_NAME_MAX as usize => Err(format!(
            "the protocol has {len} bytes; no name is longer than {XT_TLSCONN_NAME_MAX}"
        )),
        _ => Ok(bytes),
    }
}

/// The form that `iptables-save` prints: one word that needs no quotes, and is no option for iptables-restore.
pub(crate) fn print(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'-' if at == 0 => text += "\\x2d",
            b'!'..=b'~' if !b"\"'\\".contains(&byte) => text.push(char::from(byte)),
            _ => text += &format!("\\x{byte:02x}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        parse(text).map(|bytes| print(&bytes))
    }

    #[test]
    fn names_as_they_are() {
        for text in [
            "h2",
            "http/1.1",
            "acme-tls/1",
            "H2",
            "a,b;c!#$",
            "\\x0a\\x0a",
            "\\x2d-",
        ] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn other_bytes_are_escaped() {
        for (text, printed) in [
            ("a b", "a\\x20b"),
            ("\\x41\\x7E\\x7f", "A~\\x7f"),
            ("\\\\x41", "\\x5cx41"),
            ("é", "\\xc3\\xa9"),
            ("-t", "\\x2dt"),
            ("\"'", "\\x22\\x27"),
            ("\\x00", "\\x00"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(printed), "{text}");
        }
    }

    #[test]
    fn every_byte_is_read_back() {
        for byte in 0..=u8::MAX {
            for bytes in [vec![byte], vec![b'-', byte], vec![byte, b'x', byte]] {
                assert_eq!(parse(&print(&bytes)), Ok(bytes));
            }
        }
    }

    #[test]
    fn from_one_byte_to_255() {
        assert!(parse("").expect_err("is empty").contains("missing"));
        assert_eq!(parse(&"a".repeat(255)).map(|bytes| bytes.len()), Ok(255));
        assert_eq!(
            parse(&"\\xff".repeat(255)).map(|bytes| bytes.len()),
            Ok(255)
        );
        let message = parse(&"a".repeat(256)).expect_err("is too long");
        assert!(message.contains("has 256 bytes"), "{message}");
    }

    #[test]
    fn a_backslash_alone_is_refused() {
        for text in [
            "\\", "a\\", "\\x", "\\x1", "\\xg0", "\\n", "\\x+1", "\\xé", "\\X41", "\\\\\\",
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains("stands alone"), "{message}");
        }
    }
}
