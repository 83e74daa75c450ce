// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl pin`: ties a connection mark to a connection.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

use super::columns;
use crate::{
    completion,
    duration::{self, Duration},
    failure::{Code, Failure},
    filter::LiveFilter,
    mark::{pin_mark, Mark, PinName},
    model::{self, Connection, Retry},
    netlink::{PinRequest, Target, Tlsconn},
    output::Output,
    selector::Selector,
};

/// Pin a connection: give it the pin's mark
///
/// Name the connection by its id, or by selectors that exactly one live connection fits. Ids are never used again, so an
/// id always means the connection that `list` showed.
///
/// With --next the pin waits for the next ClientHello that fits the selectors, or for any ClientHello without selectors. It is bound to
/// that connection when its server has answered. With --next and whole addresses and ports in --src and --dst, it also takes a
/// connection in the middle of its stream that conntrack has forgotten.
///
/// With --shared any number of connections may have the pin. Each command adds one. With --next, every connection that fits is added from
/// now on.
#[derive(Args, Debug)]
pub(crate) struct Pin {
    /// The connection's id, from `tlsconnctl list`
    #[arg(value_parser = super::id, add = ArgValueCandidates::new(completion::connections))]
    id: Option<u64>,
    /// The pin's name
    #[arg(long, default_value = "default", add = ArgValueCandidates::new(completion::pins))]
    name: PinName,
    /// The connection mark it sets [default: 0x54000000/0xff000000 for the pin default; for other names the one they have, or
    /// the first free one from 0x55000000/0xff000000 on]
    #[arg(long, value_name = "VALUE/MASK", value_parser = pin_mark)]
    mark: Option<Mark>,
    /// Release the pin this long after it was bound, for example 90s or 1h30m: units d, h, m, s
    #[arg(long = "for", value_name = "DURATION")]
    lasts: Option<Duration>,
    /// Wait for a connection that begins from now on, even if one that is there already fits
    #[arg(long, conflicts_with = "id")]
    next: bool,
    /// Take the pin from the connection that has it, or end its wait for another one. A shared pin stays on its connections, unless it
    /// gets another mark or is no longer shared
    #[arg(long)]
    replace: bool,
    /// Add the connection to those that have the pin; with --next, every connection that fits
    #[arg(long)]
    shared: bool,
    /// Make a shared pin for connections that `tlsconnctl rules --deny` resets. Its mark stays until conntrack forgets the connection,
    /// even after its end. Pins that use the same bits lose the connection
    #[arg(long)]
    deny: bool,
    /// After this connection has ended, and until the time of --for is over, move to a connection that resumes its session
    /// (up to TLS 1.2). The pin moves once the server has sent a record, other than an alert, after the client's Finished. If
    /// the server waits for a request first, the pin does not move, because that request is held
    #[arg(long, requires = "lasts", conflicts_with_all = ["shared", "deny"])]
    follow: bool,
    #[command(flatten)]
    fit: LiveFilter,
    /// Only in this zone of conntrack
    #[arg(long, value_name = "N", value_parser = crate::number::zone, requires = "src", help_heading = "Selectors")]
    zone: Option<u16>,
}

/// What `pin` prints as JSON.
#[derive(Serialize)]
struct Answer {
    pin: model::Pin,
}

impl Pin {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let selector = Selector {
            zone: self.zone,
            ..self.fit.selector()
        };
        let is_any = self.fit.is_empty() && selector.is_empty();
        if self.next && !self.fit.is_selector() {
            return Err(Failure::usage(
                "--next waits by --client-random, --server-random, --session-id, --sni, --sni-set, --ja4, --src and --dst alone",
            ));
        }
        if self.id.is_none() && is_any && !self.next {
            return Err(Failure::usage(
                "pin needs a connection's id, a selector, or --next; see `tlsconnctl list`",
            ));
        }
        let mut tlsconn = Tlsconn::open()?;
        let target = match self.id {
            _ if self.next => Target::Next,
            Some(id) if is_any => Target::Connection(id),
            _ => {
                let live = tlsconn.live_connections_that(&selector)?;
                Target::Connection(self.choose(live.collect::<Result<_, _>>()?)?)
            }
        };
        let pin = tlsconn.pin(&PinRequest {
            name: &self.name,
            mark: self.mark,
            target,
            selector: &selector,
            lasts: self.lasts,
            replace: self.replace,
            follow: self.follow,
            shared: self.shared,
            deny: self.deny,
        })?;
        if output.json {
            return output.object(&Answer { pin });
        }
        let mut line = match target {
            // The connection may be gone by now; it has been bound all the same.
            Target::Connection(id) => bound(&pin, id, tlsconn.connection(id).ok().as_ref()),
            Target::Next => armed(&pin),
        };
        if let Some(Duration(seconds)) = self.lasts {
            line += &format!("; for {}", duration::text(seconds.into()));
        }
        output.done(&line)
    }

    /// The one that is meant of the live connections that fit.
    fn choose(&self, mut connections: Vec<Connection>) -> Result<u64, Failure> {
        connections.retain(|connection| {
            self.id.is_none_or(|id| id == connection.id) && self.fit.fits(connection)
        });
        match connections.as_slice() {
            [] => Err(Failure::new(
                Code::NotFound,
                "no live connection fits; see `tlsconnctl list`",
            )),
            [connection] => Ok(connection.id),
            several => {
                let ids: Vec<String> = several
                    .iter()
                    .map(|connection| connection.id.to_string())
                    .collect();
                let message = format!(
                    "{} connections fit, ids {}; pin one by its id",
                    several.len(),
                    ids.join(" ")
                );
                let detail = columns::live(several, false).render(true, None, false);
                Err(Failure {
                    code: Code::Ambiguous,
                    message,
                    detail,
                })
            }
        }
    }
}

/// A line on what was bound to what.
pub(super) fn bound(pin: &model::Pin, id: u64, connection: Option<&Connection>) -> String {
    let mut line = format!(
        "pin {} ({:#x}/{:#x}) bound to connection {id}",
        pin.name, pin.mark, pin.mask
    );
    if let Some(connection) = connection {
        line += &format!(
            ": {} -> {}, {}",
            connection.src, connection.dst, connection.state
        );
        if let Some(sni) = &connection.sni {
            line += &format!(", {sni}");
        }
        let retry = connection
            .marking
            .as_ref()
            .and_then(|marking| marking.retry);
        if let Some(seconds) = retry.and_then(Retry::seconds) {
            line += &format!(
                "; what was held comes when it is sent again, within {}",
                duration::text(seconds)
            );
        }
    }
    line
}

/// A line on what it waits for.
fn armed(pin: &model::Pin) -> String {
    let fields: Vec<String> = pin
        .selector
        .iter()
        .map(|(field, value)| format!("{field} {value}"))
        .collect();
    let what = if fields.is_empty() {
        "any".into()
    } else {
        fields.join(", ")
    };
    format!(
        "pin {} ({:#x}/{:#x}) armed: waits for {} ({what})",
        pin.name,
        pin.mark,
        pin.mask,
        match pin.shared {
            true => "every connection that fits",
            false => "the next connection",
        }
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::model::{tests::connection, State};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        pin: Pin,
    }

    fn choose(args: &[&str], connections: &[Connection]) -> Result<u64, Failure> {
        let line = Line::try_parse_from([&["pin"], args].concat()).expect("the arguments parse");
        line.pin.choose(connections.to_vec())
    }

    fn three() -> [Connection; 3] {
        [
            connection(),
            Connection {
                id: 8,
                ..connection()
            },
            Connection {
                id: 9,
                state: State::NotTls,
                sni: None,
                ..connection()
            },
        ]
    }

    #[test]
    fn exactly_one_is_chosen() {
        assert_eq!(
            choose(&["--sni", "www.*"], &three()[..1]).expect("one fits"),
            7
        );
        assert_eq!(
            choose(&["8", "--sni", "www.*"], &three()).expect("one of that id fits"),
            8
        );
    }

    #[test]
    fn none_fits() {
        for (args, connections) in [
            (&["--sni", "www.*"] as &[&str], &three()[..0]),
            (&["10", "--sni", "www.*"], &three()[..]),
        ] {
            let failure = choose(args, connections).expect_err("there is none");
            assert_eq!(failure.code, Code::NotFound);
        }
    }

    #[test]
    fn several_fit() {
        let failure = choose(&["--sni", "www.*"], &three()[..2]).expect_err("two fit");
        assert_eq!(failure.code, Code::Ambiguous);
        assert_eq!(
            failure.message,
            "2 connections fit, ids 7 8; pin one by its id"
        );
        assert_eq!(failure.detail.lines().count(), 3);
    }

    #[test]
    fn the_line_names_both() {
        let pin = model::Pin {
            name: crate::octets::Name(b"default".into()),
            mark: 0x5400_0000,
            mask: 0xff00_0000,
            state: model::PinState::Bound,
            connection: Some(7),
            selector: std::collections::BTreeMap::new(),
            expires_in: None,
            lasts: None,
            follow: false,
            shared: false,
            deny: false,
            mark_lost: false,
            connections: vec![7],
            others: Vec::new(),
        };
        let expected = "pin default (0x54000000/0xff000000) bound to connection 7";
        assert_eq!(bound(&pin, 7, None), expected);
        let connection = connection();
        let line = bound(&pin, 7, Some(&connection));
        assert_eq!(
            line,
            format!("{expected}: 10.0.1.2:40000 -> 10.0.2.2:443, established, www.example.org")
        );
        let mut held = connection;
        if let Some(marking) = &mut held.marking {
            marking.retry = Some(Retry {
                since: 1000,
                interval: 8000,
            });
        }
        assert_eq!(
            bound(&pin, 7, Some(&held)),
            format!("{line}; what was held comes when it is sent again, within 15s")
        );
    }
}
