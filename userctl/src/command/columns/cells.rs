// SPDX-License-Identifier: GPL-2.0-only

//! What people read of a connection's fields.

use crate::{
    mark::Mark,
    model::{Connection, Marking, State},
    table::Colour,
};

/// The cipher suite's name, or its number.
pub(crate) fn cipher(connection: &Connection) -> Option<String> {
    let cipher = connection.cipher?;
    Some(cipher.name().map_or(cipher.id(), String::from))
}

/// The pin, or the mark where it is a pin's though there is no pin: rules let the connection through.
pub(crate) fn pin(marking: &Marking) -> Option<String> {
    let default = Mark::default();
    match &marking.pin {
        None if marking.mark & default.mask == default.value => {
            Some(format!("{:#x}", marking.mark))
        }
        name => name.as_ref().map(ToString::to_string),
    }
}

/// The version, with a mark on identities that are not confirmed.
pub(super) fn version(connection: &Connection) -> String {
    let unconfirmed = connection.client.is_some() && !connection.confirmed;
    match connection.version {
        Some(version) if unconfirmed => format!("{version}?"),
        Some(version) => version.to_string(),
        None if unconfirmed => "?".into(),
        None => "-".into(),
    }
}

/// The reason, and a mark where a ClientHello had to do for the start.
pub(super) fn reason(connection: &Connection) -> String {
    match (&connection.reason, is_loose(connection)) {
        (Some(reason), false) => reason.to_string(),
        (Some(reason), true) => format!("{reason} (loose)"),
        (None, true) => "(loose)".into(),
        (None, false) => "-".into(),
    }
}

pub(super) fn has_reason(connection: &Connection) -> bool {
    connection.reason.is_some() || is_loose(connection)
}

fn is_loose(connection: &Connection) -> bool {
    let times = connection.times.as_ref();
    times.is_some_and(|times| times.loose == Some(true))
}

pub(crate) fn colour(state: State) -> Colour {
    match state {
        State::New => Colour::Plain,
        State::Hello | State::Handshake => Colour::Yellow,
        State::Established => Colour::Green,
        State::Lost | State::Tainted => Colour::Red,
        State::Closed | State::NotTls => Colour::Faint,
    }
}
