// SPDX-License-Identifier: GPL-2.0-only

//! Whether the rules hold the data of connections that are not pinned.

use super::{
    connects,
    finding::Finding,
    fix,
    follow::Reading,
    host::Host,
    packet::{Carries, Packet, Port, State},
    traffic::{self, Way, HTTPS},
};

const VERSIONS: [(bool, &str); 2] = [(false, "IPv4"), (true, "IPv6")];
const RULES: &str = "rules";
const ORDER: &str = "order";

/// What was found for a version of IP.
#[derive(Default)]
struct Found {
    wrong: Vec<(&'static str, String)>,
    doubts: Vec<(&'static str, String)>,
}

/// Whether rules hold anything of a version of IP.
pub(super) fn holds_any(host: &Host, is_ipv6: bool) -> bool {
    let (ways, _) = traffic::ways(host, is_ipv6);
    ways.iter().any(|way| {
        traffic::plain(*way, is_ipv6, Carries::Data)
            .iter()
            .chain(&traffic::all(*way, is_ipv6))
            .any(|packet| is_meant(host, packet))
    })
}

/// Whether our rules would hold a packet, if no other accepted it first.
fn is_meant(host: &Host, packet: &Packet<'_>) -> bool {
    let fate = host.firewall.follow(packet, Reading::OnlyOurs);
    fate.may_stop && !fate.may_pass
}

/// Rules hold data, for each version of IP that is forwarded.
pub(super) fn held(host: &Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(why) = host.unread.first() {
        findings.push(Finding::unknown(
            RULES,
            format!("not all rules can be read: {why}"),
        ));
    }
    if host.interfaces.is_none() {
        findings.push(Finding::unknown(
            RULES,
            "`ip -j -details address` shows no interfaces (is iproute2 installed?): no packet can be followed through the rules",
        ));
        return findings;
    }
    let mut forwards = false;
    let mut all_held = true;
    for (is_ipv6, version) in VERSIONS {
        let (ways, is_all) = traffic::ways(host, is_ipv6);
        if ways.is_empty() {
            continue;
        }
        forwards = true;
        let mut found = of_version(host, &ways, is_ipv6, version);
        if !is_all {
            let detail = format!("{version}: there are more interfaces than doctor looks at");
            found.doubts.push((RULES, detail));
        }
        all_held &= found.wrong.is_empty() && found.doubts.is_empty();
        for (check, detail) in found.wrong {
            findings.push(match host.may_stop() {
                None => Finding {
                    check,
                    ok: Some(false),
                    detail,
                    fix: fix::holding(host),
                },
                Some(why) => Finding::unknown(check, format!("{detail}; {why}")),
            });
        }
        let doubts = found.doubts.into_iter();
        findings.extend(doubts.map(|(check, detail)| Finding::unknown(check, detail)));
    }
    if !forwards {
        findings.push(Finding::unknown(
            RULES,
            "this machine forwards nothing, and doctor looks only at what is forwarded",
        ));
    } else if all_held && findings.is_empty() {
        findings.push(Finding::good(
            RULES,
            "what is forwarded and not pinned is held",
        ));
    }
    if !findings.iter().any(|finding| finding.check == ORDER)
        && !findings.iter().any(Finding::is_wrong)
        && forwards
        && all_held
    {
        findings.push(Finding::good(
            ORDER,
            "no rule accepts data before it is held",
        ));
    }
    findings
}

fn of_version(host: &Host, ways: &[Way<'_>], is_ipv6: bool, version: &str) -> Found {
    let mut found = Found::default();
    let any_meant = holds_any(host, is_ipv6);
    let mut is_open = false;
    for way in ways {
        for carries in [Carries::Data, Carries::Text] {
            for packet in traffic::plain(*way, is_ipv6, carries) {
                let fate = host.firewall.follow(&packet, Reading::Plain);
                if !fate.passes() || !way.is_sure || !connects::surely(host, *way, &packet) {
                    continue;
                }
                is_open = true;
                if is_meant(host, &packet) {
                    let detail = match fate.accepting.first() {
                        Some(rule) => format!("{rule} accepts {version} packets with data before the rules that hold it"),
                        None => format!("{version} packets from {} to {} with data never reach the rules that hold it", way.from.name, way.to.name),
                    };
                    add(&mut found.wrong, ORDER, detail);
                } else if any_meant {
                    limit(host, &packet, version, &mut found);
                }
            }
        }
        for packet in traffic::all(*way, is_ipv6) {
            let fate = host.firewall.follow(&packet, Reading::Plain);
            if !fate.may_pass {
                continue;
            }
            let rule = fate
                .accepting
                .first()
                .filter(|_| is_meant(host, &packet))
                .or(fate.untold.first());
            let what = what(&packet);
            let detail = match rule {
                Some(rule) => format!("{version}: {rule} may let {what} through that nobody has pinned"),
                None if any_meant => format!(
                    "{version}: {what} from {} to {} is not held whatever its addresses and ports are", way.from.name, way.to.name
                ),
                None => format!("{version}: nothing holds {what} from {} to {}", way.from.name, way.to.name),
            };
            add(&mut found.doubts, RULES, detail);
        }
    }
    if !any_meant && is_open {
        found.wrong = vec![(RULES, format!("nothing that is forwarded by {version} is held: it reaches no rule that uses the match or the pass mark"))];
    }
    // What is wrong has the doubts in it.
    if !found.wrong.is_empty() {
        found.doubts.clear();
    }
    found.doubts.truncate(4);
    found
}

fn add(list: &mut Vec<(&'static str, String)>, check: &'static str, detail: String) {
    if !list.iter().any(|(_, other)| *other == detail) {
        list.push((check, detail));
    }
}

/// What no rule is for: a part of what others are for, or something else that may well be meant to pass.
fn limit(host: &Host, packet: &Packet<'_>, version: &str, found: &mut Found) {
    let is_held = |other: &Packet<'_>| is_meant(host, other);
    let of_data = Packet {
        carries: Carries::Data,
        ..packet.clone()
    };
    let back = Packet {
        to_server: !packet.to_server,
        ..packet.clone()
    };
    let of_text = Packet {
        carries: Carries::Text,
        ..packet.clone()
    };
    if packet.carries == Carries::Text && is_held(&of_data) {
        let detail = format!("the rules of {version} hold application-data but not unknown: what cannot be told passes");
        add(&mut found.wrong, RULES, detail);
    } else if packet.carries == Carries::Data && is_held(&of_text) {
        let detail = format!("the rules of {version} hold unknown but not application-data");
        add(&mut found.wrong, RULES, detail);
    } else if is_held(&back) {
        let sender = if packet.to_server {
            "clients"
        } else {
            "servers"
        };
        let detail = format!(
            "the rules of {version} do not hold what {sender} send from {} to {}",
            packet.from, packet.to
        );
        add(&mut found.wrong, RULES, detail);
    } else {
        let port = match packet.port {
            Port::Is(HTTPS) => "to port 443",
            _ => "to ports that no rule names",
        };
        let detail = format!(
            "{version} from {} to {}, {port}: the rules do not hold it",
            packet.from, packet.to
        );
        add(&mut found.doubts, RULES, detail);
    }
}

fn what(packet: &Packet<'_>) -> &'static str {
    match (packet.carries, packet.state) {
        (Carries::Heartbeat, _) => "heartbeats",
        (Carries::Data, _) => "application data",
        (Carries::Mixed, _) => {
            "application data in one packet with an alert or a part of the handshake"
        }
        (_, State::New) => "data of a connection that conntrack has forgotten",
        (_, State::Invalid) => "what conntrack calls INVALID",
        _ => "data that cannot be told",
    }
}
