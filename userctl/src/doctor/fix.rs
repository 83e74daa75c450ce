// SPDX-License-Identifier: GPL-2.0-only

//! Commands that hold more than before. None takes a rule or table away, sets a policy, or puts a rule behind others: what is held
//! stays held.

use super::{
    host::Host,
    kernel::VERSION,
    ruleset::{Chain, Ruleset},
};

/// The chain of `tlsconnctl rules`.
const OWN: &str = "TLSCONN";
/// Another, where that one holds what the default does not.
const FIRST: &str = "TLSCONN-FIRST";

/// Puts rules that hold everything before all others; None where that could let something through that was held.
pub(super) fn holding(host: &Host) -> Option<String> {
    let own_table = host
        .nft
        .iter()
        .any(|rule| rule.chain.starts_with("inet tlsconn "));
    if host.firewall.pass_mark.is_some() && !own_table {
        return Some("tlsconnctl rules --format nft --load".into());
    }
    if has_extension(host) {
        let strict = if host.is_strict() { " --strict" } else { "" };
        let is_plain = host.rulesets.iter().all(is_plain);
        let chain = if is_plain {
            String::new()
        } else {
            format!(" --chain {FIRST}")
        };
        return Some(format!("tlsconnctl rules --load{strict}{chain}"));
    }
    (!own_table).then(|| {
        "tlsconnctl track on --pass-mark 0x00800000 && tlsconnctl rules --format nft --load".into()
    })
}

fn has_extension(host: &Host) -> bool {
    let line = format!("tlsconn match, version {VERSION}");
    !host.help.is_empty()
        && host.help.iter().all(|(_, ran)| {
            ran.as_ref()
                .is_some_and(|ran| ran.stdout.lines().any(|told| told == line))
        })
}

/// Whether that chain holds no more than its default, or is not there.
fn is_plain(ruleset: &Ruleset) -> bool {
    let own = |chain: &Chain| chain.name == OWN && chain.table == "filter";
    let mut rules = ruleset.rules();
    rules.all(|(chain, rule)| {
        if own(chain) {
            rule.text.starts_with("-p udp -m comment")
                || rule
                    .text
                    .starts_with("-p tcp -m tlsconn --pinned -m comment")
                || rule.text.starts_with(
                    "-p tcp -m tlsconn --record-type application-data,heartbeat,unknown",
                )
        } else {
            rule.target() != Some(OWN)
                || rule.text.starts_with("-p tcp -m comment")
                || rule
                    .text
                    .starts_with("-p udp -m udp --dport 443 -m comment")
        }
    })
}
