// SPDX-License-Identifier: GPL-2.0-only

//! SELECTORs: which connections a command means.

use std::str::FromStr;

use clap::Args;
use tlsconn_values::{hex, ja4, name, set};

use crate::endpoint::Endpoint;

/// All that were given have to fit. What is not known of a connection fits none.
#[derive(Args, Clone, Debug, Default, Eq, PartialEq)]
#[command(next_help_heading = "Selectors")]
pub(crate) struct Selector {
    /// The client random begins with these bytes, written as -m tlsconn takes them
    #[arg(long, value_name = "HEX")]
    pub(crate) client_random: Option<Prefix>,
    /// The server random begins with these bytes
    #[arg(long, value_name = "HEX")]
    pub(crate) server_random: Option<Prefix>,
    /// The client's or the server's session id begins with these bytes
    #[arg(long, value_name = "HEX")]
    pub(crate) session_id: Option<Prefix>,
    /// The server name fits this pattern: * and ? are wildcards, case makes no difference, IDNs in Unicode or as xn--
    #[arg(long, value_name = "PATTERN")]
    pub(crate) sni: Option<Pattern>,
    /// JA4 of the ClientHello fits this pattern: * and ? are wildcards. The module computes JA4 only while something asks for it:
    /// a rule, an armed pin, `track on --ja4`
    #[arg(long, value_name = "PATTERN")]
    pub(crate) ja4: Option<Ja4Pattern>,
    /// It was opened from here; IPv6 with a port as [ADDR]:PORT
    #[arg(long, value_name = "ADDR[/LEN][:PORT]")]
    pub(crate) src: Option<Endpoint>,
    /// It was opened to here, as the client saw it
    #[arg(long, value_name = "ADDR[/LEN][:PORT]")]
    pub(crate) dst: Option<Endpoint>,
    /// Conntrack's zone, which only `pin` takes.
    #[arg(skip)]
    pub(crate) zone: Option<u16>,
    /// The server name is in this set, which only the module can say.
    #[arg(skip)]
    pub(crate) sni_set: Option<SetName>,
}

impl Selector {
    /// Whether none was given, so that every connection fits.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The first bytes of a random or a session id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Prefix(pub(crate) Vec<u8>);

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (octets, len) = hex::parse(text)?;
        Ok(Self(octets[..usize::from(len)].into()))
    }
}

/// A pattern over JA4s.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ja4Pattern(pub(crate) String);

impl FromStr for Ja4Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ja4::parse(text).map(Self)
    }
}

/// The name of a set of server names.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct SetName(pub(crate) String);

impl FromStr for SetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        set::parse(text).map(|name| Self(name.into()))
    }
}

/// A pattern over server names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pattern(pub(crate) String);

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        name::parse(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        selector: Selector,
    }

    fn selector(args: &[&str]) -> Result<Selector, clap::Error> {
        Line::try_parse_from([&["test"], args].concat()).map(|line| line.selector)
    }

    #[test]
    fn whether_one_was_given() {
        assert!(selector(&[]).expect("none is fine").is_empty());
        assert!(!selector(&["--sni", "*"]).expect("one is fine").is_empty());
    }

    #[test]
    fn prefixes() {
        let parsed = selector(&["--client-random", "C1ff"]).expect("hex digits");
        assert_eq!(parsed.client_random, Some(Prefix(vec![0xc1, 0xff])));
        for alike in ["0xc1FF", "c1:ff"] {
            let parsed = selector(&["--client-random", alike]).expect("as the match reads them");
            assert_eq!(parsed.client_random, Some(Prefix(vec![0xc1, 0xff])));
        }
        assert!(selector(&["--server-random", &"c1".repeat(32)]).is_ok());
        for wrong in [
            "",
            "c",
            "c1c",
            "0x",
            "c1:",
            "+1",
            "g1",
            "c1 ",
            &"c1".repeat(33),
        ] {
            assert!(selector(&["--client-random", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns() {
        let parsed = selector(&["--sni", "*.Bücher.example."]).expect("as the match reads it");
        let pattern = Pattern("*.xn--bcher-kva.example".into());
        assert_eq!(parsed.sni, Some(pattern));
        for wrong in ["", ".example.org", "a b", &"x".repeat(256)] {
            assert!(selector(&["--sni", wrong]).is_err(), "{wrong}");
        }
    }
}
