// SPDX-License-Identifier: GPL-2.0-only

//! What doctor says of rulesets; what becomes of packets there is measured by the guest's test_doctor_gateways.

use super::{
    finding::Finding, held, host::Host, interfaces::Interface, network::Network, of_nft, quic,
    ruleset::Ruleset,
};
use crate::model::Tracking;

const HOLD: &str = "\
-A FORWARD -p tcp -m tlsconn --pinned -j ACCEPT
-A FORWARD -p tcp -m tlsconn --record-type application-data,heartbeat,unknown -j DROP
";

fn interface(name: &str, network: &str) -> Interface {
    Interface {
        name: name.into(),
        is_up: true,
        networks: Network::parse(network).into_iter().collect(),
        forwards: [true, false],
        ..Interface::default()
    }
}

/// A gateway of IPv4.
fn gateway(policy: &str, rules: &str) -> Host {
    let text = format!("*filter\n:FORWARD {policy} [0:0]\n:own - [0:0]\n{rules}COMMIT\n");
    let mut host = Host {
        interfaces: Some(vec![
            interface("lan", "10.1.0.1/24"),
            interface("wan", "10.2.0.1/24"),
        ]),
        rulesets: vec![Ruleset::parse("iptables-nft", &text)],
        ..Host::default()
    };
    host.build();
    host
}

fn word(findings: &[Finding]) -> Option<bool> {
    match findings.iter().any(Finding::is_wrong) {
        true => Some(false),
        false if findings.iter().all(Finding::is_good) => Some(true),
        false => None,
    }
}

#[track_caller]
fn says(policy: &str, rules: &str, expected: Option<bool>) {
    let findings = held::held(&gateway(policy, rules));
    assert_eq!(word(&findings), expected, "{rules}{findings:#?}");
}

#[test]
fn what_accepts_before_ours() {
    says("ACCEPT", HOLD, Some(true));
    for (condition, expected) in [
        ("", Some(false)),
        ("-m conntrack --ctstate RELATED,ESTABLISHED ", Some(false)),
        ("-m conntrack ! --ctstate NEW ", Some(false)),
        ("-i lan -o wan ", Some(false)),
        ("-i eth9 ", Some(true)),
        ("-s 10.1.0.0/24 ", Some(false)),
        ("-s 10.1.0.2/32 ", None),
        ("-p tcp -m tcp --dport 443 ", Some(false)),
        ("-p tcp -m tcp --dport 22 ", None),
        ("-p tcp -m tcp --tcp-flags SYN,RST,ACK ACK ", Some(false)),
        // Data may come on a SYN.
        ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN ", None),
        ("-p tcp -m tcp --tcp-flags RST RST ", Some(true)),
        ("-p udp ", Some(true)),
        ("-m mark --mark 0x1/0x1 ", None),
        ("-m connmark --mark 0x1/0x1 ", None),
        ("-m connmark --mark 0x54000000/0xff000000 ", Some(true)),
        ("-m connmark --mark 0x0/0xff000000 ", Some(false)),
        (
            "-p tcp -m tlsconn --pinned --pin-mark 0x0/0xff ",
            Some(false),
        ),
        ("-m conntrack --ctstate RELATED ", None),
        ("-m limit --limit 5/sec ", None),
        ("-m set --match-set friends src ", None),
        ("-m addrtype ! --dst-type LOCAL ", None),
        ("-m conntrack --ctstate NEW ", None),
        (
            "-p tcp -m tlsconn --record-type application-data --all ",
            Some(false),
        ),
        // A packet may carry both.
        ("-p tcp -m tlsconn --record-type handshake ", None),
        (
            "-p tcp -m tlsconn --record-type handshake --all ",
            Some(true),
        ),
    ] {
        says(
            "ACCEPT",
            &format!("-A FORWARD {condition}-j ACCEPT\n{HOLD}"),
            expected,
        );
        says(
            "DROP",
            &format!(
                "-A FORWARD -j own\n{HOLD}-A FORWARD -j ACCEPT\n-A own {condition}-j ACCEPT\n"
            ),
            expected,
        );
    }
}

/// Never ok: what these rules let through is data.
#[test]
fn what_holds_a_part_only() {
    for rules in [
        // What conntrack calls INVALID has no mark, neither this one nor another.
        "-A FORWARD -p tcp -m connmark ! --mark 0x54000000/0xff000000 -j DROP\n",
        // A packet of data and of handshake is not all of these.
        "-A FORWARD -p tcp -m tlsconn --pinned -j ACCEPT\n\
         -A FORWARD -p tcp -m tlsconn --record-type application-data,heartbeat,unknown,alert --all -j DROP\n",
    ] {
        let findings = held::held(&gateway("ACCEPT", rules));
        assert_ne!(word(&findings), Some(true), "{rules}{findings:#?}");
    }
}

#[test]
fn an_interface_among_many() {
    let rules: String = ["lan", "wan"]
        .map(|name| HOLD.replace("FORWARD", &format!("FORWARD -i {name}")))
        .concat();
    let mut host = gateway("ACCEPT", &rules);
    let mut more: Vec<_> = (3..7)
        .map(|number| interface(&format!("if{number}"), &format!("10.{number}.0.1/24")))
        .collect();
    for (number, one) in more.iter_mut().enumerate() {
        one.forwards = [number == 3, false];
    }
    host.interfaces.get_or_insert_default().extend(more);
    host.build();
    let findings = held::held(&host);
    assert_ne!(word(&findings), Some(true), "{findings:#?}");
}

#[test]
fn rules_that_are_not_asked() {
    let own = HOLD.replace("FORWARD", "own");
    says("ACCEPT", &own, Some(false));
    says("DROP", &own, Some(true));
    says("ACCEPT", &format!("-A FORWARD -j own\n{own}"), Some(true));
    says(
        "ACCEPT",
        &format!("-A FORWARD -j own\n-A own -j RETURN\n{own}"),
        Some(false),
    );
    says("ACCEPT", &format!("-A FORWARD -i lan -j own\n{own}"), None);
    says("ACCEPT", &HOLD.replace("DROP", "LOG"), Some(false));
    says(
        "ACCEPT",
        &HOLD.replace(",heartbeat,unknown", ""),
        Some(false),
    );
    says("ACCEPT", &HOLD.replace("heartbeat,", ""), None);
    says(
        "ACCEPT",
        "-A FORWARD -p tcp -m tlsconn ! --record-type handshake,alert,change-cipher-spec,none -j DROP\n",
        None,
    );
    says(
        "ACCEPT",
        &HOLD.replace("application-data,heartbeat,", ""),
        Some(false),
    );
    says(
        "ACCEPT",
        &HOLD.replace(
            "-p tcp -m tlsconn --record",
            "-p tcp -m tcp --dport 443 -m tlsconn --record",
        ),
        Some(false),
    );
}

#[test]
fn where_no_connection_can_be_made() {
    let established = "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    says("DROP", &format!("{established}{HOLD}"), None);
    let new = "-A FORWARD -i lan -m conntrack --ctstate NEW -j ACCEPT\n";
    says("DROP", &format!("{established}{new}{HOLD}"), Some(false));
    let answers = "-A FORWARD -i wan -p tcp -m tcp --tcp-flags SYN SYN -j DROP\n";
    says("ACCEPT", &format!("{answers}{established}{HOLD}"), None);
}

#[test]
fn what_the_printed_rules_allow_and_deny() {
    let own = |jump: &str| {
        format!(
            "\
{jump}-A own -p tcp -m tcp --tcp-flags RST RST -m tlsconn --pinned --pin-mark 0x57000000/0xff000000 -j RETURN
-A own -p tcp -m tlsconn --pinned --pin-mark 0x57000000/0xff000000 -j REJECT --reject-with tcp-reset
-A own -p tcp -m tlsconn --pinned --pin-mark 0x55000000/0xff000000 -j RETURN
-A own -p tcp -m tlsconn --record-type application-data,heartbeat,unknown -j DROP
"
        )
    };
    says("ACCEPT", &own("-A FORWARD -p tcp -j own\n"), Some(true));
    says(
        "ACCEPT",
        &own("-A FORWARD -i lan -o wan -j ACCEPT\n-A FORWARD -p tcp -j own\n"),
        Some(false),
    );
    says("ACCEPT", &own(""), Some(false));
}

#[test]
fn a_jump_in_a_circle_ends() {
    says(
        "ACCEPT",
        &format!("-A FORWARD -j own\n-A own -j own\n{HOLD}"),
        Some(true),
    );
}

#[test]
fn quic() {
    for (policy, rules, expected) in [
        ("ACCEPT", "", Some(false)),
        ("DROP", "", Some(true)),
        (
            "ACCEPT",
            "-A FORWARD -p udp -m udp --dport 443 -j REJECT --reject-with icmp-port-unreachable\n",
            Some(true),
        ),
        (
            "ACCEPT",
            "-A FORWARD -p udp -m multiport --dports 53,443 -j DROP\n",
            Some(true),
        ),
        (
            "ACCEPT",
            "-A FORWARD -m conntrack --ctstate NEW -p udp -j DROP\n",
            Some(true),
        ),
        (
            "ACCEPT",
            "-A FORWARD -s 10.0.0.1 -p udp -m udp --dport 443 -j DROP\n",
            Some(false),
        ),
        (
            "ACCEPT",
            "-A FORWARD -p udp -j ACCEPT\n-A FORWARD -p udp -m udp --dport 443 -j DROP\n",
            Some(false),
        ),
        (
            "DROP",
            "-A FORWARD -p udp -m udp --dport 443 -j ACCEPT\n",
            Some(false),
        ),
    ] {
        let found = quic::held(&gateway(policy, &format!("{HOLD}{rules}")));
        assert_eq!(word(&found), expected, "{rules}");
    }
}

/// nft's table as `rules --format nft --allow a --deny b` makes it, with or without its flags.
fn table(flags: &str, rule: &str) -> String {
    format!(
        r#"{{"nftables": [{{"table": {{"family": "inet", "name": "tlsconn"{flags}}}}},
        {{"chain": {{"family": "inet", "table": "tlsconn", "name": "forward", "type": "filter", "hook": "forward", "prio": -5,
          "policy": "accept"}}}}, {{"chain": {{"family": "inet", "table": "tlsconn", "name": "held"}}}},
        {{"rule": {{"family": "inet", "table": "tlsconn", "chain": "forward", "handle": 1, "expr": [{rule}
          {{"goto": {{"target": "held"}}}}]}}}},
        {DENIED} {ALLOWED}
        {{"rule": {{"family": "inet", "table": "tlsconn", "chain": "held", "handle": 2, "expr": [{{"match": {{"op": "==", "left":
          {{"&": [{{"meta": {{"key": "mark"}}}}, 8388608]}}, "right": 0}}}}, {{"drop": null}}]}}}}]}}"#
    )
}

const DENIED: &str = r#"
    {"rule": {"family": "inet", "table": "tlsconn", "chain": "held", "handle": 3, "expr": [{"match": {"op": "==", "left":
     {"&": [{"ct": {"key": "mark"}}, 4278190080]}, "right": 1459617792}}, {"match": {"op": "==", "left": {"&": [
     {"payload": {"protocol": "tcp", "field": "flags"}}, "rst"]}, "right": "rst"}}, {"accept": null}]}},"#;
const ALLOWED: &str = r#"
    {"rule": {"family": "inet", "table": "tlsconn", "chain": "held", "handle": 4, "expr": [{"match": {"op": "==", "left":
     {"&": [{"ct": {"key": "mark"}}, 4278190080]}, "right": 1426063360}}, {"accept": null}]}},"#;

#[test]
fn the_pass_mark() {
    let tcp = r#"{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}},"#;
    let port = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 443}},"#;
    let frame = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "ether", "field": "saddr"}}, "right": "52:54:0:0:0:1"}},"#;
    let next = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "nexthdr"}}, "right": "tcp"}},"#;
    for (flags, rule, pass_mark, expected) in [
        ("", tcp, Some(0x0080_0000), Some(true)),
        ("", frame, Some(0x0080_0000), None),
        ("", next, Some(0x0080_0000), None),
        ("", port, Some(0x0080_0000), Some(false)),
        ("", tcp, Some(0x0040_0000), None),
        ("", tcp, None, None),
        (
            r#", "flags": "dormant""#,
            tcp,
            Some(0x0080_0000),
            Some(false),
        ),
    ] {
        let tracking = Tracking {
            pass_mark,
            ..Tracking::default()
        };
        let mut host = Host {
            tables: of_nft::read(&table(flags, rule), &[]),
            asked: Some(Ok((Vec::new(), Vec::new(), tracking))),
            ..gateway("ACCEPT", "")
        };
        host.build();
        let findings = held::held(&host);
        assert_eq!(
            word(&findings),
            expected,
            "{flags} {rule} {pass_mark:?} {findings:#?}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_not_wrong() {
    let mut host = gateway("ACCEPT", "");
    host.unread.push("iptables-save: Permission denied".into());
    assert_eq!(word(&held::held(&host)), None);
    host.interfaces = None;
    assert_eq!(word(&held::held(&host)), None);
}
