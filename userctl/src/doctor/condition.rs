// SPDX-License-Identifier: GPL-2.0-only

//! Whether a packet fits a condition.

use super::{
    firewall::{Condition, Tls},
    packet::{Carries, Packet, Port, State},
    tri::Tri,
};

/// Types that are to pass.
const PASSING: [&str; 7] = [
    "handshake",
    "alert",
    "change-cipher-spec",
    "in-doubt",
    "20",
    "21",
    "22",
];
/// Ports from which clients come, unless they may be any.
const EPHEMERAL: (u16, u16) = (1024, u16::MAX);

/// What changes on a packet's way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Way {
    /// The bits of the packet mark that are known, and their values.
    pub(super) known: u32,
    pub(super) mark: u32,
    /// Whether conntrack leaves it out.
    pub(super) untracked: bool,
    /// Whether it is before conntrack, which knows nothing of it there.
    pub(super) is_early: bool,
    /// Whether somebody else has written the pass mark's bit while it is shown.
    pub(super) is_bit_theirs: bool,
    /// The bits of the connection mark that are pins'.
    pub(super) pin_bits: u32,
    /// Whether its connection may carry some of them, though no pin is bound to it.
    pub(super) is_marked: bool,
    /// Whether a rule has told it to be data, on the way to the rule where it is.
    pub(super) is_told: bool,
    pub(super) offloaded: Vec<String>,
}

/// Whether a rule goes on, with `!` or without. What has no connection has no mark, and fits neither.
pub(super) fn goes_on(condition: &Condition, not: bool, packet: &Packet<'_>, way: &Way) -> Tri {
    match condition {
        Condition::ConnectionMark(..) if has_no_entry(packet, way) && !way.is_early => Tri::No,
        _ => fits(condition, packet, way).negated(not),
    }
}

/// Whether conntrack has no entry for a packet: a rule has left it out, or it belongs to no connection (INVALID).
fn has_no_entry(packet: &Packet<'_>, way: &Way) -> bool {
    way.untracked || packet.state == State::Invalid
}

/// Whether a packet fits, where it is on its way.
pub(super) fn fits(condition: &Condition, packet: &Packet<'_>, way: &Way) -> Tri {
    match condition {
        Condition::In(name) => is_named(packet.from, name).into(),
        // Where it goes is decided after PREROUTING.
        Condition::Out(name) => is_named(packet.to, name).into(),
        Condition::Source(network) => network.has(packet.source.as_ref(), packet.is_ipv6),
        Condition::Destination(network) => network.has(packet.destination.as_ref(), packet.is_ipv6),
        Condition::IsIpv6(is) => (packet.is_ipv6 == *is).into(),
        Condition::Protocol(name) => match name.as_str() {
            "all" | "0" => Tri::Yes,
            "tcp" | "6" => (!packet.is_udp()).into(),
            "udp" | "17" => packet.is_udp().into(),
            _ => Tri::No,
        },
        Condition::SourcePort(ports) => port(ports, packet, !packet.to_server),
        Condition::DestinationPort(ports) => port(ports, packet, packet.to_server),
        Condition::States(states, more) => {
            let state = match way.untracked {
                true => State::Untracked,
                false => packet.state,
            };
            match states.contains(&state) {
                _ if way.is_early => Tri::Unknown,
                true => Tri::Yes,
                false if *more => Tri::Unknown,
                false => Tri::No,
            }
        }
        Condition::TcpFlags(mask, wanted) => {
            let (known, flags) = packet.flags();
            match (flags ^ wanted) & mask & known {
                _ if packet.is_udp() => Tri::No,
                0 if mask & !known == 0 => Tri::Yes,
                0 => Tri::Unknown,
                _ => Tri::No,
            }
        }
        Condition::Tls(tls) => told(tls, packet, way),
        Condition::Mark(value, mask) => {
            if (way.mark ^ value) & mask & way.known != 0 {
                Tri::No
            } else if mask & !way.known == 0 {
                Tri::Yes
            } else {
                Tri::Unknown
            }
        }
        Condition::ConnectionMark(..) if way.is_early || way.untracked => Tri::Unknown,
        Condition::ConnectionMark(value, mask) => carries(*value, *mask, way),
        Condition::Untold => Tri::Unknown,
        Condition::Any(any) => any
            .iter()
            .map(|one| fits(one, packet, way))
            .fold(Tri::No, Tri::or),
    }
}

/// Whether an interface is one of those.
pub(super) fn is_named(interface: &str, name: &str) -> bool {
    match name.strip_suffix(['+', '*']) {
        Some(head) => interface.starts_with(head),
        None => interface == name,
    }
}

/// Whether the server's port, or the client's, is in a range.
fn port(ranges: &[(u16, u16)], packet: &Packet<'_>, is_server: bool) -> Tri {
    let covers = |first, last| {
        ranges
            .iter()
            .any(|range| range.0 <= first && last <= range.1)
    };
    if covers(1, u16::MAX) {
        return Tri::Yes;
    }
    match packet.port {
        Port::Is(port) if is_server => covers(port, port).into(),
        // A port that no rule names may still be in a range.
        Port::Unnamed if is_server && ranges.iter().all(|range| range.0 == range.1) => Tri::No,
        Port::Is(_) | Port::Unnamed if !is_server => {
            let meets = |range: &(u16, u16)| range.1 >= EPHEMERAL.0;
            match ranges.iter().any(meets) {
                true if covers(EPHEMERAL.0, EPHEMERAL.1) => Tri::Yes,
                true => Tri::Unknown,
                false => Tri::No,
            }
        }
        _ => Tri::Unknown,
    }
}

/// Whether the mark of a connection without a pin is such a one: of pins it has no bit.
fn carries(value: u32, mask: u32, way: &Way) -> Tri {
    if way.is_marked {
        Tri::Unknown
    } else if value & mask & way.pin_bits != 0 {
        Tri::No
    } else if mask & !way.pin_bits == 0 {
        Tri::Yes
    } else {
        Tri::Unknown
    }
}

/// What the match says.
fn told(tls: &Tls, packet: &Packet<'_>, way: &Way) -> Tri {
    if packet.is_udp() {
        return Tri::No;
    }
    let mut told = match tls.more {
        true => Tri::Unknown,
        false => Tri::Yes,
    };
    let is_blind = way.is_early || has_no_entry(packet, way);
    if let Some(pinned) = tls.pinned {
        let is = match is_blind {
            true => Tri::No,
            false => carries(tls.pin_mark.value, tls.pin_mark.mask, way),
        };
        told = told.and(is.negated(!pinned));
    }
    if let Some((types, not)) = &tls.types {
        let listed = |names: [&str; 2]| types.iter().any(|one| names.contains(&one.as_str()));
        let unknown = ["unknown", "unknown"];
        let fit: Tri = match packet.carries {
            Carries::Nothing => listed(["none", "none"]).into(),
            _ if is_blind => listed(unknown).into(),
            Carries::Mixed => {
                let has_data = listed(["application-data", "23"]);
                let others = || types.iter().filter(|one| PASSING.contains(&one.as_str()));
                match tls.all {
                    // Beside its data it has records of some of these types.
                    true if has_data && others().count() == PASSING.len() => Tri::Yes,
                    true if has_data && others().count() > 0 => Tri::Unknown,
                    true => Tri::No,
                    false => (has_data || others().count() > 0).into(),
                }
            }
            Carries::Data => listed(["application-data", "23"]).into(),
            Carries::Heartbeat => listed(["heartbeat", "24"]).into(),
            Carries::Text => listed(unknown).into(),
            Carries::Unknown if tls.wire => Tri::Unknown,
            Carries::Unknown => listed(unknown).into(),
            Carries::Handshake => listed(["handshake", "22"]).into(),
            Carries::Quic => Tri::No,
        };
        told = told.and(fit.negated(*not));
    }
    if let Some((states, not)) = &tls.states {
        let listed = |name: &str| states.iter().any(|one| one == name).into();
        let fit = match packet.carries {
            _ if is_blind => listed("lost"),
            Carries::Data | Carries::Heartbeat => listed("established"),
            Carries::Text => listed("not-tls"),
            _ => Tri::Unknown,
        };
        told = told.and(fit.negated(*not));
    }
    told
}
