// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl list`: the connections that are tracked.

use clap::Args;

use crate::{
    failure::Failure,
    filter::LiveFilter,
    mark::Mark,
    model::{Connection, Marking, State, Tracking},
    netlink::Tlsconn,
    output::{Output, Rows},
    table::{Cell, Colour, Column, Table},
};

/// Show connections, newest last
///
/// Closed connections and connections that are not TLS are left out, unless --all or their --state is given. In the
/// column TLS, a ? means that the other side has not acknowledged the hello yet.
///
/// Connections are printed as they are read, and columns are laid out for 1,024 of them at a time. A list that fails
/// halfway ends with an exit code other than 0, and its JSON is incomplete.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Also closed connections and connections that are not TLS
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    fit: LiveFilter,
}

impl List {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let mut tlsconn = Tlsconn::open()?;
        let asked = &self.fit.filter.selector;
        let told = tlsconn.connections_that(asked, |state| self.wants(state))?;
        // The module chooses by some of the selectors. Where it fails, that is told.
        let connections = told.filter(|told| {
            told.as_ref()
                .map_or(true, |connection| self.fit.fits(connection))
        });
        if output.json {
            return output.list("connections", connections);
        }
        let mut found = false;
        let mut rows = Rows::new(output, columns(true, output.verbose));
        for connection in connections {
            found = true;
            if !rows.add(cells(&connection?, output.verbose))? {
                return Ok(());
            }
        }
        if !found {
            let tracked = tlsconn.stats()?.get("connections-now").copied();
            output.remark(&none(tracked.unwrap_or(0), &tlsconn.tracking()?));
            return Ok(());
        }
        rows.end()
    }

    fn wants(&self, state: State) -> bool {
        match self.fit.filter.state.as_slice() {
            [] => self.all || !matches!(state, State::Closed | State::NotTls),
            states => states.contains(&state),
        }
    }
}

/// Why there is nothing to show.
fn none(tracked: u64, tracking: &Tracking) -> String {
    let why = match tracking.rules {
        _ if tracked != 0 => {
            return format!(
                "none of the {tracked} tracked connections fits; see `tlsconnctl list --all`"
            )
        }
        0 if tracking.requested => "by `tlsconnctl track on`".into(),
        0 => {
            return "no connections; they are tracked while an iptables rule uses the match tlsconn, or after `tlsconnctl \
                    track on`"
                .into()
        }
        1 => "as a rule uses the match tlsconn".into(),
        rules => format!("as {rules} rules use the match tlsconn"),
    };
    format!(
        "no connections yet; they are tracked {why}, and shown once a TCP packet has passed here"
    )
}

/// Connections as a table; `verbose` adds columns. Where no connection can carry a pin, there is no column for it.
pub(crate) fn table(connections: &[Connection], verbose: bool) -> Table {
    let marked = connections
        .iter()
        .any(|connection| connection.marking.is_some());
    let mut table = Table::new(columns(marked, verbose));
    for connection in connections {
        table.row(cells(connection, verbose));
    }
    table
}

fn columns(marked: bool, verbose: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::new("ID"),
        Column::endpoints("SOURCE", 16),
        Column::endpoints("DESTINATION", 16),
        Column::new("STATE"),
        Column::new("TLS"),
        Column::cut("SNI", 8),
        Column::new("RESUMED"),
    ];
    if marked {
        columns.push(Column::cut("PIN", 8));
    }
    if marked && verbose {
        columns.push(Column::new("MARK"));
    }
    if verbose {
        columns.extend(["ALPN", "CLIENT RANDOM", "CIPHER"].map(Column::new));
    }
    columns
}

fn cells(connection: &Connection, verbose: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(connection.id),
        Cell::new(connection.src),
        Cell::new(connection.dst),
        Cell::coloured(connection.state, colour(connection.state)),
        Cell::new(version(connection)),
        Cell::or_dash(connection.sni.as_ref()),
        Cell::or_dash(
            connection
                .resumed
                .map(|resumed| if resumed { "yes" } else { "no" }),
        ),
    ];
    if let Some(marking) = &connection.marking {
        cells.push(pin(marking));
        if verbose {
            cells.push(Cell::new(format!("{:#x}", marking.mark)));
        }
    }
    if verbose {
        cells.extend([
            Cell::or_dash(connection.alpn.as_ref()),
            Cell::or_dash(connection.client_random.as_ref()),
            Cell::or_dash(cipher(connection)),
        ]);
    }
    cells
}

/// The cipher suite's name, or its number.
pub(crate) fn cipher(connection: &Connection) -> Option<String> {
    let cipher = connection.cipher?;
    Some(cipher.name().map_or(cipher.id(), String::from))
}

/// The pin, or the mark where it is a pin's though there is no pin: rules let the connection through.
fn pin(marking: &Marking) -> Cell {
    let default = Mark::default();
    match &marking.pin {
        None if marking.mark & default.mask == default.value => {
            Cell::new(format!("{:#x}", marking.mark))
        }
        name => Cell::or_dash(name.as_ref()),
    }
}

/// The version, with a mark on identities that are not confirmed.
pub(crate) fn version(connection: &Connection) -> String {
    let unconfirmed = connection.client.is_some() && !connection.confirmed;
    match connection.version {
        Some(version) if unconfirmed => format!("{version}?"),
        Some(version) => version.to_string(),
        None if unconfirmed => "?".into(),
        None => "-".into(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{filter::Filter, model::tests::connection, model::Bytes};

    #[test]
    fn closed_and_not_tls_only_when_asked_for() {
        let list = |state: &[State], all| List {
            fit: LiveFilter {
                filter: Filter {
                    state: state.into(),
                    ..Filter::default()
                },
                ..LiveFilter::default()
            },
            all,
        };
        assert!(list(&[], false).wants(State::Tainted));
        assert!(!list(&[], false).wants(State::Closed));
        assert!(!list(&[], false).wants(State::NotTls));
        assert!(list(&[], true).wants(State::Closed));
        assert!(list(&[State::NotTls], false).wants(State::NotTls));
        assert!(!list(&[State::NotTls], true).wants(State::Established));
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
                pin: None,
                mark: 0,
            }),
            sni: None,
            ..connection()
        };
        let text = table(&[connection(), fresh], false).render(true, Some(80), false);
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
                pin: None,
                mark,
            }),
            ..connection()
        };
        let text = table(&[marked(0x5400_0007), marked(7)], false).render(false, Some(80), false);
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
        let text = table(&[long], false).render(true, Some(80), false);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(text.contains(" a-rather-l"), "{text}");
        // With room, and on a pipe, everything is there.
        let verbose = table(&[connection()], true).render(true, None, false);
        assert!(verbose.contains("0x54000000  h2    c1c1c1"), "{verbose}");
    }
}
