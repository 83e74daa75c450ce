// SPDX-License-Identifier: GPL-2.0-only

//! The commands, a file each.

mod batch;
pub(crate) mod columns;
mod completions;
mod doctor;
mod inspect;
mod list;
mod man;
mod monitor;
mod pin;
pub(crate) mod pins;
mod rules;
mod save;
mod set;
pub(crate) mod show;
mod stats;
mod top;
mod track;
mod unpin;

use clap::Subcommand;

use crate::{failure::Failure, output::Output};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Show(show::Show),
    Top(top::Top),
    Pin(pin::Pin),
    Unpin(unpin::Unpin),
    /// Show the pins
    Pins,
    Monitor(monitor::Monitor),
    Stats(stats::Stats),
    Track(track::Track),
    Rules(rules::Rules),
    Set(set::Set),
    /// Print what a reboot would lose, as commands for `batch`
    ///
    /// Tracking that `track on` asked for, sets of server names, and pins that wait for their first connection. A bound pin ends
    /// with the reboot.
    Save,
    Batch(batch::Batch),
    Inspect(inspect::Inspect),
    /// Say what is missing for tlsconn to work here, and the command that fixes it
    ///
    /// Exit code 1 if anything is wrong. Run it as root, in the network namespace that you want to check.
    Doctor,
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    /// `cli`: the whole command line, of which the manual pages tell.
    pub(crate) fn run(&self, output: &Output, cli: fn() -> clap::Command) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(output),
            Self::Show(show) => show.run(output),
            Self::Top(top) => top.run(output),
            Self::Pin(pin) => pin.run(output),
            Self::Unpin(unpin) => unpin.run(output),
            Self::Pins => pins::run(output),
            Self::Monitor(monitor) => monitor.run(output),
            Self::Stats(stats) => stats.run(output),
            Self::Track(track) => track.run(output),
            Self::Rules(rules) => rules.run(output),
            Self::Set(set) => set.run(output),
            Self::Save => save::run(output),
            Self::Batch(batch) => batch.run(output, cli),
            Self::Inspect(inspect) => inspect.run(output),
            Self::Doctor => doctor::run(output),
            Self::Completions(completions) => completions.run(output),
            Self::Man(man) => man.run(output, cli()),
        }
    }
}

/// Reads a connection's id. They count from 1, so that none has 0.
fn id(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map_err(|_| "an id is a number, as `tlsconnctl list` shows it")
}
