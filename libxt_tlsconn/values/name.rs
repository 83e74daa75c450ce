// SPDX-License-Identifier: GPL-2.0-only

//! Patterns over server names.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use tlsconn_uapi::XT_TLSCONN_NAME_MAX;

/// What stands between labels: the full stop, and those that IDNA takes for one (UTS #46, 4).
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// Reads a pattern in which `*` stands for any bytes and `?` for one. Case and a dot at the end make no difference and
/// are not kept; a label in Unicode becomes an A-label, as it is in a ClientHello (RFC 6066 3, RFC 5890 2.3.2.1).
pub fn parse(text: &str) -> Result<String, String> {
    let labels = text
        .split(DOTS)
        .map(|label| match label.is_ascii() {
            true => Ok(label.to_ascii_lowercase()),
            false => a_label(label),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let joined = labels.join(".");
    let pattern = joined.strip_suffix('.').unwrap_or(&joined);
    let len = pattern.len();
    if len == 0 {
        return Err(format!(
            "\"{text}\" has no name in it; write a name, or * for any"
        ));
    }
    if let Some(name) = pattern.strip_prefix('.') {
        return Err(format!(
            "\"{text}\" begins with a dot; write *.{name} for all names below {name}"
        ));
    }
    if pattern.split('.').any(str::is_empty) {
        return Err(format!(
            "\"{text}\" has two dots in a row; leave one out, or put a * between them"
        ));
    }
    if let Some(other) = pattern.chars().find(|&byte| !is_taken(byte)) {
        return Err(format!(
            "\"{text}\" has a {other:?} in it; a server name has letters, digits, - and _ with dots between, and ? \
             stands for any byte"
        ));
    }
    if pattern.starts_with('-') {
        return Err(format!(
            "\"{text}\" begins with -, as no server name does; write ? in its place if one should"
        ));
    }
    if len > XT_TLSCONN_NAME_MAX as usize {
        return Err(format!(
            "the pattern has {len} bytes; shorten it to {XT_TLSCONN_NAME_MAX} with a *"
        ));
    }
    Ok(pattern.to_owned())
}

fn is_taken(byte: char) -> bool {
    matches!(byte, 'a'..='z' | '0'..='9' | '-' | '_' | '.' | '*' | '?')
}

fn a_label(label: &str) -> Result<String, String> {
    if label.contains(['*', '?']) {
        return Err(format!(
            "\"{label}\" has a wildcard beside letters beyond ASCII, which are written another way on the wire; give \
             the wildcard a label of its own, or write the label as it is on the wire (xn--…)"
        ));
    }
    Uts46::new()
        .to_ascii(
            label.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map(|label| label.into_owned())
        .map_err(|_| {
            format!("\"{label}\" is no label of an internationalized name (IDNA); see how it is spelled")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_wildcards_are_kept() {
        for text in [
            "example.org",
            "*",
            "?",
            "*.example.org",
            "www?.*.example.org",
            "a_b-c.0",
            "xn--bcher-kva.example",
            "10.0.0.1",
            "*-*",
        ] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn case_and_a_dot_at_the_end_are_not() {
        assert_eq!(parse("WWW.Example.ORG").as_deref(), Ok("www.example.org"));
        assert_eq!(parse("example.org.").as_deref(), Ok("example.org"));
        assert_eq!(parse("*.").as_deref(), Ok("*"));
    }

    #[test]
    fn unicode_becomes_what_is_on_the_wire() {
        for (text, pattern) in [
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.Example.", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("*.straße.de", "*.xn--strae-oqa.de"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("παράδειγμα.*", "xn--hxajbheg2az3al.*"),
            ("www\u{ff0e}example", "www.example"),
            ("ｗｗｗ.example", "www.example"),
            ("münchen\u{ff61}", "xn--mnchen-3ya"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(pattern), "{text}");
        }
    }

    #[test]
    fn what_no_name_looks_like_is_refused() {
        for (text, part) in [
            ("", "has no name"),
            (".", "has no name"),
            (
                ".example.org",
                "write *.example.org for all names below example.org",
            ),
            ("..", "begins with a dot"),
            ("a..b", "two dots"),
            ("a.b..", "two dots"),
            ("example.org:443", "a ':' in it"),
            ("https://example.org", "a ':' in it"),
            ("a b", "a ' ' in it"),
            ("a,b", "a ',' in it"),
            ("a[bc]", "a '[' in it"),
            ("a\u{7f}", "a '\\u{7f}' in it"),
            ("a\"b", "a '\"' in it"),
            ("-t", "begins with -"),
            ("bü*.example", "wildcard"),
            ("b?ü", "wildcard"),
            ("\u{fffd}", "IDNA"),
            ("\u{200d}", "IDNA"),
            ("\u{2026}", "IDNA"),
            ("ü\u{ff0a}", "IDNA"),
            ("\u{661}a\u{5d0}", "IDNA"),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn up_to_255_bytes() {
        let long = ["a"; 128].join(".");
        assert_eq!(parse(&long).as_deref(), Ok(&*long));
        assert_eq!(parse(&format!("{long}.")).as_deref(), Ok(&*long));
        let message = parse(&format!("{long}b")).expect_err("is too long");
        assert!(message.contains("has 256 bytes"), "{message}");
    }
}
