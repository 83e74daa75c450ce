// SPDX-License-Identifier: GPL-2.0-only

//! What sets of server names are called.

use tlsconn_uapi::XT_TLSCONN_SET_NAME_MAX;

/// Reads the name of a set.
pub fn parse(text: &str) -> Result<&str, String> {
    let is_taken = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    if text.is_empty() {
        return Err("a set has a name, as `tlsconnctl set list` shows it".into());
    }
    if let Some(other) = text.chars().find(|letter| !is_taken(*letter)) {
        return Err(format!(
            "\"{text}\" has a {other:?} in it; the name of a set has letters, digits, dots, hyphens and underscores"
        ));
    }
    if text.starts_with('-') {
        return Err(format!(
            "\"{text}\" begins with -, as no set's name does; see how it is spelled"
        ));
    }
    if text.len() > XT_TLSCONN_SET_NAME_MAX as usize {
        return Err(format!(
            "the name of the set has {} bytes; a set's name has {XT_TLSCONN_SET_NAME_MAX} at most",
            text.len()
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "0", "block-list_2.new", &"x".repeat(31)] {
            assert_eq!(parse(name), Ok(name));
        }
        for (name, words) in [
            ("", "a set has a name"),
            ("-a", "begins with -"),
            ("a b", "a ' ' in it"),
            ("a,b", "a ',' in it"),
            ("\u{e4}", "in it"),
            (&"x".repeat(32), "has 32 bytes"),
        ] {
            let message = parse(name).expect_err(name);
            assert!(message.contains(words), "{message}");
        }
    }
}
