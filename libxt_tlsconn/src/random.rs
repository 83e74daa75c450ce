// SPDX-License-Identifier: GPL-2.0-only

//! Random specifications of rules for tests, in any of the ways in which they may be typed.

use proptest::{collection::vec, prelude::*, sample::subsequence};
use tlsconn_values::hex;

use crate::{
    alpn,
    options::{self, OPTIONS},
};

/// An option as libxtables hands it over: its number, its argument, whether `!` stands in front.
pub(crate) type Word = (usize, String, bool);

/// An argument that its option takes, in any of the ways in which it may be typed.
fn argument(number: usize) -> BoxedStrategy<String> {
    let list = |words: Vec<&'static str>| {
        let len = words.len();
        subsequence(words, 1..=len)
            .prop_shuffle()
            .prop_map(|words| words.join(","))
            .boxed()
    };
    let id = || {
        (vec(any::<u8>(), 1..=32), any::<bool>(), any::<bool>()).prop_map(
            |(octets, colons, upper)| {
                let separator = if colons { ":" } else { "" };
                let pairs: Vec<_> = octets.iter().map(|&octet| hex::print(&[octet])).collect();
                let text = pairs.join(separator);
                if upper {
                    format!("0x{}", text.to_uppercase())
                } else {
                    text
                }
            },
        )
    };
    match OPTIONS[number].name.to_str() {
        Ok("record-type") => list(vec![
            "change_cipher_spec",
            "20",
            "ALERT",
            "22",
            "application-data",
            "appdata",
            "0x17",
            "heartbeat",
            "in-doubt",
            "unknown",
            "none",
        ]),
        Ok("state") => list(vec![
            "new",
            "HELLO",
            "handshake",
            "established",
            "closed",
            "not_tls",
            "lost",
            "tainted",
        ]),
        Ok("pin-mark") => (any::<u32>(), 1..=u32::MAX)
            .prop_map(|(value, mask)| format!("{}/{mask:#x}", value & mask))
            .boxed(),
        Ok("tls-version") => (
            "(ssl3|TLSv1|1\\.[0-3]|tls1_2|0x0304)?",
            "(:(1\\.3|TLS13)?)?",
        )
            .prop_map(|(low, high)| match low.is_empty() && high.len() < 2 {
                true => "1.2".to_owned(),
                false => low + &high,
            })
            .boxed(),
        Ok("sni") => {
            "([a-z0-9_*?][a-z0-9*?_-]{0,20}\\.){0,8}([a-zA-Z0-9*?_-]{0,20}[a-z]|[äßéあ]{1,9})\\.?"
                .prop_filter("begins as a name does", |name| !name.starts_with('-'))
                .boxed()
        }
        Ok("alpn") => vec(any::<u8>(), 1..=255)
            .prop_map(|octets| alpn::print(&octets))
            .boxed(),
        Ok("session-id" | "client-random" | "server-random") => id().boxed(),
        _ => Just(String::new()).boxed(),
    }
}

/// Options that make a rule, in any order.
pub(crate) fn valid() -> impl Strategy<Value = Vec<Word>> {
    let all: Vec<usize> = (0..OPTIONS.len()).collect();
    subsequence(all, 1..=OPTIONS.len())
        .prop_shuffle()
        .prop_map(|mut numbers| {
            let has = |numbers: &[usize], number| numbers.contains(&number);
            for (detail, condition) in [
                (options::O_WIRE, options::O_RECORD_TYPE),
                (options::O_ALL, options::O_RECORD_TYPE),
                (options::O_PIN_MARK, options::O_PINNED),
            ] {
                if has(&numbers, detail) && !has(&numbers, condition) {
                    numbers.push(condition);
                }
            }
            if has(&numbers, options::O_SNI) {
                numbers.retain(|&number| number != options::O_NO_SNI);
            }
            numbers
        })
        .prop_flat_map(|numbers| {
            let word = |number: usize| {
                let detail =
                    [options::O_WIRE, options::O_ALL, options::O_PIN_MARK].contains(&number);
                (
                    Just(number),
                    argument(number),
                    any::<bool>().prop_map(move |invert| invert && !detail),
                )
            };
            numbers.into_iter().map(word).collect::<Vec<_>>()
        })
        .prop_map(|mut words| {
            // What is in doubt has no type of its own on the wire.
            if words.iter().any(|(number, ..)| *number == options::O_WIRE) {
                for (number, argument, _) in &mut words {
                    if *number == options::O_RECORD_TYPE {
                        *argument = argument.replace("in-doubt", "alert");
                    }
                }
            }
            words
        })
}
