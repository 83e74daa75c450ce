// SPDX-License-Identifier: GPL-2.0-only

//! Which connections are shown: by the command line, and by the line that one types.

use std::collections::{BTreeMap, HashSet};

use clap::{Args, Parser};

use crate::{
    failure::Failure,
    filter::LiveFilter,
    model::{Connection, State},
    selector::SetName,
    usage,
};

/// The connections in each of some sets, by their ids; or why they are not known.
pub(crate) type Members = BTreeMap<SetName, Result<HashSet<u64>, Failure>>;

/// What may be said on the command line and in the line.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Choice {
    /// Also closed connections and connections that are not TLS
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    fit: LiveFilter,
}

/// The line: words of the command line.
#[derive(Parser)]
#[command(
    no_binary_name = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
struct Line {
    #[command(flatten)]
    choice: Choice,
}

impl Choice {
    /// Reads the line, or says in a few words what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let words = shlex::split(text).ok_or("a quote or a backslash has no end")?;
        Line::try_parse_from(words)
            .map(|line| line.choice)
            .map_err(|error| usage::cause(&error))
    }

    /// The set that the server name is to be in.
    pub(crate) fn set(&self) -> Option<&SetName> {
        self.fit.sni_set.as_ref()
    }

    /// Whether the selectors fit, by what the module has said of the sets.
    pub(crate) fn fits(&self, connection: &Connection, members: &Members) -> bool {
        let is_in = |set| {
            let ids = members.get(set).and_then(|ids| ids.as_ref().ok());
            ids.is_some_and(|ids| ids.contains(&connection.id))
        };
        self.fit.fits(connection) && self.set().is_none_or(is_in)
    }

    /// Whether a connection in this state is meant, unless another choice says so.
    pub(crate) fn wants(&self, state: State) -> bool {
        let is_over = matches!(state, State::Closed | State::NotTls);
        self.all || !is_over || self.fit.filter.state.contains(&state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{failure::Code, model::tests::connection};

    #[test]
    fn the_line_takes_what_the_command_line_takes() {
        let choice = Choice::parse("--sni 'www.*.org' --state established,closed --pinned default");
        let none = Members::new();
        assert!(choice.expect("it parses").fits(&connection(), &none));
        let everything = Choice::parse("").expect("nothing");
        assert!(everything.fits(&connection(), &none));
        let other = Choice::parse("--port 444").expect("it parses");
        assert!(!other.fits(&connection(), &none));
    }

    #[test]
    fn what_is_in_a_set_the_module_says() {
        let choice = Choice::parse("--sni-set some --sni *.org").expect("it parses");
        let set = choice.set().expect("it is there");
        let with = |ids: &[u64]| [(set.clone(), Ok(ids.iter().copied().collect()))].into();
        let fits = |members: &Members| choice.fits(&connection(), members);
        assert!(fits(&with(&[7])) && !fits(&with(&[6, 8])) && !fits(&Members::new()));
        let unknown = Failure::new(Code::NotFound, "there is no set of that name");
        assert!(!fits(&[(set.clone(), Err(unknown))].into()));
        let other = Choice::parse("--sni-set some --sni *.com").expect("it parses");
        assert!(!other.fits(&connection(), &with(&[7])));
    }

    #[test]
    fn a_mistake_is_said_in_a_line() {
        for (line, words) in [
            ("--sn", "unexpected argument '--sn' found"),
            ("--sni", "a value is required for '--sni <PATTERN>'"),
            ("--state open", "one of: new"),
            ("--sni 'x", "a quote or a backslash has no end"),
            ("--help", "unexpected argument '--help' found"),
            ("www.example.org", "unexpected argument 'www.example.org'"),
        ] {
            let message = Choice::parse(line).expect_err(line);
            assert!(message.contains(words), "{line}: {message}");
            assert!(!message.contains('\n') && !message.contains("see --help"));
        }
    }

    #[test]
    fn what_is_over_is_asked_for() {
        let wants = |line| {
            let choice = Choice::parse(line).expect(line);
            [State::Tainted, State::NotTls, State::Closed].map(|state| choice.wants(state))
        };
        assert_eq!(wants(""), [true, false, false]);
        assert_eq!(wants("--all"), [true; 3]);
        assert_eq!(wants("--state closed"), [true, false, true]);
    }
}
