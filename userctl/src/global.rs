// SPDX-License-Identifier: GPL-2.0-only

//! Options of all commands.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::{completion, netns};

/// Options that every command takes, before it or after it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct Global {
    /// Print JSON, errors too
    #[arg(short, long, global = true)]
    pub(crate) json: bool,
    /// Indent the JSON
    #[arg(short, long, global = true)]
    pub(crate) pretty: bool,
    /// Work in this network namespace, a name from `ip netns`
    #[arg(short, long, global = true, value_name = "NAME", value_parser = netns::parse_name,
          add = ArgValueCandidates::new(completion::namespaces))]
    pub(crate) netns: Option<String>,
    /// Leave out headings and messages; errors stay
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// More columns in `list`
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}
