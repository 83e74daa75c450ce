// SPDX-License-Identifier: GPL-2.0-only

//! The commands, a file each.

mod inspect;
mod list;
mod pin;
mod pins;
mod show;
mod unpin;

use clap::Subcommand;

use crate::{failure::Failure, output::Output};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Show(show::Show),
    Pin(pin::Pin),
    Unpin(unpin::Unpin),
    /// Show the pins
    Pins,
    Inspect(inspect::Inspect),
}

impl Command {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(output),
            Self::Show(show) => show.run(output),
            Self::Pin(pin) => pin.run(output),
            Self::Unpin(unpin) => unpin.run(output),
            Self::Pins => pins::run(output),
            Self::Inspect(inspect) => inspect.run(output),
        }
    }
}

/// Reads a connection's id: they count from 1.
fn id(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(id) if id > 0 => Ok(id),
        _ => Err("an id is a number from 1 on, as `tlsconnctl list` shows it"),
    }
}
