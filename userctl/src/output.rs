// SPDX-License-Identifier: GPL-2.0-only

//! Where results go: tables for people on standard output, JSON for scripts, messages on standard error.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use serde::Serialize;
use terminal_size::{terminal_size, Width};

use crate::{
    cli::Global,
    failure::{Code, Failure},
    table::Table,
};

/// How to print, decided once.
pub(crate) struct Output {
    /// JSON was asked for.
    pub(crate) json: bool,
    /// More columns were asked for.
    pub(crate) verbose: bool,
    pretty: bool,
    quiet: bool,
    colour: bool,
    room: Option<usize>,
}

impl Output {
    /// From the options, the environment and what standard output is.
    pub(crate) fn new(options: &Global) -> Self {
        let terminal = io::stdout().is_terminal();
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        let room = if terminal {
            terminal_size().map(|(Width(width), _)| usize::from(width))
        } else {
            None
        };
        Self {
            json: options.json,
            verbose: options.verbose,
            pretty: options.pretty,
            quiet: options.quiet,
            colour: terminal && !no_colour && !dumb,
            room,
        }
    }

    /// Prints an object as JSON.
    pub(crate) fn object(&self, object: &impl Serialize) -> Result<(), Failure> {
        let text = if self.pretty {
            serde_json::to_string_pretty(object)
        } else {
            serde_json::to_string(object)
        };
        let text = text
            .map_err(|error| Failure::new(Code::Failed, format!("cannot write JSON: {error}")))?;
        print(&format!("{text}\n"))
    }

    /// Prints a table.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        print(&table.render(!self.quiet, self.room, self.colour))
    }

    /// Prints what was done, unless nobody wants to know.
    pub(crate) fn done(&self, line: &str) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        print(&format!("{line}\n"))
    }

    /// Says on standard error why there is nothing to print.
    pub(crate) fn remark(&self, line: &str) {
        if !self.quiet {
            // The remark is no result: that it cannot be written changes nothing.
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

/// Writes to standard output. That the reader has gone, as `head` does, is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Code::Failed,
            format!("cannot write to standard output: {error}"),
        )),
        _ => Ok(()),
    }
}
