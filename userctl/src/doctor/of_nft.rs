// SPDX-License-Identifier: GPL-2.0-only

//! Rules of nft's own, from what `nft -j list ruleset` prints, as the checks follow packets through them.

use serde_json::Value;

use super::{
    firewall::{Action, Base, Chain, Condition, Hook, Rule, Step},
    nft_terms::{condition, names, needed, word, words, written},
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
