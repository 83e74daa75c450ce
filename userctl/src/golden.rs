// SPDX-License-Identifier: GPL-2.0-only

//! Tables and JSON as they are printed, against files in tests/golden. With UPDATE_GOLDEN=1 the files are written anew,
//! and the change is to be read before it is kept. tests/host/json-schema holds the JSON against the schema in docs/.

use std::{collections::BTreeMap, env, fs, path::Path};

use serde::Serialize;

use crate::{
    command::{columns, pins, show},
    model::{
        tests::connection, Bytes, Connection, Connections, Marking, Other, Pin, PinState, Pins,
        Reason, Resumption, State, Version,
    },
    octets::Name,
};

#[track_caller]
pub(crate) fn holds(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).expect("the folder can be written to");
    }
    let golden = fs::read_to_string(&path).expect(name);
    assert_eq!(text, golden, "{name}");
}

fn json(object: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(object).expect("it serialises");
    text.push('\n');
    text
}

/// Connections of every kind.
fn connections() -> Vec<Connection> {
    let unpinned = || {
        Some(Marking {
            waiting: Bytes::ByPart {
                client: 517,
                server: 0,
            },
            retry: None,
            pin: None,
            mark: 0,
        })
    };
    vec![
        connection(),
        Connection {
            id: 12,
            src: "10.0.1.2:40112".parse().expect("an address"),
            state: State::Handshake,
            confirmed: false,
            version: Some(Version::Tls13),
            sni: Some(Name(
                b"a-rather-long-name.with.many.labels.example.org".into(),
            )),
            resumption: Some(Resumption::Psk),
            resumes: None,
            marking: unpinned(),
            ..connection()
        },
        Connection {
            id: 1034,
            src: "[2001:db8:1:2:a00:27ff:fe4e:66a1]:52114"
                .parse()
                .expect("an address"),
            dst: "[2001:db8:ffff::443]:443".parse().expect("an address"),
            sni: Some(Name(b"caf\xc3\xa9.example".into())),
            resumed: Some(false),
            resumption: None,
            resumes: None,
            session_id: Some(crate::octets::Hex(Vec::new())),
            marking: unpinned(),
            ..connection()
        },
        Connection {
            reason: Some(Reason::MidStream),
            marking: Some(Marking {
                waiting: Bytes::ByEnd { src: 5, dst: 6000 },
                retry: None,
                pin: None,
                mark: 0x7,
            }),
            times: connection().times,
            ..Connection::new(
                1035,
                [
                    "192.168.100.200:65535".parse().expect("an address"),
                    "203.0.113.250:8443".parse().expect("an address"),
                ],
                State::Lost,
                Bytes::ByEnd { src: 5, dst: 6000 },
            )
        },
    ]
}

fn pins() -> Vec<Pin> {
    let bound = Pin {
        name: Name(b"default".into()),
        mark: 0x5400_0000,
        mask: 0xff00_0000,
        state: PinState::Bound,
        connection: Some(7),
        selector: BTreeMap::new(),
        expires_in: Some(272),
        lasts: None,
        follow: false,
        shared: false,
        deny: false,
        mark_lost: false,
        connections: vec![7],
        others: vec![
            Other::Tracked(1034),
            Other::Untracked(
                "10.0.1.2:40113".parse().expect("an address"),
                "10.0.2.2:443".parse().expect("an address"),
            ),
        ],
    };
    vec![
        Pin {
            name: Name(b"nightly-backup".into()),
            mark: 0x1,
            mask: 0x3,
            state: PinState::Armed,
            connection: None,
            selector: [
                ("sni", "*.example.org".to_string()),
                ("src", "10.0.1.0/24".to_string()),
            ]
            .into(),
            expires_in: None,
            connections: Vec::new(),
            others: Vec::new(),
            ..bound.clone()
        },
        Pin {
            name: Name(b"old".into()),
            mark: 0x2,
            mask: 0x2,
            state: PinState::Released,
            connection: None,
            expires_in: None,
            connections: Vec::new(),
            others: Vec::new(),
            ..bound.clone()
        },
        Pin {
            name: Name(b"approved".into()),
            mark: 0x5500_0000,
            state: PinState::Armed,
            connection: None,
            connections: vec![7, 1034],
            selector: [("sni", "*.example.org".to_string())].into(),
            expires_in: None,
            shared: true,
            others: Vec::new(),
            ..bound.clone()
        },
        Pin {
            name: Name(b"blocked".into()),
            mark: 0x5600_0000,
            connection: None,
            connections: (1..=6).collect(),
            expires_in: None,
            shared: true,
            deny: true,
            others: Vec::new(),
            ..bound.clone()
        },
        bound,
    ]
}

#[test]
fn list() {
    let connections = connections();
    let table = |verbose| columns::live(&connections, verbose);
    for room in [80, 200] {
        let text = table(false).render(true, Some(room), false);
        holds(&format!("list-{room}.txt"), &text);
        // A reason is never cut, and runs over the end where there is nothing else to cut.
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.chars().count() <= room || !line.ends_with(" -")),
            "{text}"
        );
    }
    holds(
        "list-colour.txt",
        &table(false).render(true, Some(80), true),
    );
    holds("list-verbose.txt", &table(true).render(true, None, false));
    holds(
        "list.json",
        &json(&Connections {
            connections: &connections,
        }),
    );
}

#[test]
fn show() {
    for connection in connections()
        .into_iter()
        .filter(|connection| [7, 1035].contains(&connection.id))
    {
        holds(
            &format!("show-{}.txt", connection.id),
            &show::table(&connection).render(true, Some(80), false),
        );
    }
}

#[test]
fn pins_of_every_state() {
    let pins = pins();
    holds(
        "pins.txt",
        &pins::table(&pins).render(true, Some(80), false),
    );
    holds("pins.json", &json(&Pins { pins: &pins }));
}
