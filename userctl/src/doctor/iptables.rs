// SPDX-License-Identifier: GPL-2.0-only

//! The iptables extension, and whether the rules that use it can do their work.

use super::{
    finding::{or_good, Finding},
    host::Host,
    kernel::{INSTALL, VERSION},
};

/// iptables finds the extension, of this tool's version.
pub(super) fn extension(host: &Host) -> Vec<Finding> {
    let check = "extension";
    let mut bad = Vec::new();
    for (command, ran) in &host.help {
        let Some(ran) = ran else {
            let detail = format!(
                "{command} is not installed; `tlsconnctl rules --format nft` needs none of it"
            );
            bad.push(Finding::unknown(check, detail));
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

/// No rule runs before conntrack.
pub(super) fn raw(host: &Host) -> Vec<Finding> {
    let check = "raw-table";
    let mut found = Vec::new();
    for ruleset in &host.rulesets {
        for (chain, rule) in ruleset.rules().filter(|(chain, _)| chain.table == "raw") {
            let untracks = rule.says("--notrack") || rule.target() == Some("NOTRACK");
            let detail = if rule.uses("tlsconn") {
                "uses the match, but the raw table comes before conntrack: every connection reads untracked there"
            } else if untracks && rule.may_be("tcp") {
                "may take TCP connections out of conntrack: all their payload is held, and they cannot be pinned"
            } else {
                continue;
            };
            let (command, name, place) = (ruleset.command, &chain.name, rule.place);
            found.push(Finding::unknown(
                check,
                format!(
                    "{command}: rule {place} of raw {name} ({}) {detail}",
                    rule.text
                ),
            ));
        }
    }
    for rule in host.nft.iter().filter(|rule| rule.text.contains("notrack")) {
        found.push(Finding::unknown(
            check,
            format!(
                "a rule of nft's chain {} ({}) may take TCP connections out of conntrack: all their payload is held, and they cannot be pinned",
                rule.chain, rule.text
            ),
        ));
    }
    or_good(found, check, "no rule there concerns TLS connections")
}

/// Which of the two variants have rules.
pub(super) fn variants(host: &Host) -> Vec<Finding> {
    let used = |command: &str| {
        host.rulesets
            .iter()
            .any(|ruleset| ruleset.command == command && !ruleset.is_empty())
    };
    let both = [
        ("iptables-legacy", "iptables-nft"),
        ("ip6tables-legacy", "ip6tables-nft"),
    ]
    .into_iter()
    .find(|(legacy, nft)| used(legacy) && used(nft));
    let detail = match both {
        Some((legacy, nft)) => {
            format!(
                "{legacy} and {nft} both have rules: packets pass both, and either may drop them"
            )
        }
        None => "legacy and nft tables are not in use together".into(),
    };
    vec![Finding::good("variants", detail)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{read::Ran, ruleset::Ruleset};

    fn host(command: &'static str, rules: &str) -> Host {
        let text = format!("*filter\n:FORWARD ACCEPT [0:0]\n:own - [0:0]\n{rules}COMMIT\n");
        Host {
            rulesets: vec![Ruleset::parse(command, &text)],
            ..Host::default()
        }
    }

    const HOLD: &str =
        "-A FORWARD -p tcp -m tlsconn --record-type application-data,heartbeat,unknown -j DROP\n";
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
            assert_eq!(raw(&of(bad))[0].ok, None, "{bad}");
        }
        assert!(raw(&of("-p udp -j CT --notrack"))[0].is_good());
    }

    #[test]
    fn both_variants_at_once() {
        let mut both = host("ip6tables-legacy", HOLD);
        assert!(!variants(&both)[0].detail.contains("both"));
        let empty = "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n";
        both.rulesets.push(Ruleset::parse("ip6tables-nft", empty));
        assert!(
            !variants(&both)[0].detail.contains("both"),
            "empty chains are no rules"
        );
        let used = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j DROP\nCOMMIT\n";
        both.rulesets.push(Ruleset::parse("ip6tables-nft", used));
        let [found] = variants(&both).try_into().expect("one finding");
        assert!(found.is_good() && found.detail.contains("both") && found.fix.is_none());
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
        let own = format!("usage\ntlsconn match, version {VERSION}\n");
        assert!(extension(&helped(&own))[0].is_good());
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
        assert_eq!(extension(&missing)[0].ok, None);
    }
}
