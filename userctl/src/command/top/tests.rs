// SPDX-License-Identifier: GPL-2.0-only

//! Made-up connections, and what keys do with them.

mod cost;
mod keys;
mod moving;
mod screens;

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    app::{App, Asked},
    choice::Choice,
};
use crate::{
    model::{tests::connection, Bytes, Connection, Marking, Reason, State, Times},
    octets::Name,
    time::Time,
};

const SECOND: Duration = Duration::from_secs(1);

/// The connection of a number, with all that differs from one to the next.
fn made(id: u64) -> Connection {
    let octet = |shift: u32| (id >> shift) & 0xff;
    let port = 1024 + id % 60_000;
    let state = match id % 10 {
        0 => State::Hello,
        1 => State::NotTls,
        2 => State::Lost,
        _ => State::Established,
    };
    Connection {
        id,
        src: format!("10.{}.{}.{}:{port}", octet(16), octet(8), octet(0))
            .parse()
            .expect("an address"),
        state,
        reason: (state == State::Lost).then_some(Reason::MidStream),
        sni: (!matches!(state, State::NotTls | State::Lost))
            .then(|| Name(format!("host-{}.example.org", id * 7919 % 1000).into_bytes())),
        bytes: sent(id * 3, id * 50),
        marking: Some(Marking {
            waiting: sent(if id % 4 == 0 { 100 } else { 0 }, 0),
            retry: None,
            pin: (id % 7 == 0).then(|| Name(b"approved".into())),
            mark: 0,
        }),
        times: Some(Times {
            first: Time(id * 1_000_000_000),
            last: Time((id + id % 3) * 1_000_000_000),
            loose: None,
        }),
        ..connection()
    }
}

fn sent(client: u64, server: u64) -> Bytes {
    Bytes::ByPart { client, server }
}

/// A program that has read these.
fn app(ids: impl Iterator<Item = u64>) -> App {
    let mut app = App::new(Choice::default());
    app.load(Duration::ZERO, ids.map(made));
    app
}

fn press(app: &mut App, code: KeyCode) -> Asked {
    app.key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// Types characters.
fn type_text(app: &mut App, text: &str) {
    for letter in text.chars() {
        assert_eq!(
            press(app, KeyCode::Char(letter)),
            Asked::Nothing,
            "{letter}"
        );
    }
}

/// Ids in the order of the screen.
fn order(app: &App) -> Vec<u64> {
    app.model.shown().map(|row| row.connection.id).collect()
}

fn selected(app: &App) -> Option<u64> {
    app.model.selected().map(|row| row.connection.id)
}
