// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl monitor`: events as they come.

use crate::{
    event::{Event, What},
    failure::Failure,
    model::{Connection, Pin},
    netlink::Listener,
    output::Output,
};

pub(crate) fn run(output: &Output) -> Result<(), Failure> {
    let mut listener = Listener::open()?;
    loop {
        for event in listener.wait()? {
            let written = if output.json {
                output.line(&serde_json::to_string(&event).unwrap_or_default())
            } else {
                output.line(&line(&event))
            };
            // Nobody reads any more, as when `head` has enough.
            if !written? {
                return Ok(());
            }
        }
    }
}

fn line(event: &Event) -> String {
    let mut line = format!("{}  {:14}", event.time, event.event.to_string());
    if let Some(connection) = &event.connection {
        line += &format!("  {}", of_connection(connection));
    }
    if let Some(pin) = &event.pin {
        line += &format!("  {}", of_pin(pin));
    }
    match (event.event, event.reason) {
        (What::Lost, Some(reason)) => line += &format!("  {reason}"),
        (_, Some(reason)) => line += &format!(" ({reason})"),
        (_, None) => {}
    }
    line
}

fn of_connection(connection: &Connection) -> String {
    let Connection { id, src, dst, .. } = connection;
    let mut text = format!("connection {id}: {src} -> {dst}");
    if let Some(version) = connection.version {
        text += &format!(", {version}");
    }
    if let Some(sni) = &connection.sni {
        text += &format!(", {sni}");
    }
    if let Some(resumes) = connection.resumes {
        text += &format!(", resumes {resumes}");
    }
    text
}

fn of_pin(pin: &Pin) -> String {
    match pin.connection {
        Some(id) => format!("pin {}: connection {id}", pin.name),
        None => format!("pin {}", pin.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::Kind, model::tests::connection, time::Time};

    #[test]
    fn lines() {
        let established = Event {
            event: What::Known(Kind::Established),
            time: Time(0),
            connection: Some(connection()),
            pin: None,
            reason: None,
        };
        assert_eq!(
            line(&established),
            "1970-01-01T00:00:00.000000Z  established     connection 7: 10.0.1.2:40000 -> 10.0.2.2:443, 1.2, \
             www.example.org, resumes 3"
        );
        let lost = Event {
            time: Time(0),
            ..Event::lost()
        };
        assert_eq!(
            line(&lost),
            "1970-01-01T00:00:00.000000Z  events-lost     they came faster than they were read"
        );
    }
}
