// SPDX-License-Identifier: GPL-2.0-only

//! QUIC: TLS over UDP, which the tracker does not see.

use super::{
    finding::{or_good, Finding},
    follow::Reading,
    held,
    host::Host,
    packet::{Carries, Packet, Port, State},
    traffic::{self, HTTPS},
};

/// Where TLS is held, QUIC is too, so that nobody gets around by it.
pub(super) fn held(host: &Host) -> Vec<Finding> {
    let check = "quic";
    let mut bad = Vec::new();
    for (is_ipv6, version) in [(false, "IPv4"), (true, "IPv6")] {
        // Only where TLS is held there is something to get around.
        if !held::holds_any(host, is_ipv6) {
            continue;
        }
        let mut told: Option<Finding> = None;
        for way in traffic::ways(host, is_ipv6).0 {
            let some = traffic::plain(way, is_ipv6, Carries::Quic)
                .into_iter()
                .find(|packet| packet.to_server);
            let Some(some) = some else { continue };
            let some = Packet {
                state: State::New,
                port: Port::Is(HTTPS),
                ..some
            };
            let any = Packet {
                source: None,
                destination: None,
                ..some.clone()
            };
            let rule = |fate: super::follow::Fate| {
                let rule = fate.untold.into_iter().chain(fate.accepting).next();
                rule.map(|rule| format!("; {rule}")).unwrap_or_default()
            };
            let fate = host.firewall.follow(&some, Reading::Plain);
            let (from, to) = (some.from, some.to);
            if fate.passes() && way.is_sure && host.may_stop().is_none() {
                told = Some(Finding {
                    check,
                    ok: Some(false),
                    detail: format!(
                        "QUIC over {version} is forwarded from {from} to {to}: it is TLS over UDP, and is not held{}", rule(fate)
                    ),
                    fix: reject(host, is_ipv6),
                });
                break;
            }
            let fate = host.firewall.follow(&any, Reading::Plain);
            if fate.may_pass && told.is_none() {
                told = Some(Finding::unknown(
                    check,
                    format!(
                        "QUIC over {version} may be forwarded from {from} to {to}{}",
                        rule(fate)
                    ),
                ));
            }
        }
        bad.extend(told);
    }
    or_good(bad, check, "nothing gets around the rules by QUIC")
}

/// Before all others, a rule that rejects it.
fn reject(host: &Host, is_ipv6: bool) -> Option<String> {
    if host.rulesets_of(is_ipv6).next().is_some() {
        return Some(format!(
            "{} -I FORWARD -p udp --dport 443 -j REJECT",
            host.command(is_ipv6)
        ));
    }
    host.tables.is_some().then(|| {
        "nft 'add table inet tlsconn-quic; add chain inet tlsconn-quic forward { type filter hook forward priority -5; }; \
         add rule inet tlsconn-quic forward udp dport 443 reject'"
            .into()
    })
}
