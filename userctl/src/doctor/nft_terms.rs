// SPDX-License-Identifier: GPL-2.0-only

//! What rules of nft's own compare and write, from nft's JSON.

use serde_json::Value;

use super::{
    firewall::{Condition, Step},
    network::Network,
    of_iptables::{flag, states},
};

pub(super) fn word<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

/// A word, or a list of them.
pub(super) fn words(value: &Value) -> Vec<String> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter()
        .filter_map(Value::as_str)
        .map(String::from)
        .collect()
}

/// Whether a key is that of such a kind.
pub(super) fn names(key: Option<&Value>, kind: &str, name: &str) -> bool {
    let inner = key.and_then(|key| key.get(kind));
    inner.and_then(|inner| word(inner, "key")) == Some(name)
}

/// What is written to the packet mark: the bits that stay, and those that are turned.
pub(super) fn written(value: Option<&Value>) -> Option<(u32, u32)> {
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
pub(super) fn needed(left: &Value, steps: &mut Vec<Step>) {
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
        // A frame's own fields are there for every packet; what they are is not known.
        "th" | "ether" | "vlan" => {}
        name => steps.push(Step::If(Condition::Protocol(name.into()), false)),
    }
}

/// What a key is compared with: one value, or several.
pub(super) fn condition(left: &Value, right: &Value) -> Option<Condition> {
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
        // IPv6's next header may be an extension: what comes after it is not said.
        "protocol" => Condition::Protocol(text?),
        _ => return None,
    })
}
