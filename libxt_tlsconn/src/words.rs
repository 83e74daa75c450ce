// SPDX-License-Identifier: GPL-2.0-only

//! Comma-separated lists of words, each of which stands for a bit of the ABI.

use tlsconn_uapi as uapi;

/// The words that one option takes.
pub(crate) struct Words {
    /// What a word names, for messages.
    what: &'static str,
    /// The words and their bits, in the order in which they are printed.
    canonical: &'static [(&'static str, u32)],
    /// Other words for the same bits: understood, never printed.
    aliases: &'static [(&'static str, u32)],
    /// Bytes of a record header that stand for bits too, as 23 or 0x17.
    bytes: &'static [(u8, u32)],
    /// How messages speak of these.
    also: &'static str,
}

macro_rules! types {
    ($({ $name:ident $bit:ident $word:literal $means:literal [$($byte:literal)?] [$($alias:literal)*] })+) => {
        /// Types of what a packet carries.
        pub(crate) const TYPES: Words = Words {
            what: "record type",
            canonical: &[$(($word, uapi::$bit),)+],
            aliases: &[$($(($alias, uapi::$bit),)*)+],
            bytes: &[$($(($byte, uapi::$bit),)?)+],
            also: " or 20 to 24",
        };
    };
}

tlsconn_facts::record_types! { types }

macro_rules! states {
    ($({ $name:ident $number:ident $word:literal $means:literal $bit:ident [$($alias:literal)*] })+) => {
        /// States of a connection.
        pub(crate) const STATES: Words = Words {
            what: "state",
            canonical: &[$(($word, uapi::$bit),)+],
            aliases: &[$($(($alias, uapi::$bit),)*)+],
            bytes: &[],
            also: "",
        };
    };
}

tlsconn_facts::states! { states }

impl Words {
    /// The words, as they are printed.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        self.canonical.iter().map(|&(word, _)| word).collect()
    }

    /// The bits that a list asks for. A word may stand there twice.
    pub(crate) fn parse(&self, list: &str) -> Result<u16, String> {
        list.split(',')
            .try_fold(0, |bits, word| Ok(bits | self.bit(word, list)?))
    }

    /// The list that asks for `bits`, in canonical form.
    pub(crate) fn print(&self, bits: u16) -> String {
        let given =
            |&(word, bit): &(&'static str, u32)| (u32::from(bits) & bit != 0).then_some(word);
        let words: Vec<_> = self.canonical.iter().filter_map(given).collect();
        words.join(",")
    }

    /// Case makes no difference, nor does _ in place of -, as the RFCs write the types.
    fn bit(&self, word: &str, list: &str) -> Result<u16, String> {
        let usual = word.to_ascii_lowercase().replace('_', "-");
        let mut words = self.canonical.iter().chain(self.aliases);
        let named = words.find(|(known, _)| *known == usual);
        let is_byte = |byte: u8| usual == byte.to_string() || usual == format!("{byte:#04x}");
        let numbered = self.bytes.iter().find(|(byte, _)| is_byte(*byte));
        named
            .map(|&(_, bit)| bit)
            .or(numbered.map(|&(_, bit)| bit))
            .and_then(|bit| u16::try_from(bit).ok())
            .ok_or_else(|| self.refusal(word, list))
    }

    fn refusal(&self, word: &str, list: &str) -> String {
        let what = self.what;
        let problem = match word {
            "" => format!("a {what} is missing in \"{list}\""),
            _ => format!("unknown {what} \"{word}\""),
        };
        format!(
            "{problem}; known are {}{}",
            self.words().join(", "),
            self.also
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_for_one_bit_of_its_own() {
        for (words, all) in [
            (TYPES, uapi::XT_TLSCONN_TYPES_ALL),
            (STATES, uapi::XT_TLSCONN_STATES_ALL),
        ] {
            let mut seen = 0;
            for &(word, bit) in words.canonical {
                assert_eq!(bit.count_ones(), 1, "{word}");
                assert_eq!(seen & bit, 0, "{word}");
                seen |= bit;
                let parsed = words.parse(word).expect(word);
                assert_eq!(u32::from(parsed), bit);
                assert_eq!(words.print(parsed), word);
            }
            assert_eq!(seen, all);
        }
    }

    #[test]
    fn shells_propose_the_canonical_words() {
        let fish = include_str!("../tlsconn.fish");
        for words in [TYPES, STATES] {
            assert!(fish.contains(&format!("'{}'", words.words().join(" "))));
        }
    }

    #[test]
    fn numbers_are_the_bytes_of_a_record_header() {
        for (shift, number) in (20..=24).enumerate() {
            assert_eq!(TYPES.parse(&number.to_string()), Ok(1 << shift));
        }
        assert_eq!(
            TYPES
                .parse("24,20")
                .map(|bits| TYPES.print(bits))
                .as_deref(),
            Ok("change-cipher-spec,heartbeat")
        );
    }

    #[test]
    fn aliases_are_understood() {
        for (alias, word) in [
            ("application_data", "application-data"),
            ("Application-Data", "application-data"),
            ("appdata", "application-data"),
            ("app_data", "application-data"),
            ("applicationData", "application-data"),
            ("0x17", "application-data"),
            ("0X16", "handshake"),
            ("CCS", "change-cipher-spec"),
            ("ChangeCipherSpec", "change-cipher-spec"),
            ("change_cipher_spec", "change-cipher-spec"),
            ("NONE", "none"),
        ] {
            assert_eq!(TYPES.parse(alias), TYPES.parse(word), "{alias}");
        }
        for (alias, word) in [
            ("NEW", "new"),
            ("not_tls", "not-tls"),
            ("NotTLS", "not-tls"),
            ("non-TLS", "not-tls"),
        ] {
            assert_eq!(STATES.parse(alias), STATES.parse(word), "{alias}");
        }
        for words in [TYPES, STATES] {
            for &(alias, bit) in words.aliases {
                assert!(words.canonical.iter().all(|&(word, _)| word != alias));
                assert_eq!(words.parse(alias).map(u32::from), Ok(bit), "{alias}");
            }
        }
    }

    #[test]
    fn lists_are_merged_and_printed_in_order() {
        let print = |list| TYPES.parse(list).map(|bits| TYPES.print(bits));
        assert_eq!(
            print("none,unknown,23,alert").as_deref(),
            Ok("alert,application-data,unknown,none")
        );
        assert_eq!(print("alert,21,alert").as_deref(), Ok("alert"));
        assert_eq!(
            STATES
                .parse("tainted,new,tainted")
                .map(|bits| STATES.print(bits))
                .as_deref(),
            Ok("new,tainted")
        );
    }

    #[test]
    fn a_bad_word_is_named_with_what_would_be_right() {
        for word in [
            "19", "25", "023", "0x13", "0x19", "0x017", "alert ", "handshak", "data", "\u{fffd}",
        ] {
            let message = TYPES.parse(&format!("alert,{word}")).expect_err(word);
            assert!(
                message.starts_with(&format!("unknown record type \"{word}\"; ")),
                "{message}"
            );
            assert!(
                message.ends_with("unknown, in-doubt, none or 20 to 24"),
                "{message}"
            );
        }
        let message = STATES.parse("new,20").expect_err("states have no numbers");
        assert!(
            message.starts_with("unknown state \"20\"; known are new, hello, "),
            "{message}"
        );
        assert!(message.ends_with("lost, tainted"), "{message}");
    }

    #[test]
    fn an_empty_list_or_member_is_refused() {
        for list in ["", ",", "alert,", ",alert", "alert,,none"] {
            let message = TYPES.parse(list).expect_err(list);
            assert!(
                message.starts_with(&format!(
                    "a record type is missing in \"{list}\"; known are "
                )),
                "{message}"
            );
        }
    }
}
