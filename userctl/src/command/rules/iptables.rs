// SPDX-License-Identifier: GPL-2.0-only

//! The ruleset for iptables-restore.

use std::fmt::Write;

use super::{
    held::{Held, OnData},
    pins::Pinned,
};

/// Ports that `-m multiport` takes at once (XT_MULTI_PORTS).
const PORTS_MAX: usize = 15;

/// The chain that jumps, and the one that is made.
pub(super) struct Chains<'a> {
    pub(super) from: &'a str,
    pub(super) own: String,
}

/// A jump that is there already.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Jump {
    is_ipv6: bool,
    /// What it asks for, as iptables-save writes it.
    conditions: String,
}

/// What loads the ruleset.
pub(super) fn command(is_ipv6: Option<bool>) -> &'static str {
    match is_ipv6 {
        Some(true) => "ip6tables-restore --noflush",
        _ => "iptables-restore --noflush",
    }
}

impl Chains<'_> {
    /// What holds; the jumps that are there go, so that it can be loaded again.
    pub(super) fn ruleset(
        &self,
        held: &Held,
        pinned: &Pinned,
        is_ipv6: Option<bool>,
        old: &[Jump],
    ) -> String {
        let Self { from, own } = self;
        let target = match held.on_data {
            OnData::Drop => "DROP",
            OnData::Reset => "REJECT --reject-with tcp-reset",
        };
        let load = command(is_ipv6);
        let both = if is_ipv6.is_none() {
            ", or ip6tables-restore --noflush"
        } else {
            ""
        };
        let verb = held.verb();
        let mut text = format!(
            "\
# Load with: {load}{both}
# TLS data of connections that are not pinned (tlsconnctl pin) is {verb}; handshakes and pinned connections go on to
# the other rules. Printed by tlsconnctl {version} for the rules that were there: print it again to load it again, and
# use `tlsconnctl rules --load` at boot.
*filter
# A chain of its own: made, or emptied where it is there already.
:{own} - [0:0]
",
            version = env!("CARGO_PKG_VERSION"),
        );
        if !old.is_empty() {
            text += "# What jumps to it already.\n";
            text += &self.without(old);
        }
        let _ = writeln!(
            text,
            "# Before all other rules of {from}, so that none of them accepts a packet before this chain has seen it."
        );
        // Inserted at the head one after the other, in the order in which they are to stand.
        for (place, (which, comment)) in jumps(held).iter().enumerate() {
            text += &rule(&format!("-I {from} {} {which}", place + 1), comment, own);
        }
        text += "# What reaches it.\n";
        if held.quic_ports().is_some() {
            text += &rule(
                &format!("-A {own} -p udp"),
                "QUIC: rejected, so that clients fall back to TCP",
                "REJECT",
            );
        }
        for denied in &pinned.deny {
            let (is_pinned, comment) = (denied.option(), denied.comment("denied"));
            text += &rule(
                &format!("-A {own} -p tcp -m tcp --tcp-flags RST RST -m tlsconn {is_pinned}"),
                &format!("{comment}: a reset lets the other end know"),
                "RETURN",
            );
            text += &rule(
                &format!("-A {own} -p tcp -m tlsconn {is_pinned}"),
                &format!("{comment}: reset"),
                "REJECT --reject-with tcp-reset",
            );
        }
        for allowed in &pinned.allow {
            text += &rule(
                &format!("-A {own} -p tcp -m tlsconn {}", allowed.option()),
                &format!("{}: let the other rules decide", allowed.comment("pinned")),
                "RETURN",
            );
        }
        text += &rule(
            &format!(
                "-A {own} -p tcp -m tlsconn --record-type {}",
                held_types(held)
            ),
            &format!("data of what is not pinned: {verb}"),
            target,
        );
        text + "COMMIT\n"
    }

    /// What takes it away.
    pub(super) fn removal(&self, old: &[Jump]) -> String {
        let Self { own, .. } = self;
        let jumps = self.without(old);
        format!("*filter\n{jumps}-F {own}\n-X {own}\nCOMMIT\n")
    }

    /// Whether the chain is there, in what iptables-save printed.
    pub(super) fn is_in(&self, saved: &str) -> bool {
        let line = format!(":{} ", self.own);
        filter(saved).any(|found| found.starts_with(&line))
    }

    /// The jumps that are in what iptables-save, or ip6tables-save, printed.
    pub(super) fn jumps_in(&self, saved: &str, is_ipv6: bool) -> Vec<Jump> {
        let (first, last) = (format!("-A {} ", self.from), format!("-j {}", self.own));
        filter(saved)
            .filter_map(|line| line.strip_prefix(&first)?.strip_suffix(&last))
            .map(|conditions| Jump {
                is_ipv6,
                conditions: conditions.into(),
            })
            .collect()
    }

    /// Deletes jumps; the other version's restore passes over such a line.
    fn without(&self, old: &[Jump]) -> String {
        let Self { from, own } = self;
        let mut text = String::new();
        for jump in old {
            let version = if jump.is_ipv6 { 6 } else { 4 };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "-{version} -D {from} {}-j {own}", jump.conditions);
        }
        text
    }
}

/// The lines of the filter table.
fn filter(saved: &str) -> impl Iterator<Item = &str> {
    saved
        .lines()
        .skip_while(|line| *line != "*filter")
        .take_while(|line| *line != "COMMIT")
}

/// Types that are held.
fn held_types(held: &Held) -> &'static str {
    match held.strict {
        true => "application-data,heartbeat,unknown,in-doubt",
        false => "application-data,heartbeat,unknown",
    }
}

/// Which packets are looked at, both ways, with a comment. By addresses and ports and not by conntrack's entry, so that packets
/// that have none are held too.
fn jumps(held: &Held) -> Vec<(String, &'static str)> {
    let (there, back) = addresses(held);
    let mut jumps = Vec::new();
    let ports = held.ports();
    if let Some(quic) = held.quic_ports() {
        for ports in quic.chunks(PORTS_MAX) {
            jumps.push((
                format!("-p udp{there}{}", dports("udp", "d", ports)),
                "QUIC",
            ));
        }
    }
    if ports.is_empty() && there.is_empty() {
        jumps.push(("-p tcp".into(), "hold TLS data of what is not pinned"));
        return jumps;
    }
    let all: [&[u16]; 1] = [&[]];
    let chunks: Vec<&[u16]> = match ports.is_empty() {
        true => all.into(),
        false => ports.chunks(PORTS_MAX).collect(),
    };
    for ports in chunks {
        jumps.push((
            format!("-p tcp{there}{}", dports("tcp", "d", ports)),
            "to the server: hold what is not pinned",
        ));
        jumps.push((
            format!("-p tcp{back}{}", dports("tcp", "s", ports)),
            "to the client: hold what is not pinned",
        ));
    }
    jumps
}

/// Conditions on addresses, to the server and back.
fn addresses(held: &Held) -> (String, String) {
    let (mut there, mut back) = (String::new(), String::new());
    for (network, ours, theirs) in [(&held.src, "s", "d"), (&held.dst, "d", "s")] {
        if let Some(network) = network {
            there += &format!(" -{ours} {}", network.network());
            back += &format!(" -{theirs} {}", network.network());
        }
    }
    (there, back)
}

/// A condition on the server's port, which is the destination's (d) or the source's (s).
fn dports(protocol: &str, end: &str, ports: &[u16]) -> String {
    match ports {
        [] => String::new(),
        [port] => format!(" -m {protocol} --{end}port {port}"),
        ports => {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            format!(" -m multiport --{end}ports {}", ports.join(","))
        }
    }
}

/// A line of the ruleset. The comment stays with the rule in the kernel, for `iptables -S`.
fn rule(matches: &str, comment: &str, target: &str) -> String {
    format!("{matches} -m comment --comment \"tlsconn: {comment}\" -j {target}\n")
}
