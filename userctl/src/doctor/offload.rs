// SPDX-License-Identifier: GPL-2.0-only

//! Flow offload.

use super::{
    finding::{or_good, Finding},
    follow::Reading,
    held,
    host::Host,
    packet::Carries,
    traffic,
};

/// No packets go past the hooks.
pub(super) fn none(host: &Host) -> Vec<Finding> {
    let check = "flow-offload";
    let mut bad = Vec::new();
    let ok = match offloads(host) {
        true => Some(false),
        false => None,
    };
    for rule in &host.nft {
        if rule.text.contains("flow add @") || rule.text.contains("flow offload @") {
            let detail = format!(
                "a rule of nft's chain {} offloads connections: their packets pass no rule any more ({})",
                rule.chain, rule.text
            );
            // Without a verdict of its own, the rule lets nothing through when it is gone.
            let is_alone = rule
                .text
                .split_once("flow ")
                .is_some_and(|(_, after)| after.split(' ').count() == 2);
            bad.push(Finding {
                check,
                ok,
                detail,
                fix: (ok.is_some() && is_alone).then(|| rule.deletion()),
            });
        }
    }
    for ruleset in &host.rulesets {
        for (chain, rule) in ruleset.rules() {
            if rule.target() == Some("FLOWOFFLOAD") {
                bad.push(Finding::unknown(
                    check,
                    format!("{}: rule {} of {} offloads connections: their packets pass no rule any more", ruleset.command,
                        rule.place, chain.name),
                ));
            }
        }
    }
    if host.offloaded != 0 {
        bad.push(Finding::unknown(
            check,
            format!(
                "{} connections are offloaded: their packets pass no rule; whether they are pinned cannot be told (`conntrack -L -u \
                 OFFLOAD` lists them, `conntrack -D -u OFFLOAD` takes them out, and ends their pins)",
                host.offloaded
            ),
        ));
    }
    or_good(bad, check, "no connection is offloaded")
}

/// Whether connections that are to be held do come to a flowtable, by their handshakes, for sure.
fn offloads(host: &Host) -> bool {
    [false, true]
        .into_iter()
        .filter(|is_ipv6| held::holds_any(host, *is_ipv6))
        .any(|is_ipv6| {
            let ways = traffic::ways(host, is_ipv6)
                .0
                .into_iter()
                .filter(|way| way.is_sure);
            let mut packets = ways.flat_map(|way| traffic::plain(way, is_ipv6, Carries::Handshake));
            packets.any(|packet| {
                let fate = host.firewall.follow(&packet, Reading::Plain);
                let devices =
                    |devices: &Vec<String>| devices.iter().any(|device| device == packet.from);
                fate.passes() && !fate.offloaded.is_empty() && fate.offloaded.iter().all(devices)
            })
        })
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
        // No packet of this machine is known to come there.
        let found: Vec<_> = none(&host).into_iter().map(|f| (f.ok, f.fix)).collect();
        assert_eq!(found, [(None, None), (None, None)]);
        assert!(none(&Host::default())[0].is_good());
    }
}
