// SPDX-License-Identifier: GPL-2.0-only

//! Rules of nft's own, from what `nft -j list ruleset` prints, as the checks follow packets through them.

use serde_json::Value;

use super::{
    firewall::{Action, Base, Chain, Condition, Hook, Rule, Step},
    network::Network,
    of_iptables::{flag, states},
    ruleset::Ruleset,
};

/// Statements after which a packet goes on as it was, as far as the checks are concerned.
const GOING_ON: [&str; 12] = [
    "counter",
    "log",
    "mangle",
    "ct helper",
    "ct timeout",
    "ct expectation",
    "continue",
    "set",
    "map",
    "meta",
    "secmark",
    "last",
];
const TABLE_FAMILIES: [&str; 3] = ["ip", "ip6", "inet"];

/// What nft's tables are.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) bases: Vec<Base>,
    /// Tables, as nft names them, that are not asked at all.
    pub(super) dormant: Vec<String>,
    /// Tables of bridges and devices that pass frames on beside IP's hooks.
    pub(super) beside: Vec<String>,
    /// Tables that may drop frames before or after IP's hooks.
    pub(super) outer: Vec<String>,
}

/// Reads them, but for the chains that the rulesets of iptables have already; None where that is not nft's JSON.
pub(super) fn read(text: &str, rulesets: &[Ruleset]) -> Option<Tables> {
    let document: Value = serde_json::from_str(text).ok()?;
    let objects = document.get("nftables")?.as_array()?;
    let of = |kind: &'static str| objects.iter().filter_map(move |object| object.get(kind));
    let name = |object: &Value, key: &str| -> Option<String> {
        let (family, table) = (word(object, "family")?, word(object, key)?);
        Some(format!("{family} {table}"))
    };
    let mut tables = Tables::default();
    for table in of("table") {
        let flags = table.get("flags").map(Value::to_string).unwrap_or_default();
        if flags.contains("dormant") {
            tables.dormant.extend(name(table, "name"));
        }
    }
    let devices = |family: &str, table: &str, flowtable: &str| -> Vec<String> {
        of("flowtable")
            .find(|object| {
                word(object, "family") == Some(family)
                    && word(object, "table") == Some(table)
                    && word(object, "name") == Some(flowtable)
            })
            .and_then(|object| object.get("dev"))
            .map(words)
            .unwrap_or_default()
    };
    let mut outer: Vec<String> = Vec::new();
    for chain in of("chain") {
        let is_outer = matches!(word(chain, "family"), Some("netdev" | "bridge"))
            || matches!(word(chain, "hook"), Some("ingress" | "egress"));
        if is_outer {
            outer.extend(name(chain, "table"));
            if word(chain, "policy") == Some("drop") {
                tables.outer.extend(name(chain, "table"));
            }
        }
    }
    for rule in of("rule") {
        let Some(table) = name(rule, "table").filter(|table| outer.contains(table)) else {
            continue;
        };
        let text = rule.get("expr").map(Value::to_string).unwrap_or_default();
        if text.contains("\"fwd\"") {
            tables.beside.push(table.clone());
        }
        if text.contains("\"drop\"") || text.contains("\"reject\"") {
            tables.outer.push(table);
        }
    }
    tables.outer.dedup();
    for base in of("chain") {
        let (Some(family), Some(table), Some(chain)) = (
            word(base, "family"),
            word(base, "table"),
            word(base, "name"),
        ) else {
            continue;
        };
        let hook = match word(base, "hook") {
            Some("prerouting") => Hook::Prerouting,
            Some("forward") => Hook::Forward,
            Some("postrouting") => Hook::Postrouting,
            _ => continue,
        };
        let full = format!("{family} {table}");
        let is_left_out = !TABLE_FAMILIES.contains(&family)
            || tables.dormant.contains(&full)
            || rulesets
                .iter()
                .any(|ruleset| ruleset.has_nft_chain(&format!("{full} {chain}")));
        if is_left_out {
            continue;
        }
        let of_table = |object: &&Value| {
            word(object, "family") == Some(family) && word(object, "table") == Some(table)
        };
        let chains: Vec<Chain> = of("chain")
            .filter(of_table)
            .filter_map(|object| word(object, "name"))
            .map(|name| Chain {
                name: name.into(),
                rules: of("rule")
                    .filter(of_table)
                    .filter(|rule| word(rule, "chain") == Some(name))
                    .map(|rule| {
                        let handle = rule.get("handle").and_then(Value::as_u64).unwrap_or(0);
                        Rule {
                            name: format!("nft: the rule of {full} {name} with handle {handle}"),
                            steps: steps(rule, &|flowtable| devices(family, table, flowtable)),
                        }
                    })
                    .collect(),
            })
            .collect();
        tables.bases.push(Base {
            hook,
            priority: base.get("prio").and_then(Value::as_i64).unwrap_or(0),
            is_ipv6: match family {
                "ip" => Some(false),
                "ip6" => Some(true),
                _ => None,
            },
            is_nat: word(base, "type") == Some("nat"),
            accepts: word(base, "policy") != Some("drop"),
            name: format!("nft: {full} {chain}"),
            first: chains.iter().position(|one| one.name == chain).unwrap_or(0),
            chains,
        });
    }
    Some(tables)
}

fn word<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

/// A word, or a list of them.
fn words(value: &Value) -> Vec<String> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter()
        .filter_map(Value::as_str)
        .map(String::from)
        .collect()
}

fn steps(rule: &Value, devices: &dyn Fn(&str) -> Vec<String>) -> Vec<Step> {
    let mut steps = Vec::new();
    let statements = rule.get("expr").and_then(Value::as_array);
    for statement in statements.into_iter().flatten() {
        let Some((name, what)) = statement
            .as_object()
            .and_then(|object| object.iter().next())
        else {
            steps.push(Step::If(Condition::Untold, false));
            continue;
        };
        match name.as_str() {
            "match" => matches(what, &mut steps),
            "vmap" => steps.push(choose(what).unwrap_or(Step::Do(Action::Untold))),
            "notrack" => steps.push(Step::Do(Action::NoTrack)),
            "flow" => {
                let flowtable = word(what, "flowtable").unwrap_or_default();
                steps.push(Step::Do(Action::Offload(devices(
                    flowtable.trim_start_matches('@'),
                ))));
            }
            "mangle" if names(what.get("key"), "meta", "mark") => {
                steps.push(Step::Do(Action::SetMark(written(what.get("value")))));
            }
            // They are asked like conditions.
            "limit" | "quota" | "ct count" | "connlimit" => {
                steps.push(Step::If(Condition::Untold, false))
            }
            name if GOING_ON.contains(&name) => {}
            // A match or target of iptables, of which nft prints the name alone.
            "xt" if word(what, "type") == Some("match") => {
                steps.push(Step::If(Condition::Untold, false))
            }
            name => steps.push(Step::Do(verdict(name, what).unwrap_or(Action::Untold))),
        }
    }
    steps
}

fn verdict(name: &str, what: &Value) -> Option<Action> {
    let target = || word(what, "target").map(String::from);
    Some(match name {
        "accept" | "masquerade" | "snat" => Action::Accept,
        "drop" | "reject" => Action::Stop,
        "return" => Action::Return,
        "continue" => return None,
        "jump" => Action::Jump(target()?),
        "goto" => Action::Goto(target()?),
        _ => return None,
    })
}

/// Whether a key is that of such a kind.
fn names(key: Option<&Value>, kind: &str, name: &str) -> bool {
    let inner = key.and_then(|key| key.get(kind));
    inner.and_then(|inner| word(inner, "key")) == Some(name)
}

/// What is written to the packet mark: the bits that stay, and those that are turned.
fn written(value: Option<&Value>) -> Option<(u32, u32)> {
    let value = value?;
    if let Some(number) = number(value) {
        return Some((0, number));
    }
    let (operator, operands) = value.as_object()?.iter().next()?;
    let [left, right] = operands.as_array()?.as_slice() else {
        return None;
    };
    let right = number(right)?;
    let (kept, turned) = match left {
        left if names(Some(left), "meta", "mark") => (u32::MAX, 0),
        left => written(Some(left))?,
    };
    Some(match operator.as_str() {
        "&" => (kept & right, turned & right),
        "|" => (kept & !right, turned & !right | right),
        "^" => (kept, turned ^ right),
        _ => return None,
    })
}

fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        Value::String(text) => super::ruleset::number(text),
        _ => None,
    }
}

fn matches(what: &Value, steps: &mut Vec<Step>) {
    let (Some(left), Some(right)) = (what.get("left"), what.get("right")) else {
        steps.push(Step::If(Condition::Untold, false));
        return;
    };
    let not = match word(what, "op") {
        Some("==" | "in") => false,
        Some("!=") => true,
        _ => {
            needed(left, steps);
            steps.push(Step::If(Condition::Untold, false));
            return;
        }
    };
    needed(left, steps);
    steps.push(Step::If(
        condition(left, right).unwrap_or(Condition::Untold),
        not,
    ));
}

/// What a key is masked with, and which key that is.
fn masked(left: &Value) -> Option<(&Value, &Value)> {
    match left.get("&").and_then(Value::as_array).map(Vec::as_slice) {
        Some([of, mask]) => Some((of, mask)),
        _ => None,
    }
}

/// TCP's flags: a word, a number, or several of them.
fn flags(value: &Value) -> Option<u8> {
    let all = |values: &Vec<Value>| {
        let mut all = values.iter().map(flags);
        all.try_fold(0, |before, one| Some(before | one?))
    };
    match value {
        Value::String(name) => flag(&name.to_ascii_uppercase()),
        Value::Array(values) => all(values),
        Value::Object(_) => all(value.get("|")?.as_array()?),
        _ => number(value)?.try_into().ok(),
    }
}

/// What has to be so for a field to be there at all.
fn needed(left: &Value, steps: &mut Vec<Step>) {
    let left = masked(left).map_or(left, |(of, _)| of);
    let Some(protocol) = left
        .get("payload")
        .and_then(|payload| word(payload, "protocol"))
    else {
        return;
    };
    match protocol {
        "ip" => steps.push(Step::If(Condition::IsIpv6(false), false)),
        "ip6" => steps.push(Step::If(Condition::IsIpv6(true), false)),
        "th" => {}
        name => steps.push(Step::If(Condition::Protocol(name.into()), false)),
    }
}

/// What a key is compared with: one value, or several.
fn condition(left: &Value, right: &Value) -> Option<Condition> {
    if let Some(set) = right.get("set").and_then(Value::as_array) {
        return set
            .iter()
            .map(|one| condition(left, one))
            .collect::<Option<_>>()
            .map(Condition::Any);
    }
    if let Some((of, mask)) = masked(left) {
        let payload = of.get("payload").map(|payload| word(payload, "field"));
        return Some(if names(Some(of), "meta", "mark") {
            Condition::Mark(number(right)?, number(mask)?)
        } else if names(Some(of), "ct", "mark") {
            Condition::ConnectionMark(number(right)?, number(mask)?)
        } else if payload == Some(Some("flags")) {
            Condition::TcpFlags(flags(mask)?, flags(right)?)
        } else {
            return None;
        });
    }
    let text = right
        .as_str()
        .filter(|text| !text.starts_with('@'))
        .map(String::from);
    if let Some(meta) = left.get("meta") {
        return Some(match word(meta, "key")? {
            "iifname" | "iif" => Condition::In(text?),
            "oifname" | "oif" => Condition::Out(text?),
            "l4proto" => Condition::Protocol(
                text.or_else(|| number(right).map(|number| number.to_string()))?,
            ),
            "mark" => Condition::Mark(number(right)?, u32::MAX),
            "nfproto" | "protocol" => match text?.as_str() {
                "ipv6" | "ip6" => Condition::IsIpv6(true),
                "ipv4" | "ip" => Condition::IsIpv6(false),
                _ => return None,
            },
            _ => return None,
        });
    }
    if let Some(ct) = left.get("ct") {
        return match (word(ct, "key")?, ct.get("dir")) {
            ("state", None) => {
                let names = words(right);
                Some(states(names.iter().map(String::as_str)))
            }
            ("mark", None) => Some(Condition::ConnectionMark(number(right)?, u32::MAX)),
            _ => None,
        };
    }
    let payload = left.get("payload")?;
    let network = || match right.get("prefix") {
        Some(prefix) => {
            let length = prefix.get("len")?.as_u64()?;
            Network::new(
                word(prefix, "addr")?.parse().ok()?,
                Some(length.try_into().ok()?),
            )
        }
        None => Network::parse(right.as_str()?),
    };
    let ports = || {
        let port = |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok());
        match right
            .get("range")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
        {
            Some([first, last]) => Some(vec![(port(first)?, port(last)?)]),
            _ => port(right).map(|port| vec![(port, port)]),
        }
    };
    Some(match word(payload, "field")? {
        "saddr" => Condition::Source(network()?),
        "daddr" => Condition::Destination(network()?),
        "sport" => Condition::SourcePort(ports()?),
        "dport" => Condition::DestinationPort(ports()?),
        "protocol" | "nexthdr" => Condition::Protocol(text?),
        _ => return None,
    })
}

/// A map of verdicts that stands in the rule itself.
fn choose(what: &Value) -> Option<Step> {
    let key = what.get("key")?;
    let elements = what.get("data")?.get("set")?.as_array()?;
    let choice = |element: &Value| {
        let [value, done] = element.as_array()?.as_slice() else {
            return None;
        };
        let (name, target) = done.as_object()?.iter().next()?;
        Some((
            condition(key, value).unwrap_or(Condition::Untold),
            verdict(name, target)?,
        ))
    };
    elements
        .iter()
        .map(choice)
        .collect::<Option<_>>()
        .map(Step::Choose)
}
