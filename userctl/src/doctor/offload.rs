// SPDX-License-Identifier: GPL-2.0-only

//! Flow offload.

use super::{
    finding::{or_good, Finding},
    host::Host,
};

/// No packets go past the hooks.
pub(super) fn none(host: &Host) -> Vec<Finding> {
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
    use crate::doctor::nft::NftRule;

    const LISTED: &str = "\
table inet filter { # handle 3
	chain forward { # handle 1
		ct state established flow add @f # handle 5
		tcp dport { 80, 443 } comment \"web\" accept # handle 6
	}
}
";

    #[test]
    fn what_offloads_is_found() {
        let host = Host {
            nft: NftRule::parse(LISTED),
            offloaded: 2,
            ..Host::default()
        };
        let fixes: Vec<Option<String>> = none(&host).into_iter().map(|f| f.fix).collect();
        assert_eq!(
            fixes,
            [
                Some("nft delete rule inet filter forward handle 5".into()),
                Some("conntrack -D -u OFFLOAD".into()),
            ]
        );
        assert!(none(&Host::default())[0].ok);
    }
}
