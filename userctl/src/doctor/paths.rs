// SPDX-License-Identifier: GPL-2.0-only

//! Ways around FORWARD, and what has to do with the pass mark.

use super::{
    finding::{or_good, Finding},
    firewall::Hook,
    host::Host,
};

/// Packets do not go by a local process, a bridge, or another device's chain.
pub(super) fn none(host: &Host) -> Vec<Finding> {
    let check = "paths";
    let mut found = Vec::new();
    let mut tell = |detail: String| found.push(Finding::unknown(check, detail));
    for ruleset in &host.rulesets {
        for (chain, rule) in ruleset.rules() {
            let target = rule.target().unwrap_or_default();
            let destination = rule.value("--to-destination").unwrap_or_default();
            let is_local = host.is_own_address(destination);
            if (matches!(target, "REDIRECT" | "TPROXY") || target == "DNAT" && is_local)
                && rule.may_be("tcp")
            {
                tell(format!(
                    "{}: rule {} of {} {} ({}) gives connections to a local process: what it sends on does not pass FORWARD, \
                     and is another connection",
                    ruleset.command, rule.place, chain.table, chain.name, rule.text
                ));
            }
        }
    }
    for rule in &host.nft {
        let words: Vec<&str> = rule.text.split(' ').collect();
        if words
            .iter()
            .any(|word| ["redirect", "tproxy"].contains(word))
        {
            tell(format!(
                "the rule of nft's chain {} ({}) gives connections to a local process: what it sends on does not pass FORWARD, \
                 and is another connection",
                rule.chain, rule.text
            ));
        }
    }
    let interfaces = host.interfaces.as_deref().unwrap_or_default();
    for bridge in interfaces.iter().filter(|one| one.is_bridge) {
        let ports = interfaces
            .iter()
            .filter(|one| one.bridge.as_deref() == Some(&bridge.name))
            .count();
        if ports >= 2 && bridge.calls.contains(&false) {
            tell(format!(
                "frames between the ports of the bridge {} meet no rule of IPv4 or IPv6: for that, load br_netfilter and set \
                 net.bridge.bridge-nf-call-iptables=1, for IPv6 bridge-nf-call-ip6tables=1",
                bridge.name
            ));
        }
    }
    for vrf in interfaces.iter().filter(|one| one.is_vrf) {
        tell(format!("some chains see the VRF {} instead of its members: doctor does not follow these packets", vrf.name));
    }
    if let Some(tables) = &host.tables {
        for table in &tables.beside {
            tell(format!(
                "nft's table {table} sends frames on past IP's hooks (fwd)"
            ));
        }
        for table in &tables.dormant {
            tell(format!(
                "nft's table {table} is dormant: none of its rules works"
            ));
        }
    }
    or_good(found, check, "no way around FORWARD was found")
}

/// A table reads the pass mark, and nobody else uses the bit.
pub(super) fn pass_mark(host: &Host) -> Vec<Finding> {
    let check = "pass-mark";
    let is_read = |mask| {
        let bases = host.firewall.bases.iter();
        bases
            .filter(|base| base.hook == Hook::Forward && base.priority == -5)
            .flat_map(|base| &base.chains)
            .flat_map(|chain| &chain.rules)
            .any(|rule| rule.reads_mark(mask))
    };
    let Some(bit) = host.firewall.pass_mark else {
        let has_table = host.nft.iter().any(|rule| rule.is_ours());
        return match has_table {
            true => vec![Finding::unknown(
                check,
                "nft's table inet tlsconn is loaded, but no pass mark is on: of its traffic only pinned connections pass \
                 (`tlsconnctl track on --pass-mark 0x00800000` lets handshakes through)",
            )],
            false => Vec::new(),
        };
    };
    let mut found = Vec::new();
    if !is_read(bit) {
        found.push(Finding {
            fix: Some("tlsconnctl rules --format nft --load".into()),
            ..Finding::unknown(
                check,
                format!("the pass mark {bit:#010x} is on, and no chain of priority filter - 5 in FORWARD reads it (`nft flush ruleset` takes the table away)"),
            )
        });
    }
    for rule in host.routing.iter().filter(|(_, mask)| mask & bit != 0) {
        found.push(Finding::unknown(
            check,
            format!("a routing rule ({}) uses the bit {bit:#010x}, which is the pass mark: routing never sees the pass mark", rule.0),
        ));
    }
    or_good(
        found,
        check,
        &format!("a table reads the pass mark {bit:#010x}"),
    )
}
