// SPDX-License-Identifier: GPL-2.0-only

//! Which columns there are where none is asked for, what they say, and how they are cut.

use super::*;
use crate::{
    model::{tests::connection, Bytes, Marking, Reason, State, Times},
    octets::Hex,
};

fn captured(reason: Option<Reason>, loose: bool) -> Connection {
    Connection {
        times: Some(Times {
            first: Time(1_000_000_000),
            last: Time(2_000_000_000),
            loose: Some(loose),
        }),
        marking: None,
        reason,
        ..connection()
    }
}

fn titles(connections: &[Connection], verbose: bool) -> Vec<&'static str> {
    let columns = Column::usual(Of::Capture, connections, verbose);
    columns
        .into_iter()
        .map(|Column(_, title, _)| title)
        .collect()
}

#[test]
fn only_what_there_is() {
    let names = |of| Column::names(of);
    assert!(names(Of::Live).contains(&"pin") && !names(Of::Live).contains(&"loose"));
    assert!(names(Of::Capture).contains(&"loose") && !names(Of::Capture).contains(&"pin"));
    for name in ["sni", "reason", "bytes", "first", "age", "rate"] {
        assert!(names(Of::Live).contains(&name) && names(Of::Capture).contains(&name));
    }
}

#[test]
fn reasons_only_where_there_are_any() {
    let usual = [
        "ID",
        "TIME",
        "SOURCE",
        "DESTINATION",
        "STATE",
        "TLS",
        "SNI",
        "RESUMED",
    ];
    let plain = captured(None, false);
    assert_eq!(titles(std::slice::from_ref(&plain), false), usual);
    let verbose = [&usual[..], &["ALPN", "CLIENT RANDOM", "CIPHER", "JA4"]].concat();
    assert_eq!(titles(std::slice::from_ref(&plain), true), verbose);
    for other in [captured(Some(Reason::Hole), false), captured(None, true)] {
        let with_reason = [&usual[..], &["REASON"]].concat();
        assert_eq!(titles(&[plain.clone(), other], false), with_reason);
    }
}

#[test]
fn a_reason_and_a_mark() {
    for (reason, loose, expected) in [
        (None, false, "-"),
        (None, true, "(loose)"),
        (Some(Reason::Hole), false, "hole"),
        (Some(Reason::Hole), true, "hole (loose)"),
    ] {
        let connections = [captured(reason, loose)];
        let columns = Column::of(&["reason"]);
        let text = table(&connections, &columns, Time(0)).render(false, None, false);
        assert_eq!(text, format!("{expected}\n"));
    }
}

#[test]
fn what_is_known_to_be_nothing_is_told_from_what_is_not_known() {
    let shown = |change: fn(&mut Connection), column: &str| {
        let mut connection = captured(None, false);
        change(&mut connection);
        let text = table(&[connection], &Column::of(&[column]), Time(0));
        text.render(false, None, false)
    };
    let empty = |connection: &mut Connection| connection.session_id = Some(Hex([].into()));
    assert_eq!(shown(empty, "session_id"), "\"\"\n");
    assert_eq!(
        shown(|connection| connection.session_id = None, "session_id"),
        "-\n"
    );
    assert_eq!(
        shown(|connection| connection.resumed = Some(true), "resumed"),
        "yes\n"
    );
    assert_eq!(
        shown(|connection| connection.resumed = Some(false), "resumed"),
        "no\n"
    );
    assert_eq!(
        shown(|connection| connection.resumed = None, "resumed"),
        "-\n"
    );
}

#[test]
fn addresses_keep_their_port_and_are_cut_before_names() {
    let mut connection = captured(None, false);
    connection.src = "[2001:db8::1:2:3:4]:40000".parse().expect("an address");
    connection.dst = "10.0.0.1:443".parse().expect("an address");
    connection.session_id = None;
    let columns = Column::of(&["src", "dst", "sni", "session_id"]);
    let shown = |room| {
        let text = table(std::slice::from_ref(&connection), &columns, Time(0));
        text.render(false, Some(room), false)
    };
    let name = shown(1000).split_whitespace().nth(2).map(str::to_owned);
    let name = name.expect("it has a name");
    assert!(name.len() > 8, "{name}");
    let expected = format!("[2001:db8::1:2:3:4]:40000 10.0.0.1:443 {name} -\n");
    assert_eq!(shown(expected.chars().count() - 1), expected);
    let expected = format!("[2001:db\u{2026}:40000 10.0.0.1:443 {name} -\n");
    assert_eq!(shown(expected.chars().count() - 1), expected);
    let cut: String = name.chars().take(7).collect();
    assert_eq!(
        shown(1),
        format!("[2001:db\u{2026}:40000 10.0.0.1:443 {cut}\u{2026} -\n")
    );
}

#[test]
fn at_80_columns() {
    let fresh = Connection {
        id: 12,
        state: State::Hello,
        confirmed: false,
        version: None,
        resumed: None,
        marking: Some(Marking {
            waiting: Bytes::default(),
            retry: None,
            pin: None,
            mark: 0,
        }),
        sni: None,
        ..connection()
    };
    let text = live(&[connection(), fresh], false).render(true, Some(80), false);
    let expected = "\
ID SOURCE         DESTINATION  STATE       TLS SNI             RESUMED PIN
7  10.0.1.2:40000 10.0.2.2:443 established 1.2 www.example.org yes     default
12 10.0.1.2:40000 10.0.2.2:443 hello       ?   -               -       -
";
    assert_eq!(text, expected);
}

#[test]
fn a_mark_that_somebody_else_has_set() {
    let marked = |mark| Connection {
        marking: Some(Marking {
            waiting: Bytes::default(),
            retry: None,
            pin: None,
            mark,
        }),
        ..connection()
    };
    let text = live(&[marked(0x5400_0007), marked(7)], false).render(false, Some(80), false);
    let pins: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert_eq!(pins, ["0x54000007", "-"]);
}

#[test]
fn long_names_are_cut_before_a_line_breaks() {
    let sni = Some(crate::octets::Name(
        b"a-rather-long-name.with.many.labels.example.org".into(),
    ));
    let long = Connection {
        sni,
        src: "192.168.100.7:40000".parse().expect("an address"),
        ..connection()
    };
    let text = live(&[long], false).render(true, Some(80), false);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    // Addresses before it.
    assert!(text.contains("192.168.\u{2026}:40000 "), "{text}");
    assert!(text.contains(" a-rather-l"), "{text}");
    // With room, and on a pipe, everything is there.
    let verbose = live(&[connection()], true).render(true, None, false);
    assert!(verbose.contains("0x54000000  h2    c1c1c1"), "{verbose}");
}
