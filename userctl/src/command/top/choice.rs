// SPDX-License-Identifier: GPL-2.0-only

//! Which connections are shown: by the command line, and by the line that one types.

use clap::{Args, Parser};

use crate::{
    filter::LiveFilter,
    model::{Connection, State},
    usage,
};

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

    /// Whether the selectors fit.
    pub(crate) fn fits(&self, connection: &Connection) -> bool {
        self.fit.fits(connection)
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
    use crate::model::tests::connection;

    #[test]
    fn the_line_takes_what_the_command_line_takes() {
        let choice = Choice::parse("--sni 'www.*.org' --state established,closed --pinned default");
        assert!(choice.expect("it parses").fits(&connection()));
        assert!(Choice::parse("").expect("nothing").fits(&connection()));
        let other = Choice::parse("--port 444").expect("it parses");
        assert!(!other.fits(&connection()));
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
