// SPDX-License-Identifier: GPL-2.0-only

//! Random specifications of rules for tests, in any of the ways in which they may be typed.

use proptest::{collection::vec, prelude::*, sample::subsequence};
use tlsconn_values::hex;

use crate::{
    alpn,
    options::{Name, Opt, OPTIONS},
};

/// An option as libxtables hands it over: its number, its argument, whether `!` comes before it.
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
            |(bytes, colons, upper)| {
                let separator = if colons { ":" } else { "" };
                let pairs: Vec<_> = bytes.iter().map(|&byte| hex::print(&[byte])).collect();
                let text = pairs.join(separator);
                if upper {
                    format!("0x{}", text.to_uppercase())
                } else {
                    text
                }
            },
        )
    };
    match OPTIONS[number].value {
        "TYPE[,TYPE...]" => list(vec![
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
        "STATE[,STATE...]" => list(vec![
            "new",
            "HELLO",
            "handshake",
            "established",
            "closed",
            "not_tls",
            "lost",
            "tainted",
        ]),
        "VALUE[/MASK]" => (any::<u32>(), 1..=u32::MAX)
            .prop_map(|(value, mask)| format!("{}/{mask:#x}", value & mask))
            .boxed(),
        "VER[:VER]" => (
            "(ssl3|TLSv1|1\\.[0-3]|tls1_2|0x0304)?",
            "(:(1\\.3|TLS13)?)?",
        )
            .prop_map(|(low, high)| match low.is_empty() && high.len() < 2 {
                true => "1.2".to_owned(),
                false => low + &high,
            })
            .boxed(),
        "PATTERN" if OPTIONS[number].name() == "ja4" => "[a-zA-Z0-9_*?]{1,36}".boxed(),
        "PATTERN" => {
            "([a-z0-9_*?][a-z0-9*?_-]{0,20}\\.){0,8}([a-zA-Z0-9*?_-]{0,20}[a-z]|[äßéあ]{1,9})\\.?"
                .prop_filter("begins as a name does", |name| !name.starts_with('-'))
                .boxed()
        }
        "PROTOCOL" => vec(any::<u8>(), 1..=255)
            .prop_map(|bytes| alpn::print(&bytes))
            .boxed(),
        "HEX" => id().boxed(),
        "NAME" => "[a-zA-Z0-9._][a-zA-Z0-9._-]{0,30}".boxed(),
        "" => Just(String::new()).boxed(),
        other => panic!("no value is known of {other}"),
    }
}

/// Options that make a rule, in any order.
pub(crate) fn valid() -> impl Strategy<Value = Vec<Word>> {
    let all: Vec<usize> = (0..OPTIONS.len()).collect();
    subsequence(all, 1..=OPTIONS.len())
        .prop_shuffle()
        .prop_map(|mut numbers| {
            // What a detail is one of.
            let details = numbers
                .clone()
                .into_iter()
                .filter(|&number| OPTIONS[number].is_detail);
            for detail in details {
                let is_its = |option: &Opt| {
                    !option.is_detail && option.condition == OPTIONS[detail].condition
                };
                let condition = OPTIONS.iter().position(is_its).expect("it is there");
                if !numbers.contains(&condition) {
                    numbers.push(condition);
                }
            }
            if numbers.contains(&(Name::Sni as usize)) {
                numbers.retain(|&number| number != Name::NoSni as usize);
            }
            numbers
        })
        .prop_flat_map(|numbers| {
            let word = |number: usize| {
                let detail = OPTIONS[number].is_detail;
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
            if words
                .iter()
                .any(|(number, ..)| *number == Name::Wire as usize)
            {
                for (number, argument, _) in &mut words {
                    if *number == Name::RecordType as usize {
                        *argument = argument.replace("in-doubt", "alert");
                    }
                }
            }
            words
        })
}
