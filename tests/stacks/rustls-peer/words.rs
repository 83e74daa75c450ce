// SPDX-License-Identifier: GPL-2.0-only
//! What the peer is told.

use std::collections::HashMap;

/// Words of the form name=value.
pub(crate) struct Words(HashMap<String, String>);

impl Words {
    pub(crate) fn of(words: impl Iterator<Item = String>) -> Self {
        let pair = |word: String| {
            let (name, value) = word.split_once('=').expect("name=value");
            (name.to_owned(), value.to_owned())
        };
        Words(words.map(pair).collect())
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
