// SPDX-License-Identifier: GPL-2.0-only

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    rules: Rules,
}

fn parse(args: &[&str]) -> Result<Rules, clap::Error> {
    Line::try_parse_from([&["rules"], args].concat()).map(|line| line.rules)
}

fn text(args: &[&str], old: &[Jump]) -> String {
    let rules = parse(args).expect("the arguments parse");
    let is_ipv6 = rules.held.is_ipv6().expect("the addresses agree");
    let (from, own) = Chain::names(rules.chain.as_ref());
    let pinned = rules.names.find().expect("only default is named");
    Chains { from, own }.ruleset(&rules.held, &pinned, is_ipv6, old)
}

/// Lines that iptables-restore acts on, without comments.
fn lines(args: &[&str]) -> Vec<String> {
    let text = text(args, &[]);
    assert!(text.starts_with("# Load with: ip"), "{text}");
    assert!(text.ends_with("\nCOMMIT\n"), "{text}");
    let is_rule = |line: &&str| line.starts_with('-') || line.starts_with(':');
    text.lines().filter(is_rule).map(str::to_string).collect()
}

fn nft(args: &[&str]) -> String {
    let rules = parse(args).expect("the arguments parse");
    let hook = Chain::hook(rules.chain.as_ref()).expect("a hook");
    let pinned = rules.names.find().expect("only default is named");
    nft::ruleset(
        &rules.held,
        &pinned,
        hook,
        nft::PASS_MARK,
        rules.held.strict,
    )
}

#[test]
fn without_options() {
    assert_eq!(
        lines(&[]),
        [
            ":TLSCONN - [0:0]",
            "-I FORWARD 1 -p udp -m udp --dport 443 -m comment --comment \"tlsconn: QUIC\" -j TLSCONN",
            "-I FORWARD 2 -p tcp -m comment --comment \"tlsconn: hold TLS data of what is not pinned\" -j TLSCONN",
            "-A TLSCONN -p udp -m comment --comment \"tlsconn: QUIC: rejected, so that clients fall back to TCP\" -j \
             REJECT",
            "-A TLSCONN -p tcp -m tlsconn --pinned -m comment --comment \"tlsconn: pinned: let the other rules \
             decide\" -j RETURN",
            "-A TLSCONN -p tcp -m tlsconn --record-type application-data,heartbeat,unknown -m comment --comment \
             \"tlsconn: data of what is not pinned: dropped\" -j DROP",
        ]
    );
}

#[test]
fn strict() {
    let all = lines(&["--strict", "--quic", "pass"]);
    assert!(
        all[3].contains(" --record-type application-data,heartbeat,unknown,in-doubt -m comment "),
        "{}",
        all[3]
    );
}

#[test]
fn both_ways_of_the_connections_that_are_meant() {
    let all = lines(&[
        "--src",
        "10.0.1.0/24",
        "--dst",
        "10.0.2.2",
        "--port",
        "443",
        "--on-data",
        "reset",
        "--chain",
        "hold",
    ]);
    let expected = [
        ":hold - [0:0]",
        "-I FORWARD 1 -p udp -s 10.0.1.0/24 -d 10.0.2.2 -m udp --dport 443 ",
        "-I FORWARD 2 -p tcp -s 10.0.1.0/24 -d 10.0.2.2 -m tcp --dport 443 ",
        "-I FORWARD 3 -p tcp -d 10.0.1.0/24 -s 10.0.2.2 -m tcp --sport 443 ",
    ];
    for (line, expected) in all.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert!(
        all[6].ends_with(" -j REJECT --reject-with tcp-reset"),
        "{}",
        all[6]
    );
    let all = lines(&["--src", "2001:db8::/32", "--quic", "pass"]);
    assert!(all[1].contains(" -s 2001:db8::/32 "), "{}", all[1]);
}

#[test]
fn as_many_ports_as_multiport_takes_go_into_a_rule() {
    let all = lines(&["--port", "8443,443,443", "--quic", "pass"]);
    assert!(
        all[1].starts_with("-I FORWARD 1 -p tcp -m multiport --dports 443,8443 "),
        "{}",
        all[1]
    );
    assert!(
        all[2].starts_with("-I FORWARD 2 -p tcp -m multiport --sports 443,8443 "),
        "{}",
        all[2]
    );
    let ports: Vec<String> = (1..=16).map(|port: u16| port.to_string()).collect();
    let all = lines(&["--port", &ports.join(",")]);
    let jumps: Vec<&String> = all.iter().filter(|line| line.starts_with("-I")).collect();
    assert_eq!(jumps.len(), 6, "{jumps:?}");
    assert!(
        jumps[5].starts_with("-I FORWARD 6 -p tcp -m tcp --sport 16 "),
        "{jumps:?}"
    );
}

#[test]
fn the_first_line_names_the_command() {
    let first = |args: &[&str]| text(args, &[]).lines().next().map(str::to_string);
    assert_eq!(
        first(&["--dst", "10.0.2.2"]).as_deref(),
        Some("# Load with: iptables-restore --noflush")
    );
    assert_eq!(
        first(&["--dst", "2001:db8::2"]).as_deref(),
        Some("# Load with: ip6tables-restore --noflush")
    );
    assert!(first(&[]).is_some_and(|line| line.ends_with(", or ip6tables-restore --noflush")));
    assert!(nft(&[]).starts_with("# Load with: nft -f -\n"));
}

#[test]
fn a_chain_of_the_kernel_s_own_jumps() {
    let all = lines(&["--chain", "INPUT", "--quic", "pass"]);
    assert_eq!(all[0], ":TLSCONN-INPUT - [0:0]");
    assert!(all[1].starts_with("-I INPUT 1 -p tcp ") && all[1].ends_with(" -j TLSCONN-INPUT"));
    assert!(lines(&["--chain", "FORWARD"]) == lines(&[]));
}

/// What iptables-save prints, with jumps of ours at two places and one of somebody else's.
const SAVED: &str = "\
*mangle
-A FORWARD -p tcp -j TLSCONN
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:TLSCONN - [0:0]
-A FORWARD -p tcp -m comment --comment \"tlsconn: hold\" -j TLSCONN
-A FORWARD -j TLSCONN-INPUT
-A FORWARD -s 10.0.0.0/8 -p tcp -j TLSCONN
-A other -p tcp -j TLSCONN
COMMIT
";

#[test]
fn jumps_that_are_there_go() {
    let rules = parse(&[]).expect("the arguments parse");
    let (from, own) = Chain::names(None);
    let chains = Chains { from, own };
    let old = chains.jumps_in(SAVED, true);
    let deleted = "-6 -D FORWARD -p tcp -m comment --comment \"tlsconn: hold\" -j TLSCONN\n\
                   -6 -D FORWARD -s 10.0.0.0/8 -p tcp -j TLSCONN\n";
    let pinned = rules.names.find().expect("only default is named");
    let text = chains.ruleset(&rules.held, &pinned, None, &old);
    let place = text.find(deleted).expect("both are deleted");
    assert!(
        text.find(":TLSCONN ") < Some(place) && text.find("-I FORWARD 1 ") > Some(place),
        "{text}"
    );
    assert_eq!(text.matches(" -D ").count(), 2);
    assert_eq!(
        chains.removal(&chains.jumps_in(SAVED, false)),
        format!(
            "*filter\n{}-F TLSCONN\n-X TLSCONN\nCOMMIT\n",
            deleted.replace("-6", "-4")
        )
    );
    assert!(chains.is_in(SAVED) && !chains.is_in(&SAVED.replace(":TLSCONN ", ":TLSCONN-INPUT ")));
    assert_eq!(chains.jumps_in("", false), []);
}

#[test]
fn a_table_of_nft() {
    let text = nft(&[
        "--port",
        "8443,443",
        "--src",
        "10.0.1.0/24",
        "--dst",
        "10.0.2.2",
    ]);
    let commands: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        commands,
        [
            "table inet tlsconn",
            "delete table inet tlsconn",
            "table inet tlsconn {",
            "\tchain forward {",
            "\t\ttype filter hook forward priority filter - 5; policy accept;",
            "\t\tip saddr 10.0.1.0/24 ip daddr 10.0.2.2 tcp dport { 443, 8443 } goto held",
            "\t\tip daddr 10.0.1.0/24 ip saddr 10.0.2.2 tcp sport { 443, 8443 } goto held",
            "\t\tip saddr 10.0.1.0/24 ip daddr 10.0.2.2 udp dport { 443, 8443 } reject comment \"tlsconn: QUIC\"",
            "\t}",
            "",
            "\tchain held {",
            "\t\tct mark and 0xff000000 == 0x54000000 accept comment \"tlsconn: pinned\"",
            "\t\tmeta mark and 0x00800000 == 0 drop comment \"tlsconn: data of what is not pinned\"",
            "\t}",
            "}",
        ]
    );
    assert!(
        text.contains("\n# tlsconnctl track on --pass-mark 0x00800000\n"),
        "{text}"
    );
}

#[test]
fn what_is_denied_comes_before_what_is_allowed() {
    let pinned = pins::tests::pinned(
        &[("a", 0x5500_0000), ("default", 0x5400_0000)],
        &[("c", 0x5700_0000)],
    );
    let rules = parse(&[]).expect("the arguments parse");
    let (from, own) = Chain::names(None);
    let text = Chains { from, own }.ruleset(&rules.held, &pinned, None, &[]);
    let chain: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("-A TLSCONN -p tcp"))
        .collect();
    let expected = [
        (
            "-m tcp --tcp-flags RST RST -m tlsconn --pinned --pin-mark 0x57000000/0xff000000 ",
            "-j RETURN",
        ),
        (
            "-m tlsconn --pinned --pin-mark 0x57000000/0xff000000 ",
            "-j REJECT --reject-with tcp-reset",
        ),
        (
            "-m tlsconn --pinned --pin-mark 0x55000000/0xff000000 ",
            "-j RETURN",
        ),
        ("-m tlsconn --pinned -m comment ", "-j RETURN"),
        (
            "-m tlsconn --record-type application-data,heartbeat,unknown ",
            "-j DROP",
        ),
    ];
    assert_eq!(chain.len(), expected.len(), "{chain:?}");
    for (line, (matches, target)) in chain.iter().zip(expected) {
        assert!(
            line.starts_with(&format!("-A TLSCONN -p tcp {matches}")) && line.ends_with(target),
            "{line}"
        );
    }
    let text = nft::ruleset(&rules.held, &pinned, "forward", nft::PASS_MARK, false);
    let chain: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("ct mark "))
        .collect();
    assert_eq!(
        chain,
        [
            "ct mark and 0xff000000 == 0x57000000 tcp flags & rst == rst accept comment \"tlsconn: denied as c: resets\"",
            "ct mark and 0xff000000 == 0x57000000 reject with tcp reset comment \"tlsconn: denied as c\"",
            "ct mark and 0xff000000 == 0x55000000 accept comment \"tlsconn: pinned as a\"",
            "ct mark and 0xff000000 == 0x54000000 accept comment \"tlsconn: pinned\"",
        ]
    );
}

#[test]
fn other_tables_of_nft() {
    let text = nft(&[
        "--quic",
        "pass",
        "--on-data",
        "reset",
        "--strict",
        "--chain",
        "INPUT",
    ]);
    assert!(
        text.contains("\ntable inet tlsconn-input {\n\tchain input {\n"),
        "{text}"
    );
    assert!(
        text.contains(
            "hook input priority filter - 5; policy accept;\n\t\tmeta l4proto tcp goto held\n\t}"
        ),
        "{text}"
    );
    assert!(
        text.contains(" == 0 reject with tcp reset comment "),
        "{text}"
    );
    assert!(text.contains("--pass-mark 0x00800000 --strict\n"), "{text}");
    assert!(nft(&["--dst", "fd02::/64"])
        .contains("\t\tip6 saddr fd02::/64 meta l4proto tcp goto held\n"));
    let named = parse(&["--chain", "hold"]).expect("it parses");
    assert_eq!(Chain::hook(named.chain.as_ref()), None);
}

#[test]
fn what_makes_no_ruleset_is_refused() {
    let long = "x".repeat(29);
    for wrong in [
        &["--chain", ""] as &[&str],
        &["--chain", "two words"],
        &["--chain", "-A"],
        &["--chain", "a\nCOMMIT"],
        &["--chain", "DROP"],
        &["--chain", &long],
        &["--port", "0"],
        &["--port", "443,65536"],
        &["--port", "443,"],
        &["--src", "10.0.0.1:443"],
        &["--src", "host"],
        &["--on-data", "accept"],
        &["--quic", "drop"],
        &["--format", "pf"],
        &["--load", "--unload"],
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
    let mixed = parse(&["--src", "10.0.0.1", "--dst", "::1"]).expect("each parses");
    assert!(mixed.held.is_ipv6().is_err());
}

#[test]
fn a_command_that_fails_is_named() {
    let missing = run(&["tlsconn-none-of-this-name"], "").expect_err("there is none");
    assert!(missing
        .message
        .contains("tlsconn-none-of-this-name: there is no such command"));
    let failed = run(&["sh", "-c", "cat >&2; exit 1"], "one\n\ntwo\n").expect_err("it fails");
    assert!(failed.message.ends_with(": one; two"), "{}", failed.message);
    assert_eq!(run(&["cat"], "text").ok().as_deref(), Some("text"));
}
