// SPDX-License-Identifier: GPL-2.0-only

//! The ruleset for nft, by the pass mark: it needs neither xtables nor the extension.

use crate::endpoint::Endpoint;

use super::{
    held::{Held, OnData},
    pins::{Asked, Pinned},
};

/// The pass mark where none is on.
pub(super) const PASS_MARK: u32 = 0x0080_0000;

/// What loads the ruleset.
pub(super) const COMMAND: &str = "nft -f -";

/// The table at a hook: one for each, so that one can be taken away without the others.
pub(super) fn table(hook: &str) -> String {
    match hook {
        "forward" => "tlsconn".into(),
        hook => format!("tlsconn-{hook}"),
    }
}

/// The command without which nothing passes.
pub(super) fn track_on(bit: u32, strict: bool) -> String {
    let strict = if strict { " --strict" } else { "" };
    format!("tlsconnctl track on --pass-mark {bit:#010x}{strict}")
}

/// What holds, by that bit of the packet mark. In one transaction the table is made, if it is not there, taken away, and made as
/// it is to be.
pub(super) fn ruleset(held: &Held, pinned: &Pinned, hook: &str, bit: u32, strict: bool) -> String {
    let table = table(hook);
    let verb = held.verb();
    let verdict = match held.on_data {
        OnData::Drop => "drop",
        OnData::Reset => "reject with tcp reset",
    };
    let pins = marks(pinned).join("\n\t\t");
    let rules = rules(held, "goto held").join("\n\t\t");
    format!(
        "\
# Load with: {COMMAND}
# TLS data of connections that are not pinned (tlsconnctl pin) is {verb}; handshakes and pinned connections go on to
# the other tables. Without the following command only pinned connections pass:
# {on}
# Printed by tlsconnctl {version}.
table inet {table}
delete table inet {table}
table inet {table} {{
	chain {hook} {{
		type filter hook {hook} priority filter - 5; policy accept;
		{rules}
	}}

	chain held {{
		{pins}
		meta mark and {bit:#010x} == 0 {verdict} comment \"tlsconn: data of what is not pinned\"
	}}
}}
",
        on = track_on(bit, strict),
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// What becomes of pinned connections: what is denied comes first.
fn marks(pinned: &Pinned) -> Vec<String> {
    let carries = |Asked { mark, .. }: &Asked| {
        format!("ct mark and {:#010x} == {:#010x}", mark.mask, mark.value)
    };
    let mut rules = Vec::new();
    for denied in &pinned.deny {
        let (carries, comment) = (carries(denied), denied.comment("denied"));
        rules.push(format!(
            "{carries} tcp flags & rst == rst accept comment \"tlsconn: {comment}: resets\""
        ));
        rules.push(format!(
            "{carries} reject with tcp reset comment \"tlsconn: {comment}\""
        ));
    }
    for allowed in &pinned.allow {
        let comment = allowed.comment("pinned");
        rules.push(format!(
            "{} accept comment \"tlsconn: {comment}\"",
            carries(allowed)
        ));
    }
    rules
}

/// What takes it away, if it is there.
pub(super) fn removal(hook: &str) -> String {
    let table = table(hook);
    format!("table inet {table}\ndelete table inet {table}\n")
}

/// Which packets are looked at, both ways, and what becomes of TCP. By addresses and ports and not by conntrack's entry, so
/// that packets that have none are held too. TCP comes first, and does not come back from there: each rule less is a good part
/// of what a packet costs.
pub(super) fn rules(held: &Held, tcp: &str) -> Vec<String> {
    let there = address(&held.src, "saddr") + &address(&held.dst, "daddr");
    let back = address(&held.src, "daddr") + &address(&held.dst, "saddr");
    let mut rules = Vec::new();
    match held.ports().as_slice() {
        [] if there.is_empty() => rules.push(format!("meta l4proto tcp {tcp}")),
        [] => rules.extend([
            format!("{there}meta l4proto tcp {tcp}"),
            format!("{back}meta l4proto tcp {tcp}"),
        ]),
        ports => rules.extend([
            format!("{there}tcp dport {} {tcp}", port(ports)),
            format!("{back}tcp sport {} {tcp}", port(ports)),
        ]),
    }
    if let Some(ports) = held.quic_ports() {
        let ports = port(&ports);
        rules.push(format!(
            "{there}udp dport {ports} reject comment \"tlsconn: QUIC\""
        ));
    }
    rules
}

/// A condition on an address, with a space after it.
fn address(network: &Option<Endpoint>, end: &str) -> String {
    match network {
        None => String::new(),
        Some(network) => {
            let family = if network.is_ipv6() { "ip6" } else { "ip" };
            format!("{family} {end} {} ", network.network())
        }
    }
}

/// A port or a set of them.
fn port(ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    match ports.as_slice() {
        [port] => port.clone(),
        ports => format!("{{ {} }}", ports.join(", ")),
    }
}
