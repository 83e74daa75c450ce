// SPDX-License-Identifier: GPL-2.0-only

//! Where results go: tables for people on standard output, JSON for scripts, messages on standard error.

mod stream;

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use serde::Serialize;
use terminal_size::{terminal_size, Width};

pub(crate) use self::stream::{Printed, Rows};
use crate::{
    failure::{Code, Failure},
    global::Global,
    table::Table,
};

/// How to print, decided once.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// JSON was asked for.
    pub(crate) json: bool,
    /// More columns were asked for.
    pub(crate) verbose: bool,
    pretty: bool,
    /// Headings and messages are not wanted.
    pub(crate) quiet: bool,
    /// Colour is wanted and can be shown.
    pub(crate) colour: bool,
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

    /// Prints an object as JSON, piece by piece as it is made.
    pub(crate) fn object(&self, object: &impl Serialize) -> Result<(), Failure> {
        self.object_as_it_comes(object, &Printed::default())
    }

    /// The same where the object decides when what was made of it so far has to be seen.
    pub(crate) fn object_as_it_comes(
        &self,
        object: &impl Serialize,
        printed: &Printed,
    ) -> Result<(), Failure> {
        let mut stdout = printed;
        let made = if self.pretty {
            serde_json::to_writer_pretty(&mut stdout, object)
        } else {
            serde_json::to_writer(&mut stdout, object)
        };
        // The object says in its own words only that it was not shown.
        let made = printed
            .failure()
            .map_or_else(|| made.map_err(io::Error::from), Err);
        let written = made
            .and_then(|()| stdout.write_all(b"\n"))
            .and_then(|()| stdout.flush());
        if written.is_err() {
            printed.drop_rest();
        }
        self::printed(written)
    }

    /// Prints text that goes on; false when nobody reads any more.
    pub(crate) fn piece(&self, text: &str) -> Result<bool, Failure> {
        print(text)
    }

    /// Prints text that is made already.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        print(text).map(drop)
    }

    /// Prints a line now; false when nobody reads any more.
    pub(crate) fn line(&self, line: &str) -> Result<bool, Failure> {
        print(&format!("{line}\n"))
    }

    /// Prints a table.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        self.text(&table.render(!self.quiet, self.room, self.colour))
    }

    /// Prints what was done, unless nobody wants to know.
    pub(crate) fn done(&self, line: &str) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        self.line(line).map(drop)
    }

    /// Says on standard error why there is nothing to print.
    pub(crate) fn remark(&self, line: &str) {
        if !self.quiet {
            // The remark is no result: that it cannot be written changes nothing.
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

/// Writes to standard output; false when nobody reads any more.
fn print(text: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    let gone = written
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    printed(written).map(|()| !gone)
}

/// What came of writing to standard output. That the reader has gone, as `head` does, is no failure.
fn printed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Code::Failed,
            format!("cannot write to standard output: {error}; see where it goes, and that there is room"),
        )),
        _ => Ok(()),
    }
}
