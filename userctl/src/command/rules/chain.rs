// SPDX-License-Identifier: GPL-2.0-only

//! Which chain jumps, and the name of the one that is made.

use std::str::FromStr;

/// The chain that is made where no name is given.
const OWN: &str = "TLSCONN";
/// The filter table's own chains: one of them jumps to ours.
const BUILT_IN: [&str; 3] = ["FORWARD", "INPUT", "OUTPUT"];
/// Names that iptables takes for a verdict.
const VERDICTS: [&str; 4] = ["ACCEPT", "DROP", "RETURN", "QUEUE"];
/// Bytes of a chain's name (XT_EXTENSION_MAXNAMELEN without the NUL).
const NAME_MAX: usize = 28;

/// A chain's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Chain(String);

impl FromStr for Chain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
        if text.is_empty() || text.starts_with('-') || !text.bytes().all(fits) {
            return Err("a chain's name is made of letters, digits, '.', '_' and '-'".into());
        }
        if text.len() > NAME_MAX {
            return Err(format!("a chain's name has at most {NAME_MAX} characters"));
        }
        if VERDICTS.contains(&text) {
            return Err("that is a verdict, and no name for a chain".into());
        }
        Ok(Self(text.into()))
    }
}

impl Chain {
    /// The chain that jumps, and the one that is made.
    pub(super) fn names(chain: Option<&Self>) -> (&str, String) {
        match chain.map(|chain| chain.0.as_str()) {
            None | Some("FORWARD") => ("FORWARD", OWN.into()),
            Some(from) if BUILT_IN.contains(&from) => (from, format!("{OWN}-{from}")),
            Some(own) => ("FORWARD", own.into()),
        }
    }

    /// The hook of nft's that it stands for; None for a name of somebody's own.
    pub(super) fn hook(chain: Option<&Self>) -> Option<&'static str> {
        match chain.map(|chain| chain.0.as_str()) {
            None | Some("FORWARD") => Some("forward"),
            Some("INPUT") => Some("input"),
            Some("OUTPUT") => Some("output"),
            Some(_) => None,
        }
    }
}
