// SPDX-License-Identifier: GPL-2.0-only
//! What rules ask about an identity: the whole table of states, of what is known, and of `!`.

use tlsconn_tls::{begins, Answer, Bytes, Hellos, Identity, State};

const STATES: [State; 8] = [
    State::New,
    State::Hello,
    State::Handshake,
    State::Established,
    State::Closed,
    State::NotTls,
    State::Lost,
    State::Tainted,
];

/// Those in which a hello that is not complete can still become so.
const OPEN: [State; 3] = [State::New, State::Hello, State::Handshake];

type Question = fn(&Hellos<'_>) -> Answer;

/// A question that the identity of `answered` answers with yes, and one that it answers with no, about the same field.
struct Field {
    name: &'static str,
    yes: Question,
    no: Question,
}

/// The fields of the ClientHello, each of which is known when it is complete.
const CLIENT: [Field; 5] = [
    Field {
        name: "sni",
        yes: |known| known.sni_fits(b"*.example.org"),
        no: |known| known.sni_fits(b"example.org"),
    },
    Field {
        name: "alpn",
        yes: |known| known.alpn_is(b"h2"),
        no: |known| known.alpn_is(b"h"),
    },
    Field {
        name: "ech",
        yes: |known| known.client_field(known.identity.ech),
        no: |known| match known.identity.ech {
            Some(_) => opposite(known.client_field(known.identity.ech)),
            None => known.client_field(known.identity.ech),
        },
    },
    Field {
        name: "client random",
        yes: |known| known.client_field(begins(known.identity.client_random, &[0xc1; 32])),
        no: |known| known.client_field(begins(known.identity.client_random, &[0xc1, 0xc2])),
    },
    Field {
        name: "session id of the client",
        yes: |known| known.session_id_begins(&[0xa1, 0xa1]),
        // The server's may still come.
        no: |known| match known.session_id_begins(&[0xa2]) {
            Answer::Open if known.identity.session_id.is_some() => Answer::No,
            answer => answer,
        },
    },
];

/// The fields of the ServerHello.
const SERVER: [Field; 4] = [
    Field {
        name: "version",
        yes: |known| known.version_is_between(0x0302, 0x0303),
        no: |known| known.version_is_between(0x0304, 0x0304),
    },
    Field {
        name: "resumed",
        yes: |known| known.server_field(known.identity.resumed),
        no: |known| match known.identity.resumed {
            Some(_) => opposite(known.server_field(known.identity.resumed)),
            None => known.server_field(known.identity.resumed),
        },
    },
    Field {
        name: "server random",
        yes: |known| known.server_field(begins(known.identity.server_random, &[0x51])),
        no: |known| known.server_field(begins(known.identity.server_random, &[0x52])),
    },
    Field {
        name: "session id of the server",
        yes: |known| known.session_id_begins(&[0xb1; 32]),
        no: |known| known.session_id_begins(&[0xb2]),
    },
];

/// Of a question that has no other form, where it has an answer.
fn resumed(known: &Hellos<'_>) -> Answer {
    known.server_field(known.identity.resumed)
}

fn opposite(answer: Answer) -> Answer {
    match answer {
        Answer::Yes => Answer::No,
        Answer::No => Answer::Yes,
        Answer::Open => Answer::Open,
    }
}

fn bytes<const N: usize>(text: &[u8]) -> Bytes<N> {
    let mut bytes = Bytes::new();
    assert!(text.iter().all(|&byte| bytes.push(byte)));
    bytes
}

/// With a ClientHello that is complete.
fn offered() -> Identity {
    Identity {
        client_random: Some([0xc1; 32]),
        session_id: Some(bytes(&[0xa1; 4])),
        sni: Some(bytes(b"www.example.org")),
        alpn: Some(bytes(b"h2")),
        offered: Some(0x0303),
        early_data: Some(false),
        ech: Some(true),
        ..Identity::default()
    }
}

/// With a ServerHello too.
fn answered() -> Identity {
    Identity {
        server_random: Some([0x51; 32]),
        server_session_id: Some(bytes(&[0xb1; 32])),
        version: Some(0x0303),
        resumed: Some(true),
        ..offered()
    }
}

fn known(state: State, identity: &Identity) -> Hellos<'_> {
    Hellos {
        state,
        identity: identity.as_ref(),
    }
}

#[test]
fn what_is_known_is_answered_in_every_state() {
    let identity = answered();
    for state in STATES {
        for field in CLIENT.iter().chain(&SERVER) {
            let known = known(state, &identity);
            assert_eq!((field.yes)(&known), Answer::Yes, "{} {state:?}", field.name);
            assert_eq!((field.no)(&known), Answer::No, "{} {state:?}", field.name);
        }
    }
}

#[test]
fn before_its_hello_a_field_is_open_until_it_can_no_longer_come() {
    let nothing = Identity::default();
    let offered = offered();
    for state in STATES {
        let expected = match OPEN.contains(&state) {
            true => Answer::Open,
            false => Answer::No,
        };
        let empty = known(state, &nothing);
        for field in CLIENT.iter().chain(&SERVER) {
            assert_eq!((field.yes)(&empty), expected, "{} {state:?}", field.name);
        }
        assert_eq!(empty.has_no_sni(), expected, "{state:?}");
        for field in &SERVER {
            let known = known(state, &offered);
            assert_eq!((field.yes)(&known), expected, "{} {state:?}", field.name);
            assert_eq!((field.no)(&known), expected, "{} {state:?}", field.name);
        }
        for field in &CLIENT {
            let known = known(state, &offered);
            assert_eq!((field.yes)(&known), Answer::Yes, "{} {state:?}", field.name);
            assert_eq!((field.no)(&known), Answer::No, "{} {state:?}", field.name);
        }
    }
}

#[test]
fn a_hello_without_the_field_will_never_have_it() {
    let identity = Identity {
        sni: None,
        alpn: None,
        ..offered()
    };
    for state in STATES {
        let known = known(state, &identity);
        assert_eq!(known.sni_fits(b"*"), Answer::No, "{state:?}");
        assert_eq!(known.alpn_is(b"h2"), Answer::No, "{state:?}");
        assert_eq!(known.has_no_sni(), Answer::Yes, "{state:?}");
    }
    let identity = offered();
    for state in STATES {
        assert_eq!(known(state, &identity).has_no_sni(), Answer::No);
    }
}

#[test]
fn a_resumption_up_to_tls12_shows_after_the_server_hello() {
    let identity = Identity {
        resumed: None,
        ..answered()
    };
    for state in STATES {
        let expected = match OPEN.contains(&state) {
            true => Answer::Open,
            false => Answer::No,
        };
        assert_eq!(resumed(&known(state, &identity)), expected, "{state:?}");
    }
    let identity = Identity {
        resumed: Some(false),
        ..answered()
    };
    assert_eq!(resumed(&known(State::Handshake, &identity)), Answer::No);
}

#[test]
fn either_session_id_is_meant() {
    let identity = offered();
    let open = known(State::Hello, &identity);
    assert_eq!(open.session_id_begins(&[0xa1]), Answer::Yes);
    assert_eq!(open.session_id_begins(&[0xb1]), Answer::Open);
    let gone = known(State::Closed, &identity);
    assert_eq!(gone.session_id_begins(&[0xb1]), Answer::No);
    let identity = answered();
    let both = known(State::Handshake, &identity);
    assert_eq!(both.session_id_begins(&[0xa1; 4]), Answer::Yes);
    assert_eq!(both.session_id_begins(&[0xa1; 5]), Answer::No);
    assert_eq!(both.session_id_begins(&[0xb1; 32]), Answer::Yes);
    let identity = Identity {
        session_id: Some(Bytes::new()),
        server_session_id: Some(Bytes::new()),
        ..answered()
    };
    assert_eq!(
        known(State::Handshake, &identity).session_id_begins(&[0]),
        Answer::No
    );
}

#[test]
fn ranges_of_versions_have_both_ends() {
    for version in 0x0300..=0x0304_u16 {
        let identity = Identity {
            version: Some(version),
            ..answered()
        };
        let known = known(State::Established, &identity);
        for min in 0x0300..=0x0304 {
            for max in min..=0x0304 {
                let inside = min <= version && version <= max;
                assert_eq!(known.version_is_between(min, max) == Answer::Yes, inside);
                assert_eq!(known.version_is_between(min, max) == Answer::No, !inside);
            }
        }
    }
}

#[test]
fn an_open_question_is_false_in_both_forms() {
    for (answer, plain, inverted) in [
        (Answer::Yes, true, false),
        (Answer::No, false, true),
        (Answer::Open, false, false),
    ] {
        assert_eq!((answer.holds(false), answer.holds(true)), (plain, inverted));
    }
}
