// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl list`: the connections that are tracked.

use clap::Args;

use super::columns::{self, Column, Of, Shown};
use crate::{
    failure::Failure,
    filter::LiveFilter,
    model::{Connection, Connections, State, Tracking},
    netlink::Tlsconn,
    output::{Output, Rows},
    time::Time,
};

/// Show connections, newest last
///
/// Closed connections and connections that are not TLS are left out, unless --all or their --state is given. In the
/// column TLS, a ? means that the other side has not acknowledged the hello yet.
///
/// Without --sort and --limit, connections are printed as they are read, and columns are laid out for 1,024 of them at a time.
/// A list that fails halfway ends with an exit code other than 0, and its JSON is incomplete.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Also closed connections and connections that are not TLS
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    fit: LiveFilter,
}

impl List {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        self.shown.check(Of::Live)?;
        let mut tlsconn = Tlsconn::open()?;
        let asked = self.fit.selector();
        let told = tlsconn.connections_that(&asked, |state| self.wants(state))?;
        // The module chooses by some of the selectors. Where it fails, that is told.
        let connections = told.filter(|told| {
            told.as_ref()
                .map_or(true, |connection| self.fit.fits(connection))
        });
        let found = match self.shown.is_all() {
            true => self.print_as_they_come(connections, output)?,
            false => self.print_in_order(connections.collect::<Result<_, _>>()?, output)?,
        };
        if !found {
            let tracked = tlsconn.stats()?.get("connections-now").copied();
            output.remark(&none(tracked.unwrap_or(0), &tlsconn.tracking()?));
        }
        Ok(())
    }

    /// Prints connections while they are read; false where a table would be empty.
    fn print_as_they_come(
        &self,
        mut connections: impl Iterator<Item = Result<Connection, Failure>>,
        output: &Output,
    ) -> Result<bool, Failure> {
        if output.json {
            return output.list("connections", connections).map(|()| true);
        }
        // What a table needs is decided by the first of them.
        let first = connections.by_ref().take(Rows::BLOCK);
        let first: Vec<Connection> = first.collect::<Result<_, _>>()?;
        let columns = self.shown.columns(Of::Live, &first, output.verbose);
        let mut rows = Rows::new(output, columns.iter().map(|column| column.head()).collect());
        let found = !first.is_empty();
        for connection in first.into_iter().map(Ok).chain(connections) {
            if !rows.add(Column::cells(&columns, &connection?, Time::now()))? {
                return Ok(true);
            }
        }
        if found {
            rows.end()?;
        }
        Ok(found)
    }

    /// The same where all have to be known first.
    fn print_in_order(
        &self,
        mut connections: Vec<Connection>,
        output: &Output,
    ) -> Result<bool, Failure> {
        self.shown.sort(&mut connections, Time::now());
        let connections = self.shown.limited(&connections);
        if output.json {
            return output.object(&Connections { connections }).map(|()| true);
        }
        if connections.is_empty() {
            return Ok(false);
        }
        let columns = self.shown.columns(Of::Live, connections, output.verbose);
        output.table(&columns::table(connections, &columns, Time::now()))?;
        Ok(true)
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        list: List,
    }

    #[test]
    fn closed_and_not_tls_only_when_asked_for() {
        let list = |args: &[&str]| {
            let line = Line::try_parse_from([&["list"], args].concat());
            line.unwrap_or_else(|error| panic!("{error}")).list
        };
        assert!(list(&[]).wants(State::Tainted));
        assert!(!list(&[]).wants(State::Closed));
        assert!(!list(&[]).wants(State::NotTls));
        assert!(list(&["--all"]).wants(State::Closed));
        assert!(list(&["--state", "not-tls"]).wants(State::NotTls));
        assert!(!list(&["--all", "--state", "not-tls"]).wants(State::Established));
    }
}
