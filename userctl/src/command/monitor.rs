// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl monitor`: events as they come.

use clap::Args;

use crate::{
    event::{Event, Kind, What},
    failure::Failure,
    filter::LiveFilter,
    model::{Connection, Pin},
    netlink::{Listener, Tlsconn},
    output::Output,
};

/// Print what happens to connections and pins, as it happens
///
/// Runs until it is interrupted. If events come faster than they are read, an event says that some were lost, whatever --event says.
/// With selectors it prints events of connections that fit at that moment, and none of pins. With --sni-set it ends when the set is
/// destroyed.
#[derive(Args, Debug)]
pub(crate) struct Monitor {
    /// Only these events, for example data-waiting,pin-released
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<Kind>,
    #[command(flatten)]
    fit: LiveFilter,
}

impl Monitor {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let mut listener = Listener::open()?;
        let mut tlsconn = Tlsconn::open()?;
        if let Some(set) = &self.fit.sni_set {
            tlsconn.set(&set.0)?;
        }
        loop {
            for event in listener.wait()? {
                if !self.wants(&event) || !self.is_in_set(&event, &mut tlsconn)? {
                    continue;
                }
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

    /// Whether an event is wanted, but for the set.
    fn wants(&self, event: &Event) -> bool {
        let What::Known(kind) = event.event else {
            return true;
        };
        let fits = || match &event.connection {
            Some(connection) => self.fit.fits(connection),
            None => self.fit.is_empty(),
        };
        (self.events.is_empty() || self.events.contains(&kind)) && fits()
    }

    /// Whether the server name is in the set, as the module says.
    fn is_in_set(&self, event: &Event, tlsconn: &mut Tlsconn) -> Result<bool, Failure> {
        let (Some(set), Some(connection)) = (&self.fit.sni_set, &event.connection) else {
            return Ok(true);
        };
        match &connection.sni {
            Some(name) => Ok(tlsconn.find(&set.0, &name.0)?.is_some()),
            None => Ok(false),
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
    use crate::{model::tests::connection, time::Time};

    #[test]
    fn events_that_are_wanted() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            monitor: Monitor,
        }
        let told = |kind, connection| Event {
            event: What::Known(kind),
            time: Time(0),
            connection,
            pin: None,
            reason: None,
        };
        let of_pin = told(Kind::PinArmed, None);
        let closed = told(Kind::Closed, Some(connection()));
        let waits = told(Kind::DataWaiting, Some(connection()));
        let cases: [(&[&str], [bool; 3]); 4] = [
            (&[], [true, true, true]),
            (&["--event", "closed,pin-armed"], [true, true, false]),
            (&["--sni", "*.org"], [false, true, true]),
            (&["--event", "closed", "--sni", "*.com"], [false; 3]),
        ];
        for (args, wanted) in cases {
            let line: Line = clap::Parser::try_parse_from([&["test"], args].concat())
                .unwrap_or_else(|error| panic!("{error}"));
            let wants = [&of_pin, &closed, &waits].map(|event| line.monitor.wants(event));
            assert_eq!(wants, wanted, "{args:?}");
            // That some were lost is for everybody.
            assert!(line.monitor.wants(&Event::lost()));
        }
    }

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
