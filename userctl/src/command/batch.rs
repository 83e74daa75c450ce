// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl batch`: commands from a file.

use std::{fs, io};

use clap::{Args, FromArgMatches};

use super::{rules::guard::Guard, Command};
use crate::{
    failure::{Code, Failure},
    output::Output,
    usage::one_line,
};

/// Run commands from a file, one a line, as `tlsconnctl save` prints them
///
/// A line is a command of tlsconnctl with its arguments, quoted as for a shell. Text after a # is a comment. All lines are read before
/// the first is run, so nothing is done if one of them is not a command. A command that fails ends the run, and the error names file
/// and line. The commands before it stay done.
#[derive(Args, Debug)]
pub(crate) struct Batch {
    /// Let nothing pass unless all lines succeed. Before the first line is run, an nft table (inet tlsconn-guard) is loaded. It drops the
    /// TCP and the QUIC that the file's `rules --load` are about, by their ports, addresses and chains. It goes after the last line. If
    /// a line fails, it stays. If the file cannot be read, or a line of it is not a command, the table drops all TCP that is forwarded,
    /// and QUIC. A file that loads no rules, or that is not there, makes no table. tlsconn.service runs it so at boot
    #[arg(long)]
    fail_closed: bool,
    /// The file, or - for standard input
    file: String,
}

/// A command, and the line that it stands on.
struct Line {
    number: usize,
    command: Command,
}

impl Batch {
    pub(crate) fn run(&self, output: &Output, cli: fn() -> clap::Command) -> Result<(), Failure> {
        if !self.fail_closed {
            return self.each(&self.read(cli)?, output, cli);
        }
        let read = self.read(cli);
        let guard = match &read {
            Ok(lines) => Guard::of(lines.iter().filter_map(|line| match &line.command {
                Command::Rules(rules) => Some(rules),
                _ => None,
            })),
            Err(_) if !self.is_there() => None,
            Err(_) => Some(Guard::of_all()),
        };
        let Some(guard) = guard else {
            self.each(&read?, output, cli)?;
            // One of an earlier run, whose file held something. Where nft is missing there is none.
            let _ = Guard::remove();
            return Ok(());
        };
        // Without it the lines are run all the same: what they load holds too.
        let guarded = guard.load();
        if let Err(failure) = &guarded {
            output.remark(&format!(
                "the guard table cannot be loaded, so data passes until all lines have run: {}",
                failure.message
            ));
        }
        let done = read.and_then(|lines| self.each(&lines, output, cli));
        match (done, guarded) {
            (Ok(()), Ok(())) => Guard::remove(),
            (Ok(()), Err(_)) => Ok(()),
            (Err(failure), Ok(())) => Err(Failure {
                message: format!(
                    "{}; until the file succeeds, all traffic that its rules are about is dropped; to let it pass: {}",
                    failure.message,
                    Guard::how_to_remove()
                ),
                ..failure
            }),
            (Err(failure), Err(guard)) => Err(Failure {
                message: format!(
                    "{}; and NOTHING IS HELD, as the guard table cannot be loaded: {}",
                    failure.message, guard.message
                ),
                ..failure
            }),
        }
    }

    /// What the file holds.
    fn read(&self, cli: fn() -> clap::Command) -> Result<Vec<Line>, Failure> {
        let read = match self.file.as_str() {
            "-" => io::read_to_string(io::stdin()),
            file => fs::read_to_string(file),
        };
        let text = read.map_err(|error| {
            Failure::new(
                Code::Failed,
                format!("cannot read {}: {error}", self.name()),
            )
        })?;
        self.lines(&text, cli)
    }

    /// Runs the lines, one after the other.
    fn each(
        &self,
        lines: &[Line],
        output: &Output,
        cli: fn() -> clap::Command,
    ) -> Result<(), Failure> {
        for line in lines {
            line.command
                .run(output, cli)
                .map_err(|failure| self.at(line.number, failure))?;
        }
        Ok(())
    }

    fn is_there(&self) -> bool {
        self.file == "-" || !fs::exists(&self.file).is_ok_and(|is_there| !is_there)
    }

    /// The commands of a file's text.
    fn lines(&self, text: &str, cli: fn() -> clap::Command) -> Result<Vec<Line>, Failure> {
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let command = command(line, cli).map_err(|failure| self.at(number, failure))?;
            lines.extend(command.map(|command| Line { number, command }));
        }
        Ok(lines)
    }

    /// A failure with the place that it belongs to.
    fn at(&self, number: usize, failure: Failure) -> Failure {
        let message = match failure.message.as_str() {
            "" => "it failed".into(),
            message => message.to_string(),
        };
        Failure {
            message: format!("{}:{number}: {message}", self.name()),
            ..failure
        }
    }

    fn name(&self) -> &str {
        match self.file.as_str() {
            "-" => "standard input",
            file => file,
        }
    }
}

/// The command that a line has, if it is not empty.
fn command(line: &str, cli: fn() -> clap::Command) -> Result<Option<Command>, Failure> {
    let words =
        shlex::split(line).ok_or_else(|| Failure::usage("a quote or a backslash has no end"))?;
    let Some(first) = words.first() else {
        return Ok(None);
    };
    if first == "batch" {
        return Err(Failure::usage(
            "a batch within a batch; write its lines here",
        ));
    }
    if first.starts_with('-') {
        return Err(Failure::usage(
            "a line begins with a command; options of all commands are given to batch itself",
        ));
    }
    let parsed = cli()
        .try_get_matches_from([&["tlsconnctl".to_string()], words.as_slice()].concat())
        .and_then(|matches| {
            let given = ["json", "pretty", "netns", "quiet", "verbose"]
                .into_iter()
                .find(|id| {
                    matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine)
                });
            Ok((given, Command::from_arg_matches(&matches)?))
        });
    match parsed {
        Ok((None, command)) => Ok(Some(command)),
        Ok((Some(option), _)) => Err(Failure::usage(format!(
            "--{option} is given to batch itself, not to a line"
        ))),
        Err(error) if !error.use_stderr() => Err(Failure::usage("help is no command of a batch")),
        Err(error) => Err(Failure::usage(one_line(&error))),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn lines(text: &str) -> Result<Vec<usize>, String> {
        let batch = Batch {
            fail_closed: false,
            file: "tlsconn.conf".into(),
        };
        batch
            .lines(text, Cli::command)
            .map(|lines| lines.iter().map(|line| line.number).collect())
            .map_err(|failure| failure.message)
    }

    #[test]
    fn commands_and_comments() {
        let text = "# all\n\ntrack on\n  pin --next --sni '*.example'  # one\n\tpins\n";
        assert_eq!(lines(text), Ok(vec![3, 4, 5]));
        assert_eq!(lines(""), Ok(vec![]));
    }

    #[test]
    fn a_mistake_names_its_line() {
        for (line, words) in [
            ("lst", "unrecognized subcommand 'lst'"),
            ("pin --nxt", "unexpected argument '--nxt'"),
            ("pin --sni 'x", "a quote or a backslash has no end"),
            ("batch other", "a batch within a batch"),
            ("-n x pins", "a line begins with a command"),
            ("pins -j", "--json is given to batch itself"),
            ("pins --netns x", "--netns is given to batch itself"),
            ("pin --help", "help is no command"),
            ("pin --for 1h30", "no duration"),
        ] {
            let message = lines(&format!("track on\n{line}\n")).expect_err(line);
            assert!(message.starts_with("tlsconn.conf:2: "), "{message}");
            assert!(message.contains(words), "{message}");
        }
    }
}
