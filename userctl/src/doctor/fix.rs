// SPDX-License-Identifier: GPL-2.0-only

//! Commands that hold more than before. None takes a rule or table away, sets a policy, or puts a rule behind others: what is held
//! stays held.

use super::{
    asked::{self, Asked},
    host::Host,
    kernel::VERSION,
    ruleset::{Chain, Rule, Ruleset},
};
use crate::{
    mark::Mark,
    model::{Pin, PinState},
};

/// The chain of `tlsconnctl rules`.
const OWN: &str = "TLSCONN";
/// Another, where that one holds what the default does not.
const FIRST: &str = "TLSCONN-FIRST";

/// Puts rules that hold everything before all others; None where that could let something through that was held.
pub(super) fn holding(host: &Host) -> Option<String> {
    let pins = pins(host);
    if host.firewall.pass_mark.is_some() {
        return Some(format!("tlsconnctl rules --format nft --load{pins}"));
    }
    if has_extension(host) {
        let strict = if host.is_strict() { " --strict" } else { "" };
        let chain = match host.rulesets.iter().all(is_plain) {
            true => String::new(),
            false => format!(" --chain {FIRST}"),
        };
        return Some(format!("tlsconnctl rules --load{strict}{chain}{pins}"));
    }
    let has_table = host.nft.iter().any(|rule| rule.is_ours());
    (!has_table).then(|| {
        format!("tlsconnctl track on --pass-mark 0x00800000 && tlsconnctl rules --format nft --load{pins}")
    })
}

/// The pins that rules allow and deny already, as options; none where that is the default.
fn pins(host: &Host) -> String {
    let pins = host.tracked().map(|(_, pins, _)| pins.as_slice());
    let pins = pins.unwrap_or_default();
    let of = |is_denied: bool| -> Vec<String> {
        let asked = asked::by_rules(host).into_iter();
        let asked = asked.filter(|asked| asked.is_denied == is_denied);
        asked.filter_map(|asked| named(&asked, pins)).collect()
    };
    let (allow, deny) = (of(false), of(true));
    let mut options = String::new();
    if !allow.is_empty() && allow != ["default"] {
        options += &format!(" --allow {}", allow.join(","));
    }
    if !deny.is_empty() {
        options += &format!(" --deny {}", deny.join(","));
    }
    options
}

/// A mark that no pin has is asked for no longer.
fn named(asked: &Asked, pins: &[Pin]) -> Option<String> {
    let is_asked = |pin: &&Pin| {
        pin.state != PinState::Released
            && (pin.mark, pin.mask) == (asked.mark.value, asked.mark.mask)
    };
    match pins.iter().find(is_asked) {
        Some(pin) => String::from_utf8(pin.name.0.to_vec()).ok(),
        None => (asked.mark == Mark::default()).then(|| "default".into()),
    }
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
    let holds = |rule: &Rule| {
        rule.text
            .starts_with("-p tcp -m tlsconn --record-type application-data,heartbeat,unknown")
    };
    ruleset.rules().all(|(chain, rule)| {
        if own(chain) {
            rule.text.starts_with("-p udp -m comment")
                || rule.uses("tlsconn") && rule.says("--pinned")
                || holds(rule)
        } else {
            rule.target() != Some(OWN)
                || rule.text.starts_with("-p tcp -m comment")
                || rule
                    .text
                    .starts_with("-p udp -m udp --dport 443 -m comment")
        }
    })
}
