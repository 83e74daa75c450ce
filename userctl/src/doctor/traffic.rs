// SPDX-License-Identifier: GPL-2.0-only

//! Which packets are followed through the rules: of every kind that has to be held, by every way between two interfaces.

use super::{
    condition::is_named,
    firewall::{Condition, Step},
    host::Host,
    interfaces::Interface,
    network::Network,
    packet::{Carries, Packet, Port, State},
};

/// Interfaces that are looked at.
const INTERFACES_MAX: usize = 16;
/// Interfaces of which no rule has the name: all of them fare alike.
const UNNAMED_MAX: usize = 2;
pub(super) const HTTPS: u16 = 443;

/// From one interface to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    pub(super) from: &'a Interface,
    pub(super) to: &'a Interface,
    /// Whether packets do go there, as far as can be seen.
    pub(super) is_sure: bool,
}

/// The ways by which a version of IP is forwarded; and whether these are all.
pub(super) fn ways(host: &Host, is_ipv6: bool) -> (Vec<Way<'_>>, bool) {
    let version = usize::from(is_ipv6);
    let all = host.interfaces.as_deref().unwrap_or_default();
    // Frames between a bridge's ports are the bridge's.
    let mut candidates: Vec<&Interface> = all.iter().filter(|one| one.bridge.is_none()).collect();
    let is_used = |one: &Interface| {
        one.is_up && !one.is_vrf && one.vrf.is_none() && network(one, is_ipv6).is_some()
    };
    candidates.sort_by_key(|one| !is_used(one));
    let names = names(host);
    // They fare alike, but for whether their packets are forwarded.
    let (mut forwarding, mut others) = (0, 0);
    candidates.retain(|one| {
        if names.iter().any(|name| is_named(&one.name, name)) {
            return true;
        }
        let unnamed = match one.forwards.get(version) {
            Some(true) => &mut forwarding,
            _ => &mut others,
        };
        *unnamed += 1;
        *unnamed <= UNNAMED_MAX
    });
    let is_all = candidates.len() <= INTERFACES_MAX;
    candidates.truncate(INTERFACES_MAX);
    let mut ways = Vec::new();
    for from in candidates
        .iter()
        .filter(|from| from.forwards.get(version) == Some(&true))
    {
        for to in &candidates {
            ways.push(Way {
                from,
                to,
                is_sure: is_used(from) && is_used(to) && from.name != to.name,
            });
        }
    }
    (ways, is_all)
}

/// A network at an interface, with others than this machine in it.
fn network(of: &Interface, is_ipv6: bool) -> Option<Network> {
    let mut networks = of.networks.iter().copied();
    networks.find(|network| network.is_ipv6 == is_ipv6 && !network.is_one_address())
}

/// Every interface that a rule names.
fn names(host: &Host) -> Vec<String> {
    fn of<'a>(condition: &'a Condition, names: &mut Vec<&'a str>) {
        match condition {
            Condition::In(name) | Condition::Out(name) => names.push(name),
            Condition::Any(any) => any.iter().for_each(|one| of(one, names)),
            _ => {}
        }
    }
    let mut names = Vec::new();
    let rules = host
        .firewall
        .bases
        .iter()
        .flat_map(|base| &base.chains)
        .flat_map(|chain| &chain.rules);
    for step in rules.flat_map(|rule| &rule.steps) {
        match step {
            Step::If(condition, _) => of(condition, &mut names),
            Step::Choose(choices) => choices
                .iter()
                .for_each(|(condition, _)| of(condition, &mut names)),
            Step::Do(_) => {}
        }
    }
    let mut names: Vec<String> = names.into_iter().map(String::from).collect();
    names.sort();
    names.dedup();
    names
}

/// Packets of which most is known: between hosts of the networks at either end.
pub(super) fn plain(way: Way<'_>, is_ipv6: bool, carries: Carries) -> Vec<Packet<'_>> {
    let mut packets = Vec::new();
    for to_server in [true, false] {
        for port in [Port::Is(HTTPS), Port::Unnamed] {
            packets.push(Packet {
                is_ipv6,
                carries,
                state: State::Established,
                to_server,
                from: &way.from.name,
                to: &way.to.name,
                source: network(way.from, is_ipv6),
                destination: network(way.to, is_ipv6),
                port,
            });
        }
    }
    packets
}

/// Packets that stand for all that has to be held: of any address and port.
pub(super) fn all(way: Way<'_>, is_ipv6: bool) -> Vec<Packet<'_>> {
    let mut packets = Vec::new();
    for to_server in [true, false] {
        for (carries, state) in [
            (Carries::Data, State::Established),
            (Carries::Mixed, State::Established),
            (Carries::Unknown, State::Established),
            (Carries::Unknown, State::New),
            (Carries::Unknown, State::Related),
            (Carries::Unknown, State::Invalid),
            (Carries::Heartbeat, State::Established),
        ] {
            packets.push(Packet {
                is_ipv6,
                carries,
                state,
                to_server,
                from: &way.from.name,
                to: &way.to.name,
                source: None,
                destination: None,
                port: Port::Any,
            });
        }
    }
    packets
}
