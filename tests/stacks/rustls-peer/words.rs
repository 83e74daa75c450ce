// SPDX-License-Identifier: GPL-2.0-only
//! What the peer is told.

use std::collections::HashMap;

/// Words of the form name=value.
pub(crate) struct Words(HashMap<String, String>);

impl Words {
    /// Words of the form name=value; the certificate is in the folder above.
    pub(crate) fn of(words: impl Iterator<Item = String>) -> Self {
        let pair = |word: String| {
            let (name, value) = word.split_once('=').expect("name=value");
            (name.to_owned(), value.to_owned())
        };
        let files = ["cert=../cert.pem", "key=../key.pem"].map(String::from);
        Words(files.into_iter().chain(words).map(pair).collect())
    }

    /// A role and options, as tests/guest/stacks/peer.py has them.
    pub(crate) fn of_options(mut options: impl Iterator<Item = String>) -> Self {
        let role = options.next().unwrap_or_default();
        let mut words: HashMap<String, String> = [("tickets", "true"), ("suite", "")]
            .map(|(name, value)| (name.into(), value.into()))
            .into();
        words.insert("role".into(), role);
        while let Some(option) = options.next() {
            let name = option.trim_start_matches("--").to_owned();
            let value = match name.as_str() {
                "retry" | "ask" | "early" | "padding" => "true".into(),
                _ => options.next().unwrap_or_default(),
            };
            words.insert(name, value);
        }
        let certificate = words.contains_key("cert").to_string();
        words.insert("certificate".into(), certificate);
        words.entry("limit".into()).or_default();
        words.entry("ask".into()).or_insert("false".into());
        words.entry("early".into()).or_default();
        let groups = words.contains_key("retry").then_some("SECP384R1");
        words.insert("groups".into(), groups.unwrap_or_default().into());
        Words(words)
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        let value = self.0.get(name);
        value.unwrap_or_else(|| panic!("{name} is not told"))
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.get(name) == "true"
    }

    pub(crate) fn number(&self, name: &str) -> u16 {
        self.get(name).parse().expect("a number")
    }
}
