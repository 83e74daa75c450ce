// SPDX-License-Identifier: GPL-2.0-only

//! Names of application protocols, which are any octets (RFC 7301 3.1).

use tlsconn_uapi::XT_TLSCONN_NAME_MAX;

/// Reads a protocol's name. `\xNN` stands for an octet, and two backslashes for one.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        octets.extend(rest[..at].bytes());
        let escaped = &rest[at + 1..];
        if let Some(behind) = escaped.strip_prefix('\\') {
            octets.push(b'\\');
            rest = behind;
            continue;
        }
        let digits = escaped.strip_prefix('x').and_then(|digits| digits.get(..2));
        let octet = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| {
                format!("a backslash in \"{text}\" stands alone; write \\xNN for an octet, or \\\\ for a backslash")
            })?;
        octets.push(octet);
        rest = &escaped[3..];
    }
    octets.extend(rest.bytes());
    match octets.len() {
        0 => Err("a protocol is missing; write one such as h2 or http/1.1".to_owned()),
        len if len > XT_TLSCONN_NAME_MAX as usize => Err(format!(
            "the protocol has {len} octets; no name is longer than {XT_TLSCONN_NAME_MAX}"
        )),
        _ => Ok(octets),
    }
}

/// The form that `iptables-save` prints: one word that needs no quotes, and is no option for iptables-restore.
pub(crate) fn print(octets: &[u8]) -> String {
    let mut text = String::new();
    for (at, &octet) in octets.iter().enumerate() {
        match octet {
            b'-' if at == 0 => text += "\\x2d",
            b'!'..=b'~' if !b"\"'\\".contains(&octet) => text.push(char::from(octet)),
            _ => text += &format!("\\x{octet:02x}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        parse(text).map(|octets| print(&octets))
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
    fn other_octets_are_escaped() {
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
    fn every_octet_is_read_back() {
        for octet in 0..=u8::MAX {
            for octets in [vec![octet], vec![b'-', octet], vec![octet, b'x', octet]] {
                assert_eq!(parse(&print(&octets)), Ok(octets));
            }
        }
    }

    #[test]
    fn from_one_octet_to_255() {
        assert!(parse("").expect_err("is empty").contains("missing"));
        assert_eq!(parse(&"a".repeat(255)).map(|octets| octets.len()), Ok(255));
        assert_eq!(
            parse(&"\\xff".repeat(255)).map(|octets| octets.len()),
            Ok(255)
        );
        let message = parse(&"a".repeat(256)).expect_err("is too long");
        assert!(message.contains("has 256 octets"), "{message}");
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
