// SPDX-License-Identifier: GPL-2.0-only

//! Rules that write connection marks, where they touch the bits of pins.

use super::{
    asked,
    finding::{or_good, Finding},
    firewall::{Condition, Rule, Step},
    foreign_marks,
    host::Host,
    nft::NftRule,
    ruleset::{self, number, Chain, Ruleset},
};
use crate::{mark::Mark, model::PinState};

/// What somebody does to the connection mark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Writing {
    /// The bits that may change.
    bits: u32,
    /// The value that goes in there, if it is the same for all.
    value: Option<u32>,
}

/// Nobody else writes the bits of pins, and nobody else's connections carry them.
pub(super) fn overlap(host: &Host) -> Vec<Finding> {
    let check = "marks";
    let mask = pin_bits(host);
    let mut bad = Vec::new();
    for ruleset in &host.rulesets {
        for (chain, rule) in ruleset.rules() {
            if let Some(writing) = connmark(rule).filter(|writing| writing.bits & mask != 0) {
                bad.push(by_iptables(host, ruleset, chain, rule, writing, mask));
            }
        }
    }
    for rule in &host.nft {
        if let Some(writing) = ct_mark(&rule.text).filter(|writing| writing.bits & mask != 0) {
            bad.push(by_nft(host, rule, writing, mask));
        }
    }
    if let Some((connections, pins, _)) = host.tracked() {
        bad.extend(foreign_marks::of(connections, pins));
    }
    or_good(
        bad,
        check,
        &format!("nobody else writes the bits {mask:#x}"),
    )
}

/// Whether somebody's rules may give a connection a pin's mark.
pub(super) fn may_be_given(host: &Host) -> bool {
    let mask = pin_bits(host);
    let by_iptables = host.rulesets.iter().flat_map(Ruleset::rules);
    let writings = by_iptables
        .filter_map(|(_, rule)| connmark(rule))
        .chain(host.nft.iter().filter_map(|rule| ct_mark(&rule.text)));
    // A mark of zero in all of these bits is no pin's.
    let mut writings = writings.filter(|writing| writing.bits & mask != 0);
    writings.any(|writing| writing.value.is_none_or(|value| value & mask != 0))
}

/// The bits that pins use, or would.
pub(super) fn pin_bits(host: &Host) -> u32 {
    let pins = host
        .tracked()
        .map(|(_, pins, _)| pins.as_slice())
        .unwrap_or_default();
    let of_pins = pins
        .iter()
        .filter(|pin| pin.state != PinState::Released)
        .map(|pin| pin.mask);
    let of_rules = asked::by_rules(host)
        .into_iter()
        .map(|asked| asked.mark.mask);
    match of_pins.chain(of_rules).fold(0, |bits, mask| bits | mask) {
        0 => Mark::default().mask,
        bits => bits,
    }
}

/// What iptables' CONNMARK writes, in the form in which it is saved.
fn connmark(rule: &ruleset::Rule) -> Option<Writing> {
    if rule.target() != Some("CONNMARK") {
        return None;
    }
    if let Some((value, mask)) = rule
        .value("--set-xmark")
        .and_then(|xmark| xmark.split_once('/'))
    {
        let (value, mask) = (number(value)?, number(mask)?);
        return Some(Writing {
            bits: value | mask,
            value: Some(value),
        });
    }
    let saves = rule.says("--save-mark");
    saves.then(|| Writing {
        bits: rule.value("--ctmask").and_then(number).unwrap_or(u32::MAX),
        value: None,
    })
}

/// What a rule of nft's own writes.
fn ct_mark(text: &str) -> Option<Writing> {
    let (_, expression) = text.split_once("ct mark set ")?;
    let words: Vec<&str> = expression.split(' ').collect();
    Some(match words.as_slice() {
        ["ct", "mark", "&" | "and", kept, "|" | "or" | "^" | "xor", value, ..] => {
            let value = number(value)?;
            Writing {
                bits: !number(kept)? | value,
                value: Some(value),
            }
        }
        ["ct", "mark", "&" | "and", kept, ..] => Writing {
            bits: !number(kept)?,
            value: Some(0),
        },
        ["ct", "mark", "|" | "or" | "^" | "xor", value, ..] => Writing {
            bits: number(value)?,
            value: number(value),
        },
        [value, ..] => Writing {
            bits: u32::MAX,
            value: number(value),
        },
        [] => return None,
    })
}

/// Whether rules of others than pins' ask for these bits: without the one that writes them they let other packets through.
fn is_read(host: &Host, bits: u32) -> bool {
    let bases = host.firewall.bases.iter();
    bases
        .filter(|base| !base.name.starts_with("nft: inet tlsconn"))
        .flat_map(|base| &base.chains)
        .flat_map(|chain| &chain.rules)
        .any(|rule| asks(rule, bits))
}

/// Whether a rule asks for these bits, or hands the mark on to where others do.
fn asks(rule: &Rule, bits: u32) -> bool {
    let is_copied = ["--restore-mark", "mark set ct mark"]
        .iter()
        .any(|word| rule.name.contains(word));
    is_copied
        || rule.steps.iter().any(|step| match step {
            Step::If(condition, _) => is_asked(condition, bits),
            Step::Choose(choices) => choices
                .iter()
                .any(|(condition, _)| is_asked(condition, bits)),
            Step::Do(_) => false,
        })
}

fn is_asked(condition: &Condition, bits: u32) -> bool {
    match condition {
        Condition::ConnectionMark(_, mask) => mask & bits != 0,
        Condition::Any(any) => any.iter().any(|one| is_asked(one, bits)),
        _ => false,
    }
}

fn by_iptables(
    host: &Host,
    ruleset: &Ruleset,
    chain: &Chain,
    rule: &ruleset::Rule,
    writing: Writing,
    mask: u32,
) -> Finding {
    let command = format!("{}{}", ruleset.command, chain.table_option());
    let (name, place) = (&chain.name, rule.place);
    let detail = format!(
        "{}: rule {place} of {} {name} writes bits {:#x} of the connection mark, which pins use",
        ruleset.command,
        chain.table,
        writing.bits & mask
    );
    let kept = writing.bits & !mask;
    let target = match writing.value {
        Some(value) if value & mask == 0 && kept != 0 => {
            Some(format!("--set-xmark {value:#x}/{kept:#x}"))
        }
        None if kept != 0 => Some(format!("--save-mark --nfmask {kept:#x} --ctmask {kept:#x}")),
        _ => None,
    };
    let fix = match (target, rule.text.split_once("-j CONNMARK")) {
        (Some(target), Some((matches, _))) => without(
            host,
            writing.bits & mask,
            format!("{command} -R {name} {place} {matches}-j CONNMARK {target}"),
        ),
        _ => without(host, writing.bits, format!("{command} -D {name} {place}")),
    };
    wrong(detail, fix)
}

/// The command that takes a rule away, or bits out of it; none where others ask for what it writes then no longer.
fn without(host: &Host, bits: u32, command: String) -> Option<String> {
    (!is_read(host, bits)).then_some(command)
}

fn wrong(detail: String, fix: Option<String>) -> Finding {
    let rest = match fix {
        Some(_) => "",
        None => "; other rules ask for them: give pins other bits (`tlsconnctl pin --mark`)",
    };
    Finding {
        check: "marks",
        ok: Some(false),
        detail: detail + rest,
        fix,
    }
}

fn by_nft(host: &Host, rule: &NftRule, writing: Writing, mask: u32) -> Finding {
    let detail = format!(
        "a rule of nft's chain {} writes bits {:#x} of the connection mark, which pins use",
        rule.chain,
        writing.bits & mask
    );
    let kept = writing.bits & !mask;
    let statement = rule.text.split_once("ct mark set ");
    let fix = match (writing.value, statement) {
        // Only a plain value at the end of the rule can be put into a rule anew without knowing all of nft's grammar.
        (Some(value), Some((before, after)))
            if value & mask == 0 && kept != 0 && !after.contains(['{', '"']) =>
        {
            let replaced = format!(
                "nft replace rule {} handle {} '{before}ct mark set ct mark & {:#x} | {value:#x}'",
                rule.chain, rule.handle, !kept
            );
            without(host, writing.bits & mask, replaced)
        }
        _ => without(host, writing.bits, rule.deletion()),
    };
    wrong(detail, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mangle(rule: &str) -> Host {
        let text = format!("*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING {rule}\nCOMMIT\n");
        Host {
            rulesets: vec![Ruleset::parse("iptables-nft", &text)],
            ..Host::default()
        }
    }

    fn fix(host: &Host) -> Option<String> {
        overlap(host)[0].fix.clone()
    }

    #[test]
    fn rules_of_iptables() {
        let head = "iptables-nft -t mangle";
        assert_eq!(
            fix(&mangle("-p tcp -j CONNMARK --set-xmark 0x1/0xffffffff")),
            Some(format!(
                "{head} -R PREROUTING 1 -p tcp -j CONNMARK --set-xmark 0x1/0xffffff"
            ))
        );
        assert_eq!(
            fix(&mangle("-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff")),
            Some(format!("{head} -R PREROUTING 1 -j CONNMARK --save-mark --nfmask 0xffffff --ctmask 0xffffff"))
        );
        assert_eq!(
            fix(&mangle("-j CONNMARK --set-xmark 0x12000000/0xff000000")),
            Some(format!("{head} -D PREROUTING 1"))
        );
        for fine in [
            "-j CONNMARK --set-xmark 0x1/0xffffff",
            "-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
            "-j MARK --set-xmark 0x1/0xffffffff",
        ] {
            assert_eq!(fix(&mangle(fine)), None, "{fine}");
        }
    }

    #[test]
    fn what_others_ask_for_is_not_taken_away() {
        for (writes, reads) in [
            (
                "--set-xmark 0x12000000/0xff000000",
                "-m connmark --mark 0x12000000/0xff000000 -j DROP",
            ),
            // The bits that pins use would be taken out of it.
            (
                "--set-xmark 0x1/0xffffffff",
                "-m connmark --mark 0x0/0xff000000 -j DROP",
            ),
            // Others ask the packet's mark for it.
            (
                "--set-xmark 0x12000000/0xff000000",
                "-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
            ),
        ] {
            let text = format!(
                "*mangle\n:PREROUTING ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n\
                 -A PREROUTING -j CONNMARK {writes}\n-A FORWARD {reads}\nCOMMIT\n"
            );
            let mut host = Host {
                rulesets: vec![Ruleset::parse("iptables-nft", &text)],
                ..Host::default()
            };
            host.build();
            let [found] = overlap(&host).try_into().expect("one finding");
            assert!(
                found.is_wrong() && found.fix.is_none(),
                "{reads}: {found:?}"
            );
        }
    }

    #[test]
    fn rules_of_nft() {
        let host = |text: &str| Host {
            nft: vec![NftRule {
                chain: "inet mangle pre".into(),
                handle: "4".into(),
                text: text.into(),
            }],
            ..Host::default()
        };
        let replaced = |rule: &str| {
            Some(format!(
                "nft replace rule inet mangle pre handle 4 '{rule}'"
            ))
        };
        assert_eq!(
            fix(&host("tcp dport 22 ct mark set 0x00000001")),
            replaced("tcp dport 22 ct mark set ct mark & 0xff000000 | 0x1")
        );
        assert_eq!(
            fix(&host("ct mark set ct mark & 0xff | 0x00000100")),
            replaced("ct mark set ct mark & 0xff0000ff | 0x100")
        );
        let deleted = Some("nft delete rule inet mangle pre handle 4".to_string());
        assert_eq!(fix(&host("ct mark set meta mark")), deleted);
        assert_eq!(fix(&host("ct mark set ct mark | 0x54000000")), deleted);
        for fine in [
            "ct mark set ct mark & 0xff000000 | 0x1",
            "ct mark set ct mark | 0x00000001",
            "ct mark 0x1 accept",
        ] {
            assert_eq!(fix(&host(fine)), None, "{fine}");
        }
    }

    #[test]
    fn the_bits_are_those_of_pins_and_rules() {
        let mut host = mangle("-j CONNMARK --set-xmark 0x1/0xff");
        assert_eq!(fix(&host), None);
        host.rulesets.push(Ruleset::parse(
            "iptables-legacy",
            "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp -m tlsconn --pinned --pin-mark 0x1/0x1 -j ACCEPT\nCOMMIT\n",
        ));
        assert_eq!(
            fix(&host),
            Some("iptables-nft -t mangle -D PREROUTING 1".into())
        );
    }
}
