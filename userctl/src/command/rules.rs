// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl rules`: a ruleset that holds what is not pinned.

use std::{fmt::Write, str::FromStr};

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::{endpoint::Endpoint, failure::Failure, output::Output};

/// The chain that is made where no name is given.
const OWN_CHAIN: &str = "TLSCONN";
/// The filter table's own chains: one of them jumps to ours.
const BUILT_IN: [&str; 3] = ["FORWARD", "INPUT", "OUTPUT"];
/// Names that iptables takes for a verdict.
const VERDICTS: [&str; 4] = ["ACCEPT", "DROP", "RETURN", "QUEUE"];
/// Bytes of a chain's name (XT_EXTENSION_MAXNAMELEN without the NUL).
const CHAIN_MAX: usize = 28;

/// Print a ruleset that holds the data of every connection that is not pinned
///
/// It makes a chain of its own and a jump to it before the other rules, and changes nothing else. It holds application
/// data, heartbeats and bytes of unknown type. Handshakes go on to the other rules, as does everything of a pinned
/// connection. Records that may be handshake or data pass too, within bounds, so that every handshake completes. With
/// --strict they are held, so that no data passes, and handshakes with client certificates wait for their pin. Load it with
/// `tlsconnctl rules | iptables-restore --noflush`, and the same for ip6tables-restore.
#[derive(Args, Debug)]
pub(crate) struct Rules {
    /// Name of the chain to make, which is emptied if it exists already; or FORWARD, INPUT or OUTPUT: the chain that
    /// jumps to it [default: TLSCONN, from FORWARD]
    #[arg(long, value_name = "CHAIN")]
    chain: Option<Chain>,
    /// What happens to held packets: they are dropped, and come with a retransmission once the connection is pinned; or they
    /// are answered with a reset, which ends the sender's side of the connection
    #[arg(long, value_enum, default_value_t = OnData::Drop, value_name = "VERDICT")]
    on_data: OnData,
    /// Hold what is in doubt too: records of TLS 1.3 that may be handshake or data
    #[arg(long)]
    strict: bool,
    /// Only connections to this server port
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Only connections from this client or network
    #[arg(long, value_name = "ADDR[/LEN]", value_parser = network)]
    src: Option<Endpoint>,
    /// Only connections to this server or network
    #[arg(long, value_name = "ADDR[/LEN]", value_parser = network)]
    dst: Option<Endpoint>,
}

/// What becomes of held packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum OnData {
    Drop,
    Reset,
}

/// A chain's name.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Chain(String);

impl FromStr for Chain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
        if text.is_empty() || text.starts_with('-') || !text.bytes().all(fits) {
            return Err("a chain's name is made of letters, digits, '.', '_' and '-'".into());
        }
        if text.len() > CHAIN_MAX {
            return Err(format!("a chain's name has at most {CHAIN_MAX} characters"));
        }
        if VERDICTS.contains(&text) {
            return Err("that is a verdict, and no name for a chain".into());
        }
        Ok(Self(text.into()))
    }
}

/// An address or network without a port.
fn network(text: &str) -> Result<Endpoint, String> {
    let endpoint: Endpoint = text.parse()?;
    match endpoint.port() {
        None => Ok(endpoint),
        Some(_) => Err("the server's port is given with --port".into()),
    }
}

/// What `rules` prints as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    /// The command that loads it.
    load: &'a str,
    ruleset: &'a str,
}

impl Rules {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let is_ipv6 = self.is_ipv6()?;
        let ruleset = self.ruleset(is_ipv6);
        if output.json {
            return output.object(&Answer {
                load: command(is_ipv6),
                ruleset: &ruleset,
            });
        }
        output.text(&ruleset)
    }

    /// Whether the addresses are IPv6; None without any.
    fn is_ipv6(&self) -> Result<Option<bool>, Failure> {
        match (&self.src, &self.dst) {
            (Some(src), Some(dst)) if src.is_ipv6() != dst.is_ipv6() => Err(Failure::usage(
                "--src and --dst are of different versions of IP; print a ruleset for each",
            )),
            (src, dst) => Ok(src.as_ref().or(dst.as_ref()).map(Endpoint::is_ipv6)),
        }
    }

    /// The chain that jumps, and the one that is made.
    fn chains(&self) -> (&str, String) {
        match self.chain.as_ref().map(|chain| chain.0.as_str()) {
            None | Some("FORWARD") => ("FORWARD", OWN_CHAIN.into()),
            Some(from) if BUILT_IN.contains(&from) => (from, format!("{OWN_CHAIN}-{from}")),
            Some(own) => ("FORWARD", own.into()),
        }
    }

    fn ruleset(&self, is_ipv6: Option<bool>) -> String {
        let (from, own) = self.chains();
        let (verb, target) = match self.on_data {
            OnData::Drop => ("dropped", "DROP"),
            OnData::Reset => ("reset", "REJECT --reject-with tcp-reset"),
        };
        let load = command(is_ipv6);
        let both = if is_ipv6.is_none() {
            ", or ip6tables-restore --noflush"
        } else {
            ""
        };
        let mut text = format!(
            "\
# Load with: {load}{both}
# TLS data of connections that are not pinned (tlsconnctl pin) is {verb}; handshakes and pinned connections go on to
# the other rules. Printed by tlsconnctl {version}.
*filter
# A chain of its own: made, or emptied where it is there already.
:{own} - [0:0]
# Before all other rules of {from}, so that none of them accepts a packet before this chain has seen it.
",
            version = env!("CARGO_PKG_VERSION"),
        );
        // Inserted at the head one after the other, in the order in which they are to stand.
        for (place, (which, comment)) in self.jumps().iter().enumerate() {
            text += &rule(
                &format!("-I {from} {} -p tcp{which}", place + 1),
                comment,
                &own,
            );
        }
        text += "# What reaches it.\n";
        text += &rule(
            &format!("-A {own} -p tcp -m tlsconn --pinned"),
            "pinned: let the other rules decide",
            "RETURN",
        );
        text += &rule(
            &format!("-A {own} -p tcp -m tlsconn --record-type {}", self.held()),
            &format!("data of what is not pinned: {verb}"),
            target,
        );
        text + "COMMIT\n"
    }

    /// Types that are held.
    fn held(&self) -> &'static str {
        match self.strict {
            true => "application-data,heartbeat,unknown,in-doubt",
            false => "application-data,heartbeat,unknown",
        }
    }

    /// Which packets are looked at, both ways, with a comment. By addresses and ports and not by conntrack's entry, so
    /// that packets that have none are held too.
    fn jumps(&self) -> Vec<(String, &'static str)> {
        if self.port.is_none() && self.src.is_none() && self.dst.is_none() {
            return vec![(String::new(), "hold TLS data of what is not pinned")];
        }
        let mut there = String::new();
        let mut back = String::new();
        if let Some(src) = &self.src {
            there += &format!(" -s {}", src.network());
            back += &format!(" -d {}", src.network());
        }
        if let Some(dst) = &self.dst {
            there += &format!(" -d {}", dst.network());
            back += &format!(" -s {}", dst.network());
        }
        if let Some(port) = self.port {
            there += &format!(" -m tcp --dport {port}");
            back += &format!(" -m tcp --sport {port}");
        }
        vec![
            (there, "to the server: hold what is not pinned"),
            (back, "to the client: hold what is not pinned"),
        ]
    }
}

/// What loads the ruleset.
fn command(is_ipv6: Option<bool>) -> &'static str {
    match is_ipv6 {
        Some(true) => "ip6tables-restore --noflush",
        _ => "iptables-restore --noflush",
    }
}

/// A line of the ruleset. The comment stays with the rule in the kernel, for `iptables -S`.
fn rule(matches: &str, comment: &str, target: &str) -> String {
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        line,
        "{matches} -m comment --comment \"tlsconn: {comment}\" -j {target}"
    );
    line
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        rules: Rules,
    }

    fn parse(args: &[&str]) -> Result<Rules, clap::Error> {
        Line::try_parse_from([&["rules"], args].concat()).map(|line| line.rules)
    }

    fn lines(args: &[&str]) -> Vec<String> {
        let rules = parse(args).expect("the arguments parse");
        let is_ipv6 = rules.is_ipv6().expect("the addresses agree");
        let text = rules.ruleset(is_ipv6);
        assert!(text.starts_with("# Load with: ip"), "{text}");
        assert!(text.ends_with("\nCOMMIT\n"), "{text}");
        let is_rule = |line: &&str| line.starts_with('-') || line.starts_with(':');
        text.lines().filter(is_rule).map(str::to_string).collect()
    }

    #[test]
    fn without_options() {
        assert_eq!(
            lines(&[]),
            [
                ":TLSCONN - [0:0]",
                "-I FORWARD 1 -p tcp -m comment --comment \"tlsconn: hold TLS data of what is not pinned\" -j TLSCONN",
                "-A TLSCONN -p tcp -m tlsconn --pinned -m comment --comment \"tlsconn: pinned: let the other rules \
                 decide\" -j RETURN",
                "-A TLSCONN -p tcp -m tlsconn --record-type application-data,heartbeat,unknown -m comment --comment \
                 \"tlsconn: data of what is not pinned: dropped\" -j DROP",
            ]
        );
    }

    #[test]
    fn strict() {
        let all = lines(&["--strict"]);
        assert!(
            all[3]
                .contains(" --record-type application-data,heartbeat,unknown,in-doubt -m comment "),
            "{}",
            all[3]
        );
    }

    #[test]
    fn both_ways_of_the_connections_that_are_meant() {
        let all = lines(&[
            "--src",
            "10.0.1.0/24",
            "--dst",
            "10.0.2.2",
            "--port",
            "443",
            "--on-data",
            "reset",
            "--chain",
            "hold",
        ]);
        assert_eq!(all[0], ":hold - [0:0]");
        assert!(
            all[1]
                .starts_with("-I FORWARD 1 -p tcp -s 10.0.1.0/24 -d 10.0.2.2 -m tcp --dport 443 "),
            "{}",
            all[1]
        );
        assert!(
            all[2]
                .starts_with("-I FORWARD 2 -p tcp -d 10.0.1.0/24 -s 10.0.2.2 -m tcp --sport 443 "),
            "{}",
            all[2]
        );
        assert!(
            all[4].ends_with(" -j REJECT --reject-with tcp-reset"),
            "{}",
            all[4]
        );
        let all = lines(&["--src", "2001:db8::/32"]);
        assert!(all[1].contains(" -s 2001:db8::/32 "), "{}", all[1]);
    }

    #[test]
    fn the_first_line_names_the_command() {
        let first = |args: &[&str]| {
            let rules = parse(args).expect("the arguments parse");
            let text = rules.ruleset(rules.is_ipv6().expect("the addresses agree"));
            text.lines().next().map(str::to_string)
        };
        assert_eq!(
            first(&["--dst", "10.0.2.2"]).as_deref(),
            Some("# Load with: iptables-restore --noflush")
        );
        assert_eq!(
            first(&["--dst", "2001:db8::2"]).as_deref(),
            Some("# Load with: ip6tables-restore --noflush")
        );
        assert!(first(&[]).is_some_and(|line| line.ends_with(", or ip6tables-restore --noflush")));
    }

    #[test]
    fn a_chain_of_the_kernel_s_own_jumps() {
        let all = lines(&["--chain", "INPUT"]);
        assert_eq!(all[0], ":TLSCONN-INPUT - [0:0]");
        assert!(all[1].starts_with("-I INPUT 1 -p tcp ") && all[1].ends_with(" -j TLSCONN-INPUT"));
        assert!(lines(&["--chain", "FORWARD"]) == lines(&[]));
    }

    #[test]
    fn what_makes_no_ruleset_is_refused() {
        let long = "x".repeat(29);
        for wrong in [
            &["--chain", ""] as &[&str],
            &["--chain", "two words"],
            &["--chain", "-A"],
            &["--chain", "a\nCOMMIT"],
            &["--chain", "DROP"],
            &["--chain", &long],
            &["--port", "0"],
            &["--port", "65536"],
            &["--src", "10.0.0.1:443"],
            &["--src", "host"],
            &["--on-data", "accept"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        let mixed = parse(&["--src", "10.0.0.1", "--dst", "::1"]).expect("each parses");
        assert!(mixed.is_ipv6().is_err());
    }
}
