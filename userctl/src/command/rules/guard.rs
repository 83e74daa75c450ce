// SPDX-License-Identifier: GPL-2.0-only

//! What stands in for rules that are not loaded yet: a table of nft's that drops all that they are to look at.

use std::fmt::Write;

use super::{nft, run::run, Chain, Held, Rules};
use crate::failure::Failure;

/// Its name: apart from the tables of `rules --format nft`.
const TABLE: &str = "tlsconn-guard";

/// The table, and a chain for each hook.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Guard {
    chains: Vec<(&'static str, Vec<String>)>,
}

impl Guard {
    /// For the rules that are to be loaded; None where there are none.
    pub(crate) fn of<'a>(rules: impl Iterator<Item = &'a Rules>) -> Option<Self> {
        let mut guard = Self::default();
        for rules in rules.filter(|rules| rules.load) {
            let (from, _) = Chain::names(rules.chain.as_ref());
            guard.add(hook(from), &rules.held);
        }
        (!guard.chains.is_empty()).then_some(guard)
    }

    /// For rules that nobody could read: whatever they hold, it is forwarded.
    pub(crate) fn of_all() -> Self {
        let mut guard = Self::default();
        guard.add("forward", &Held::all());
        guard
    }

    fn add(&mut self, hook: &'static str, held: &Held) {
        let rules = nft::rules(held, "drop");
        match self.chains.iter_mut().find(|(found, _)| *found == hook) {
            Some((_, all)) => all.extend(rules),
            None => self.chains.push((hook, rules)),
        }
    }

    /// Loads it, in place of one that is there.
    pub(crate) fn load(&self) -> Result<(), Failure> {
        run(&["nft", "-f", "-"], &self.ruleset()).map(drop)
    }

    /// Takes it away.
    pub(crate) fn remove() -> Result<(), Failure> {
        run(&["nft", "-f", "-"], &removal()).map(drop)
    }

    /// How a person takes it away.
    pub(crate) fn how_to_remove() -> String {
        format!("nft delete table inet {TABLE}")
    }

    fn ruleset(&self) -> String {
        let mut text = removal();
        let _ = writeln!(text, "table inet {TABLE} {{");
        for (hook, rules) in &self.chains {
            let rules = rules.join("\n\t\t");
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "\tchain {hook} {{\n\t\ttype filter hook {hook} priority filter - 5; policy accept;\n\t\t{rules}\n\t}}"
            );
        }
        text + "}\n"
    }
}

/// Made first, as what is not there cannot be taken away.
fn removal() -> String {
    format!("table inet {TABLE}\ndelete table inet {TABLE}\n")
}

/// The hook of a built-in chain.
fn hook(chain: &str) -> &'static str {
    match chain {
        "INPUT" => "input",
        "OUTPUT" => "output",
        _ => "forward",
    }
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

    fn guard(lines: &[&str]) -> Option<String> {
        let rules: Vec<Rules> = lines
            .iter()
            .map(|line| Line::parse_from(format!("rules {line}").split_whitespace()).rules)
            .collect();
        Guard::of(rules.iter()).map(|guard| guard.ruleset())
    }

    #[test]
    fn what_is_loaded_is_dropped_meanwhile() {
        assert_eq!(guard(&[]), None);
        assert_eq!(guard(&["--port 443", "--unload", "--format nft"]), None);
        let text = guard(&[
            "--load --format nft --port 443,8443 --dst 10.2.0.0/16",
            "--load --chain HOLD --port 993 --quic pass",
            "--load --chain INPUT --quic pass",
        ])
        .expect("it loads rules");
        assert_eq!(
            text,
            "\
table inet tlsconn-guard
delete table inet tlsconn-guard
table inet tlsconn-guard {
	chain forward {
		type filter hook forward priority filter - 5; policy accept;
		ip daddr 10.2.0.0/16 tcp dport { 443, 8443 } drop
		ip saddr 10.2.0.0/16 tcp sport { 443, 8443 } drop
		ip daddr 10.2.0.0/16 udp dport { 443, 8443 } reject comment \"tlsconn: QUIC\"
		tcp dport 993 drop
		tcp sport 993 drop
	}
	chain input {
		type filter hook input priority filter - 5; policy accept;
		meta l4proto tcp drop
	}
}
"
        );
    }

    #[test]
    fn what_nobody_could_read_is_dropped_whole() {
        let text = Guard::of_all().ruleset();
        assert!(text.contains("hook forward"), "{text}");
        assert!(text.contains("meta l4proto tcp drop"), "{text}");
        assert!(text.contains("udp dport 443 reject"), "{text}");
    }
}
