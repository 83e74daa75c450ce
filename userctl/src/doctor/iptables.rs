// SPDX-License-Identifier: GPL-2.0-only

//! The iptables extension, and whether the rules that use it can do their work.

use super::{
    finding::{or_good, Finding},
    host::Host,
    kernel::{INSTALL, VERSION},
    ruleset::{Rule, Ruleset, Step},
};

/// iptables finds the extension, of this tool's version.
pub(super) fn extension(host: &Host) -> Vec<Finding> {
    let check = "extension";
    let mut bad = Vec::new();
    for (command, ran) in &host.help {
        let Some(ran) = ran else {
            let detail = format!("{command} is not installed");
            bad.push(Finding::bad(check, detail, "apt-get install iptables"));
            continue;
        };
        let told = ran
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix("tlsconn match, version "));
        match told {
            Some(VERSION) => {}
            Some(other) => bad.push(Finding::bad(
                check,
                format!("{command}'s extension is of version {other}, tlsconnctl of {VERSION}"),
                INSTALL,
            )),
            None => bad.push(Finding::bad(
                check,
                format!("{command} does not find the extension: {}", ran.complaint),
                INSTALL,
            )),
        }
    }
    let good = format!("iptables and ip6tables find the extension, version {VERSION}");
    or_good(bad, check, &good)
}

/// What loads the ruleset of `tlsconnctl rules`.
fn load(command: &str) -> String {
    format!("tlsconnctl rules | {command}-restore --noflush")
}

/// Rules hold data, for each version of IP that is forwarded, and for one at least.
pub(super) fn holding(host: &Host) -> Vec<Finding> {
    let check = "rules";
    if let Some(why) = host.unread.first() {
        return vec![Finding::bad(
            check,
            format!("the rules cannot be read: {why}"),
            "sudo tlsconnctl doctor",
        )];
    }
    let ours = |is_ipv6| -> Vec<&Rule> {
        host.rulesets_of(is_ipv6)
            .flat_map(Ruleset::rules)
            .map(|(_, rule)| rule)
            .filter(|rule| rule.uses("tlsconn"))
            .collect()
    };
    let (ipv4, ipv6) = (ours(false), ours(true));
    let needs_ipv4 = host.forwards_ipv4 || ipv6.is_empty();
    let mut bad = Vec::new();
    for (is_ipv6, version, rules, needed) in [
        (false, "IPv4", ipv4, needs_ipv4),
        (true, "IPv6", ipv6, host.forwards_ipv6),
    ] {
        let fix = load(host.command(is_ipv6));
        if rules.is_empty() {
            if needed {
                let detail = format!("no rule of {version} uses the match: nothing is held");
                bad.push(Finding::bad(check, detail, fix));
            }
        } else if holds(&rules, "application-data") && !holds(&rules, "unknown") {
            let detail =
                format!("the rules of {version} hold application-data but not unknown: what cannot be told passes");
            bad.push(Finding::bad(check, detail, fix));
        }
    }
    or_good(bad, check, "rules use the match")
}

/// Whether a rule drops packets with such records.
fn holds(rules: &[&Rule], record: &str) -> bool {
    rules.iter().any(|rule| {
        matches!(rule.target(), Some("DROP" | "REJECT"))
            && match rule.value("--record-type") {
                Some(types) => {
                    types.split(',').any(|word| word == record) == rule.says("--record-type")
                }
                None => true,
            }
    })
}

/// No rule accepts established connections before ours.
pub(super) fn order(host: &Host) -> Vec<Finding> {
    let check = "order";
    let mut bad = Vec::new();
    for ruleset in &host.rulesets {
        for entrance in ruleset.entrances() {
            let steps = ruleset.walk(entrance);
            let ours = |step: &Step<'_>| step.rule.uses("tlsconn");
            let Some(first) = steps.iter().position(ours) else {
                continue;
            };
            let Some(accepting) = steps.iter().take(first).find(|step| accepts(step.rule)) else {
                continue;
            };
            let last = steps.iter().rev().find(|step| ours(step));
            let after = last.map_or(0, |step| step.from.place);
            let Step { chain, rule, .. } = accepting;
            let detail = format!(
                "{} {}: rule {} of {} accepts packets of established connections before the rules that hold them",
                ruleset.command, entrance.name, rule.place, chain.name
            );
            let fix = if chain.name == entrance.name {
                let head = format!("{}{}", ruleset.command, chain.table_option());
                let (name, from, to) = (&chain.name, rule.place, after + 1);
                format!(
                    "{head} -I {name} {to} {} && {head} -D {name} {from}",
                    rule.text
                )
            } else {
                load(ruleset.command)
            };
            bad.push(Finding::bad(check, detail, fix));
        }
    }
    or_good(
        bad,
        check,
        "no rule accepts established connections before ours",
    )
}

/// Whether a rule accepts all that is established, and so data, or simply everything.
fn accepts(rule: &Rule) -> bool {
    rule.target() == Some("ACCEPT")
        && rule.may_be("tcp")
        && (rule.takes_established()
            || rule.has_only(&[("-p", 1), ("-m", 1), ("--comment", 1), ("-j", 1)]))
}

/// No rule runs before conntrack.
pub(super) fn raw(host: &Host) -> Vec<Finding> {
    let check = "raw-table";
    let mut bad = Vec::new();
    for ruleset in &host.rulesets {
        for (chain, rule) in ruleset.rules().filter(|(chain, _)| chain.table == "raw") {
            let untracks = rule.says("--notrack") || rule.target() == Some("NOTRACK");
            let detail = if rule.uses("tlsconn") {
                "uses the match, but the raw table comes before conntrack: every connection reads untracked there"
            } else if untracks && rule.may_be("tcp") {
                "takes TCP connections out of conntrack: they are held whole and cannot be pinned"
            } else {
                continue;
            };
            let (command, name, place) = (ruleset.command, &chain.name, rule.place);
            bad.push(Finding::bad(
                check,
                format!("{command}: rule {place} of raw {name} {detail}"),
                format!("{command} -t raw -D {name} {place}"),
            ));
        }
    }
    or_good(bad, check, "no rule there concerns TLS connections")
}

/// Rules are in one of the two variants.
pub(super) fn variants(host: &Host) -> Vec<Finding> {
    let check = "variants";
    let mut bad = Vec::new();
    for (legacy, nft) in [
        ("iptables-legacy", "iptables-nft"),
        ("ip6tables-legacy", "ip6tables-nft"),
    ] {
        let used = |command| {
            host.rulesets
                .iter()
                .find(|ruleset| ruleset.command == command && !ruleset.is_empty())
        };
        let (Some(of_legacy), Some(_)) = (used(legacy), used(nft)) else {
            continue;
        };
        let mut tables: Vec<&str> = of_legacy
            .rules()
            .map(|(chain, _)| chain.table.as_str())
            .collect();
        tables.dedup();
        let emptied: Vec<String> = tables
            .iter()
            .map(|table| format!("{legacy} -t {table} -F && {legacy} -t {table} -X"))
            .collect();
        bad.push(Finding::bad(
            check,
            format!(
                "{legacy} and {nft} both have rules: packets pass both, and either may drop them"
            ),
            format!(
                "{legacy}-save | {nft}-restore --noflush && {}",
                emptied.join(" && ")
            ),
        ));
    }
    or_good(bad, check, "legacy and nft tables are not in use together")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::host::Ran;

    fn host(command: &'static str, rules: &str) -> Host {
        let text = format!("*filter\n:FORWARD ACCEPT [0:0]\n:own - [0:0]\n{rules}COMMIT\n");
        Host {
            rulesets: vec![Ruleset::parse(command, &text)],
            ..Host::default()
        }
    }

    fn fixes(findings: &[Finding]) -> Vec<&str> {
        findings
            .iter()
            .filter_map(|finding| finding.fix.as_deref())
            .collect()
    }

    const HOLD: &str =
        "-A FORWARD -p tcp -m tlsconn --record-type application-data,heartbeat,unknown -j DROP\n";
    const ESTABLISHED: &str = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";

    #[test]
    fn what_accepts_before_ours() {
        let found = |rules: &str| order(&host("iptables-nft", rules));
        assert!(found(&format!("{HOLD}{ESTABLISHED}"))[0].ok);
        assert!(
            found(ESTABLISHED)[0].ok,
            "without a rule of ours nothing is before it"
        );
        assert_eq!(
            fixes(&found(&format!("{ESTABLISHED}{HOLD}"))),
            ["iptables-nft -I FORWARD 3 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT && iptables-nft -D \
              FORWARD 1"]
        );
        for harmless in [
            "-A FORWARD -p udp -m conntrack --ctstate ESTABLISHED -j ACCEPT\n",
            "-A FORWARD -m conntrack ! --ctstate ESTABLISHED -j ACCEPT\n",
            "-A FORWARD -m conntrack --ctstate NEW -j ACCEPT\n",
            "-A FORWARD -m conntrack --ctstate ESTABLISHED -j LOG\n",
            "-A FORWARD -i lo -j ACCEPT\n",
        ] {
            assert!(found(&format!("{harmless}{HOLD}"))[0].ok, "{harmless}");
        }
        for harmful in [
            "-A FORWARD -m state --state ESTABLISHED -j ACCEPT\n",
            "-A FORWARD -j ACCEPT\n",
            "-A FORWARD -p tcp -m comment --comment \"all of it\" -j ACCEPT\n",
        ] {
            assert!(!found(&format!("{harmful}{HOLD}"))[0].ok, "{harmful}");
        }
        let jumped = "-A FORWARD -j own\n-A own -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
        assert_eq!(
            fixes(&found(&format!("{jumped}{HOLD}"))),
            ["tlsconnctl rules | iptables-nft-restore --noflush"]
        );
        let by_jump = "-A FORWARD -j own\n-A own -p tcp -m tlsconn --pinned -j RETURN\n";
        assert!(found(&format!("{by_jump}{ESTABLISHED}"))[0].ok);
        assert!(!found(&format!("{ESTABLISHED}{by_jump}"))[0].ok);
    }

    #[test]
    fn what_is_held() {
        let found = |rules: &str| holding(&host("iptables-legacy", rules));
        assert!(found(HOLD)[0].ok);
        assert_eq!(
            fixes(&found(ESTABLISHED)),
            ["tlsconnctl rules | iptables-legacy-restore --noflush"]
        );
        let data_only = "-A FORWARD -p tcp -m tlsconn --record-type application-data -j DROP\n";
        assert!(!found(data_only)[0].ok);
        let inverted = "-A FORWARD -p tcp -m tlsconn ! --record-type handshake,alert,change-cipher-spec,none -j DROP\n";
        assert!(found(inverted)[0].ok);
        let mut both = host("iptables-legacy", HOLD);
        both.forwards_ipv6 = true;
        assert_eq!(
            fixes(&holding(&both)),
            ["tlsconnctl rules | ip6tables-restore --noflush"]
        );
        let mut only_ipv6 = host("ip6tables-legacy", HOLD);
        only_ipv6.forwards_ipv6 = true;
        assert!(holding(&only_ipv6)[0].ok);
        only_ipv6.forwards_ipv4 = true;
        assert_eq!(
            fixes(&holding(&only_ipv6)),
            ["tlsconnctl rules | iptables-restore --noflush"]
        );
        both.unread.push("iptables-save: Permission denied".into());
        assert_eq!(fixes(&holding(&both)), ["sudo tlsconnctl doctor"]);
    }

    #[test]
    fn the_raw_table() {
        let of = |rule: &str| Host {
            rulesets: vec![Ruleset::parse(
                "iptables-nft",
                &format!("*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING {rule}\nCOMMIT\n"),
            )],
            ..Host::default()
        };
        for bad in [
            "-p tcp -m tlsconn --pinned -j ACCEPT",
            "-j CT --notrack",
            "-p tcp -j NOTRACK",
        ] {
            assert_eq!(
                fixes(&raw(&of(bad))),
                ["iptables-nft -t raw -D PREROUTING 1"],
                "{bad}"
            );
        }
        assert!(raw(&of("-p udp -j CT --notrack"))[0].ok);
    }

    #[test]
    fn both_variants_at_once() {
        let mut both = host("ip6tables-legacy", HOLD);
        assert!(variants(&both)[0].ok);
        both.rulesets.push(Ruleset::parse(
            "ip6tables-nft",
            "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n",
        ));
        assert!(variants(&both)[0].ok, "empty chains are no rules");
        both.rulesets.push(Ruleset::parse(
            "ip6tables-nft",
            "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j DROP\nCOMMIT\n",
        ));
        assert_eq!(
            fixes(&variants(&both)),
            ["ip6tables-legacy-save | ip6tables-nft-restore --noflush && ip6tables-legacy -t filter -F && \
              ip6tables-legacy -t filter -X"]
        );
    }

    #[test]
    fn the_extension_s_version() {
        let helped = |stdout: &str| Host {
            help: vec![(
                "iptables",
                Some(Ran {
                    ok: true,
                    stdout: stdout.into(),
                    complaint: "Couldn't load match `tlsconn'".into(),
                }),
            )],
            ..Host::default()
        };
        assert!(
            extension(&helped(&format!(
                "usage\ntlsconn match, version {VERSION}\n"
            )))[0]
                .ok
        );
        assert!(extension(&helped("tlsconn match, version 0.0.1\n"))[0]
            .detail
            .contains("0.0.1"));
        assert!(extension(&helped("usage\n"))[0]
            .detail
            .contains("Couldn't load"));
        let missing = Host {
            help: vec![("iptables", None)],
            ..Host::default()
        };
        assert_eq!(fixes(&extension(&missing)), ["apt-get install iptables"]);
    }
}
