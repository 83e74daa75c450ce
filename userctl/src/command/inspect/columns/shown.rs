// SPDX-License-Identifier: GPL-2.0-only

//! Which columns there are where none is asked for, what they say, and how they are cut.

use super::*;
use crate::{
    model::{tests::connection, Captured, Reason},
    octets::Hex,
};

fn captured(reason: Option<Reason>, loose: bool) -> Connection {
    Connection {
        captured: Some(Captured {
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
    let columns = Column::usual(connections, verbose);
    columns
        .into_iter()
        .map(|Column(_, title, _)| title)
        .collect()
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
fn names_are_cut_first_and_addresses_keep_their_port() {
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
    let cut: String = name.chars().take(7).collect();
    let expected = format!("[2001:db8::1:2:3:4]:40000 10.0.0.1:443 {cut}\u{2026} -\n");
    assert_eq!(shown(expected.chars().count() - 1), expected);
    assert_eq!(
        shown(1),
        format!("[2001:db8\u{2026}:40000 10.0.0.1:443 {cut}\u{2026} -\n")
    );
}
