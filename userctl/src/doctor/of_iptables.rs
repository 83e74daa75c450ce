// SPDX-License-Identifier: GPL-2.0-only

//! Rules of iptables as the checks follow packets through them.

use super::{
    firewall::{Action, Base, Chain, Condition, Hook, Rule, Step, Tls},
    network::Network,
    packet::{State, ACK, FIN, PSH, RST, SYN, URG},
    ruleset::{self, Ruleset},
};
use crate::mark::Mark;

/// Where the tables come in: table, chain, hook, priority.
const PLACES: [(&str, &str, Hook, i64); 9] = [
    ("raw", "PREROUTING", Hook::Prerouting, -300),
    ("mangle", "PREROUTING", Hook::Prerouting, -150),
    (NAT, "PREROUTING", Hook::Prerouting, -100),
    ("mangle", "FORWARD", Hook::Forward, -150),
    ("filter", "FORWARD", Hook::Forward, 0),
    ("security", "FORWARD", Hook::Forward, 50),
    ("mangle", "POSTROUTING", Hook::Postrouting, -150),
    ("security", "POSTROUTING", Hook::Postrouting, 50),
    (NAT, "POSTROUTING", Hook::Postrouting, 100),
];
/// The table that sees a connection's first packet only.
const NAT: &str = "nat";
/// Matches that say nothing but what their options do.
const SAID_BY_OPTIONS: [&str; 9] = [
    "tcp",
    "udp",
    "multiport",
    "comment",
    "conntrack",
    "state",
    "mark",
    "connmark",
    "tlsconn",
];
/// Targets after which a packet goes on as it was, as far as the checks are concerned.
const GOING_ON: [&str; 19] = [
    "LOG",
    "NFLOG",
    "TRACE",
    "TCPMSS",
    "CONNMARK",
    "CONNSECMARK",
    "SECMARK",
    "CLASSIFY",
    "DSCP",
    "TOS",
    "TTL",
    "HL",
    "SET",
    "CHECKSUM",
    "AUDIT",
    "IDLETIMER",
    "TEE",
    "LED",
    "TCPOPTSTRIP",
];

/// The chains of a ruleset that the kernel calls for what is forwarded.
pub(super) fn bases(ruleset: &Ruleset) -> Vec<Base> {
    let mut bases = Vec::new();
    for (table, entrance, hook, priority) in PLACES {
        let of_table: Vec<&ruleset::Chain> = ruleset.chains_of(table).collect();
        let Some(first) = of_table.iter().position(|chain| chain.name == entrance) else {
            continue;
        };
        let names: Vec<&str> = of_table.iter().map(|chain| chain.name.as_str()).collect();
        let chains = of_table
            .iter()
            .map(|chain| Chain {
                name: chain.name.clone(),
                rules: chain
                    .rules
                    .iter()
                    .map(|rule| of_rule(ruleset, chain, rule, &names))
                    .collect(),
            })
            .collect();
        bases.push(Base {
            hook,
            priority,
            is_ipv6: Some(ruleset.is_ipv6()),
            accepts: of_table
                .get(first)
                .is_none_or(|chain| chain.policy.as_deref() != Some("DROP")),
            is_nat: table == NAT,
            name: format!("{}: {table} {entrance}", ruleset.command),
            first,
            chains,
        });
    }
    bases
}

fn of_rule(
    ruleset: &Ruleset,
    chain: &ruleset::Chain,
    rule: &ruleset::Rule,
    chains: &[&str],
) -> Rule {
    let table = match chain.table.as_str() {
        "filter" => String::new(),
        other => format!("{other} "),
    };
    Rule {
        name: format!(
            "{}: rule {} of {table}{} ({})",
            ruleset.command, rule.place, chain.name, rule.text
        ),
        steps: steps(rule.words(), chains),
    }
}

/// What stands in a rule, as iptables-save writes it.
fn steps(words: &[String], chains: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut tls: Option<Tls> = None;
    let mut words = words.iter().map(String::as_str).peekable();
    let mut not = false;
    // Options of several matches have the same names.
    let mut of_match = "";
    while let Some(word) = words.next() {
        let is_negated = std::mem::take(&mut not);
        if word == "!" {
            not = true;
            continue;
        }
        if word == "-j" || word == "-g" {
            let target = words.next().unwrap_or_default();
            let rest: Vec<&str> = words.collect();
            if let Some(tls) = tls {
                steps.push(Step::If(Condition::Tls(tls), false));
            }
            steps.extend(action(target, word == "-g", &rest, chains).map(Step::Do));
            return steps;
        }
        // Values of an option that is not known are passed over up to the next option.
        let mut values = Vec::new();
        while let Some(value) = words.next_if(|next| !next.starts_with('-') && *next != "!") {
            values.push(value);
        }
        let value = values.first().copied().unwrap_or_default();
        if word == "-m" {
            of_match = value;
            if value == "tlsconn" {
                tls.get_or_insert_default();
            }
            if !SAID_BY_OPTIONS.contains(&value) {
                steps.push(Step::If(Condition::Untold, false));
            }
        } else if let Some(tls) = tls.as_mut().filter(|_| of_match == "tlsconn") {
            of_tls(tls, word, value, is_negated);
        } else if of_match == "connmark" {
            let condition = match mark(value) {
                Some((value, mask)) if word == "--mark" => Condition::ConnectionMark(value, mask),
                _ => Condition::Untold,
            };
            steps.push(Step::If(condition, is_negated));
        } else if word != "--comment" {
            let condition = condition(word, &values).unwrap_or(Condition::Untold);
            steps.push(Step::If(condition, is_negated));
        }
    }
    if let Some(tls) = tls {
        steps.push(Step::If(Condition::Tls(tls), false));
    }
    steps
}

fn of_tls(tls: &mut Tls, option: &str, value: &str, not: bool) {
    let list = || value.split(',').map(String::from).collect();
    match option {
        "--record-type" => tls.types = Some((list(), not)),
        "--state" => tls.states = Some((list(), not)),
        "--all" => tls.all = true,
        "--wire" => tls.wire = true,
        "--pinned" => tls.pinned = Some(!not),
        "--pin-mark" => tls.pin_mark = Mark::parse(value).unwrap_or_default(),
        _ => tls.more = true,
    }
}

fn condition(option: &str, values: &[&str]) -> Option<Condition> {
    let [value, more @ ..] = values else {
        return None;
    };
    Some(match option {
        "-i" => Condition::In((*value).into()),
        "-o" => Condition::Out((*value).into()),
        "-s" => Condition::Source(Network::parse(value)?),
        "-d" => Condition::Destination(Network::parse(value)?),
        "-p" => Condition::Protocol((*value).into()),
        "--sport" | "--sports" => Condition::SourcePort(ports(value)?),
        "--dport" | "--dports" => Condition::DestinationPort(ports(value)?),
        "--ports" => Condition::Any(vec![
            Condition::SourcePort(ports(value)?),
            Condition::DestinationPort(ports(value)?),
        ]),
        "--ctstate" | "--state" => states(value.split(',')),
        "--tcp-flags" => Condition::TcpFlags(flags(value)?, flags(more.first()?)?),
        "--mark" => {
            let (value, mask) = mark(value)?;
            Condition::Mark(value, mask)
        }
        _ => return None,
    })
}

pub(super) fn states<'a>(names: impl Iterator<Item = &'a str>) -> Condition {
    let mut states = Vec::new();
    let mut more = false;
    for name in names {
        match name.to_ascii_uppercase().as_str() {
            "NEW" => states.push(State::New),
            "ESTABLISHED" => states.push(State::Established),
            "INVALID" => states.push(State::Invalid),
            "RELATED" => states.push(State::Related),
            "UNTRACKED" => states.push(State::Untracked),
            _ => more = true,
        }
    }
    Condition::States(states, more)
}

fn ports(text: &str) -> Option<Vec<(u16, u16)>> {
    let range = |text: &str| {
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    text.split(',').map(range).collect()
}

fn flags(text: &str) -> Option<u8> {
    let mut flags = 0;
    for name in text.split(',') {
        flags |= match name {
            "NONE" => 0,
            name => flag(name)?,
        };
    }
    Some(flags)
}

/// One of TCP's flags, by its name in capitals.
pub(super) fn flag(name: &str) -> Option<u8> {
    Some(match name {
        "FIN" => FIN,
        "SYN" => SYN,
        "RST" => RST,
        "PSH" => PSH,
        "ACK" => ACK,
        "URG" => URG,
        _ => return None,
    })
}

fn mark(text: &str) -> Option<(u32, u32)> {
    let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
    Some((ruleset::number(value)?, ruleset::number(mask)?))
}

/// None: packets go on.
fn action(target: &str, is_goto: bool, options: &[&str], chains: &[&str]) -> Option<Action> {
    if chains.contains(&target) {
        return Some(match is_goto {
            true => Action::Goto(target.into()),
            false => Action::Jump(target.into()),
        });
    }
    let says = |option: &str| options.contains(&option);
    match target {
        "ACCEPT" | "MASQUERADE" | "SNAT" => Some(Action::Accept),
        "DROP" | "REJECT" => Some(Action::Stop),
        "RETURN" => Some(Action::Return),
        "NOTRACK" => Some(Action::NoTrack),
        "CT" if says("--notrack") => Some(Action::NoTrack),
        "CT" => None,
        "MARK" => Some(Action::SetMark(match options {
            ["--set-xmark", text, ..] => mark(text).map(|(value, mask)| (!mask, value)),
            _ => None,
        })),
        "CONNMARK" if says("--restore-mark") => Some(Action::SetMark(None)),
        target if GOING_ON.contains(&target) => None,
        _ => Some(Action::Untold),
    }
}
