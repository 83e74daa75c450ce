// SPDX-License-Identifier: GPL-2.0-only

//! Rules of nft's own, and flow offload.

use super::{host::Host, or_good, Finding};

/// A rule that `nft -a list ruleset` shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct NftRule {
    /// Its chain as nft wants it named: family, table, chain.
    pub(super) chain: String,
    pub(super) handle: String,
    pub(super) text: String,
}

impl NftRule {
    /// Finds the rules; what is none is passed over.
    pub(super) fn parse(listed: &str) -> Vec<Self> {
        let mut table = "";
        let mut chain = None;
        let mut rules = Vec::new();
        for line in listed.lines().map(str::trim) {
            if let Some(name) = opens(line, "table ") {
                table = name;
            } else if let Some(name) = opens(line, "chain ") {
                chain = Some(format!("{table} {name}"));
            } else if line == "}" {
                chain = None;
            } else if let (Some(chain), Some((text, handle))) =
                (&chain, line.rsplit_once(" # handle "))
            {
                rules.push(Self {
                    chain: chain.clone(),
                    handle: handle.into(),
                    text: text.into(),
                });
            }
        }
        rules
    }

    /// The command that takes it out.
    pub(super) fn deletion(&self) -> String {
        format!("nft delete rule {} handle {}", self.chain, self.handle)
    }
}

/// The name in a line that opens a block.
fn opens<'a>(line: &'a str, what: &str) -> Option<&'a str> {
    let (name, _) = line.strip_prefix(what)?.split_once(" {")?;
    Some(name)
}

/// No packets go past the hooks.
pub(super) fn offload(host: &Host) -> Vec<Finding> {
    let check = "flow-offload";
    let mut bad = Vec::new();
    for rule in &host.nft {
        if rule.text.contains("flow add @") || rule.text.contains("flow offload @") {
            let detail = format!(
                "a rule of nft's chain {} offloads connections: their packets pass no rule any more",
                rule.chain
            );
            bad.push(Finding::bad(check, detail, rule.deletion()));
        }
    }
    for ruleset in &host.rulesets {
        for (chain, rule) in ruleset.rules() {
            if rule.target() == Some("FLOWOFFLOAD") {
                let (command, table) = (ruleset.command, chain.table_option());
                let (name, place) = (&chain.name, rule.place);
                bad.push(Finding::bad(
                    check,
                    format!("{command}: rule {place} of {name} offloads connections: their packets pass no rule any more"),
                    format!("{command}{table} -D {name} {place}"),
                ));
            }
        }
    }
    if host.offloaded != 0 {
        bad.push(Finding::bad(
            check,
            format!(
                "{} connections are offloaded: their packets pass no rule",
                host.offloaded
            ),
            "conntrack -D -u OFFLOAD",
        ));
    }
    or_good(bad, check, "no connection is offloaded")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "\
table inet filter { # handle 3
	flowtable f {
		hook ingress priority filter
		devices = { eth0 }
	}

	chain forward { # handle 1
		type filter hook forward priority filter; policy accept;
		ct state established flow add @f # handle 5
		tcp dport { 80, 443 } comment \"web\" accept # handle 6
	}
}
table ip mangle { # handle 4
	chain prerouting {
		ct mark set 0x00000001 # handle 7
	}
}
";

    #[test]
    fn rules_with_their_handles() {
        let rules = NftRule::parse(LISTED);
        let seen: Vec<(&str, &str)> = rules
            .iter()
            .map(|rule| (rule.chain.as_str(), rule.handle.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("inet filter forward", "5"),
                ("inet filter forward", "6"),
                ("ip mangle prerouting", "7"),
            ]
        );
        assert_eq!(
            rules[1].text,
            "tcp dport { 80, 443 } comment \"web\" accept"
        );
    }

    #[test]
    fn what_offloads_is_found() {
        let host = Host {
            nft: NftRule::parse(LISTED),
            offloaded: 2,
            ..Host::default()
        };
        let fixes: Vec<Option<String>> = offload(&host).into_iter().map(|f| f.fix).collect();
        assert_eq!(
            fixes,
            [
                Some("nft delete rule inet filter forward handle 5".into()),
                Some("conntrack -D -u OFFLOAD".into()),
            ]
        );
        assert!(offload(&Host::default())[0].ok);
    }
}
