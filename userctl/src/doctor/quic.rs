// SPDX-License-Identifier: GPL-2.0-only

//! QUIC: TLS over UDP, which the tracker does not see.

use super::{
    finding::{or_good, Finding},
    host::Host,
    nft::NftRule,
    ruleset::{Rule, Ruleset},
};

/// Conditions that every QUIC packet to a server fits, where they fit it at all.
const HARMLESS: [(&str, usize); 9] = [
    ("-p", 1),
    ("-m", 1),
    ("--dport", 1),
    ("--dports", 1),
    ("--comment", 1),
    ("-j", 1),
    ("-g", 1),
    ("--reject-with", 1),
    ("--ctstate", 1),
];

/// Where TLS is held, QUIC is too, so that nobody gets around by it.
pub(super) fn held(host: &Host) -> Vec<Finding> {
    let check = "quic";
    let mut bad = Vec::new();
    for is_ipv6 in [false, true] {
        // Only where TLS is held there is something to get around.
        let in_use = host
            .rulesets_of(is_ipv6)
            .find(|ruleset| forwards_to_ours(ruleset));
        let Some(in_use) = in_use else { continue };
        let stopped = host.rulesets_of(is_ipv6).any(stops) || host.nft.iter().any(stops_too);
        if !stopped {
            let version = if is_ipv6 { "IPv6" } else { "IPv4" };
            bad.push(Finding::bad(
                check,
                format!("QUIC over {version} is forwarded: it is TLS over UDP, and is not held"),
                format!("{} -I FORWARD -p udp --dport 443 -j REJECT", in_use.command),
            ));
        }
    }
    or_good(bad, check, "nothing gets around the rules by QUIC")
}

fn forwards_to_ours(ruleset: &Ruleset) -> bool {
    ruleset
        .entrances()
        .filter(|chain| chain.name == "FORWARD")
        .any(|chain| {
            ruleset
                .walk(chain)
                .iter()
                .any(|step| step.rule.uses("tlsconn"))
        })
}

/// Whether the first packet of a QUIC connection is stopped, whatever addresses it has.
fn stops(ruleset: &Ruleset) -> bool {
    ruleset
        .entrances()
        .filter(|chain| chain.name == "FORWARD")
        .any(|chain| {
            let verdict = ruleset
                .walk(chain)
                .into_iter()
                .filter(|step| fits(step.from) && fits(step.rule))
                .find_map(|step| match step.rule.target() {
                    Some(verdict @ ("ACCEPT" | "DROP" | "REJECT")) => Some(verdict),
                    _ => None,
                });
            !matches!(verdict.or(chain.policy.as_deref()), Some("ACCEPT") | None)
        })
}

/// Whether every such packet fits a rule.
fn fits(rule: &Rule) -> bool {
    let to_443 = match rule.value("--dport").or_else(|| rule.value("--dports")) {
        Some(ports) => ports.split(',').any(|port| port == "443"),
        None => true,
    };
    let is_new = match rule.value("--ctstate") {
        Some(states) => states.split(',').any(|state| state == "NEW") == rule.says("--ctstate"),
        None => true,
    };
    rule.may_be("udp") && to_443 && is_new && rule.has_only(&HARMLESS)
}

/// The same by a rule of nft's own.
fn stops_too(rule: &NftRule) -> bool {
    let is_drop = rule.text.ends_with("drop") || rule.text.contains("reject");
    let of_quic =
        rule.text.starts_with("udp dport 443 ") || rule.text.starts_with("udp dport quic ");
    is_drop && of_quic
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(policy: &str, rules: &str) -> Finding {
        let text = format!(
            "*filter\n:FORWARD {policy} [0:0]\n{rules}-A FORWARD -p tcp -m tlsconn --pinned -j ACCEPT\nCOMMIT\n"
        );
        let host = Host {
            rulesets: vec![Ruleset::parse("iptables-nft", &text)],
            ..Host::default()
        };
        held(&host)[0].clone()
    }

    #[test]
    fn what_stops_it() {
        let open = found("ACCEPT", "");
        assert_eq!(
            open.fix.as_deref(),
            Some("iptables-nft -I FORWARD -p udp --dport 443 -j REJECT")
        );
        assert!(found("DROP", "").ok);
        for stopping in [
            "-A FORWARD -p udp -m udp --dport 443 -j REJECT --reject-with icmp-port-unreachable\n",
            "-A FORWARD -p udp -m multiport --dports 53,443 -j DROP\n",
            "-A FORWARD -m conntrack --ctstate NEW -p udp -j DROP\n",
        ] {
            assert!(found("ACCEPT", stopping).ok, "{stopping}");
        }
        for not in [
            "-A FORWARD -p udp -m udp --dport 53 -j DROP\n",
            "-A FORWARD -s 10.0.0.1 -p udp -m udp --dport 443 -j DROP\n",
            "-A FORWARD -p tcp -m tcp --dport 443 -j DROP\n",
            "-A FORWARD -m conntrack --ctstate INVALID -j DROP\n",
            "-A FORWARD -p udp -j ACCEPT\n-A FORWARD -p udp -m udp --dport 443 -j DROP\n",
        ] {
            assert!(!found("ACCEPT", not).ok, "{not}");
        }
        assert!(!found("DROP", "-A FORWARD -p udp -m udp --dport 443 -j ACCEPT\n").ok);
    }

    #[test]
    fn without_rules_of_ours_it_is_nobody_s_business() {
        assert!(held(&Host::default())[0].ok);
    }
}
