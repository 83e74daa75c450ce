// SPDX-License-Identifier: GPL-2.0-only
//! Names and the words that they are kept in.

use proptest::{collection::vec, prelude::*};
use tlsconn_names::{Encoded, NotAName};

fn text(name: &Encoded) -> Vec<u8> {
    name.text(&mut [0; 256]).to_vec()
}

#[test]
fn names_come_back() {
    let (long, deep) = (["a"; 128].join("."), ["a"; 16].join("."));
    for name in [
        "a",
        ".a",
        "a.b",
        "host.example",
        ".example",
        "xn--bcher-kva.example",
        "_dmarc.example",
        "10.0.0.1",
        "abcdefghijklmnopqrstuvwxyz0123456789-_",
        "a--",
        long.as_str(),
        &format!(".{deep}"),
    ] {
        let encoded = Encoded::new(name.as_bytes()).expect(name);
        assert_eq!(text(&encoded), name.as_bytes());
        // Three characters in two bytes, the end among them.
        assert_eq!(encoded.words().len(), name.len() / 6 + 1);
    }
}

#[test]
fn what_is_no_name_is_refused() {
    let (long, deep) = ("a".repeat(256), ["a"; 17].join("."));
    for name in [
        "",
        ".",
        "..",
        "a.",
        "a..b",
        "..a",
        "-a",
        ".-a",
        "A",
        "a.B",
        "*.a",
        "a b",
        "a\0",
        "a\n",
        "\u{e4}",
        "a/b",
        "a:443",
        long.as_str(),
        &format!(".{long}"),
        &format!(".{deep}"),
    ] {
        assert_eq!(
            Encoded::new(name.as_bytes()).err(),
            Some(NotAName),
            "{name:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of two names one's words never begin the other's: the hash and the table rely on it.
    #[test]
    fn no_name_begins_another(one in "\\.?[a-c0-1_][a-c.]{0,14}[a-c]", other in "\\.?[a-c0-1_][a-c.]{0,14}[a-c]") {
        let (Ok(a), Ok(b)) = (Encoded::new(one.as_bytes()), Encoded::new(other.as_bytes())) else {
            return Ok(());
        };
        prop_assert_eq!(text(&a), one.as_bytes());
        prop_assert_eq!(a.words().starts_with(b.words()), one == other);
    }

    #[test]
    fn any_bytes_are_a_name_or_not(octets in vec(any::<u8>(), 0..300)) {
        if let Ok(name) = Encoded::new(&octets) {
            prop_assert_eq!(text(&name), octets);
        }
    }

    /// Whatever words there are, none is read beyond and nothing panics.
    #[test]
    fn any_words_are_read(words in vec(any::<u32>(), 0..60)) {
        if let Some(name) = Encoded::first(words.iter().copied()) {
            let _ = text(&name);
        }
    }
}
