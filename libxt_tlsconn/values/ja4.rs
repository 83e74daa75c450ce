// SPDX-License-Identifier: GPL-2.0-only

//! Patterns over JA4s, FoxIO's fingerprints of TLS clients.

use tlsconn_uapi::XT_TLSCONN_JA4_MAX;

/// Characters of a JA4.
const LENGTH: usize = 36;

/// Reads a pattern in which `*` stands for any characters and `?` for one. Case makes no difference, and is not kept.
pub fn parse(text: &str) -> Result<String, String> {
    const EXAMPLE: &str = "t13d1516h2_8daaf6152771_*";
    let is_taken = |letter: &char| letter.is_ascii_alphanumeric() || "_*?".contains(*letter);
    if text.is_empty() {
        return Err(format!(
            "there is no JA4 in \"\"; write one, or a pattern as {EXAMPLE}"
        ));
    }
    if let Some(other) = text.chars().find(|letter| !is_taken(letter)) {
        return Err(format!(
            "\"{text}\" has a {other:?} in it; a JA4 has letters, digits and _, as {EXAMPLE}"
        ));
    }
    let least = text.chars().filter(|letter| *letter != '*').count();
    if least > LENGTH {
        return Err(format!(
            "\"{text}\" fits none, as a JA4 has {LENGTH} characters; shorten it with a *"
        ));
    }
    if text.len() > XT_TLSCONN_JA4_MAX as usize {
        return Err(format!(
            "the pattern has {} characters; leave stars out, up to {XT_TLSCONN_JA4_MAX} fit",
            text.len()
        ));
    }
    Ok(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let whole = "t13d1516h2_8daaf6152771_e5627efa2ab1";
        let stars = "*".repeat(63);
        for pattern in [whole, "t13*", "*", "?13d*_8daaf6152771_*", &stars] {
            assert_eq!(parse(pattern).as_deref(), Ok(pattern));
        }
        assert_eq!(parse(&whole.to_ascii_uppercase()).as_deref(), Ok(whole));
        for (text, words) in [
            ("", "no JA4"),
            ("t13d-", "a '-' in it"),
            ("t13 ", "a ' ' in it"),
            ("\u{e4}", "in it"),
            (&"a".repeat(37), "fits none"),
            (&"*".repeat(64), "64 characters"),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains(words), "{message}");
        }
    }
}
