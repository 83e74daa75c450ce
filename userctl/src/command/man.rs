// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl man`: the manual pages.

use std::path::PathBuf;

use clap::Args;

use crate::{
    failure::{Code, Failure},
    manual,
    output::Output,
};

/// Print the manual page of the tool, or of one of its commands
///
/// Read it with `tlsconnctl man pin | man -l -`. `make install` puts all pages where man looks.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// One of the commands
    #[arg(value_parser = manual::commands())]
    command: Option<String>,
    /// Write all pages into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    to: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(&self, output: &Output, cli: clap::Command) -> Result<(), Failure> {
        match &self.to {
            Some(folder) => manual::write(&cli, folder).map_err(|error| {
                let message = format!(
                    "cannot write to {}: {error}; name a folder that you may write to",
                    folder.display()
                );
                Failure::new(Code::Failed, message)
            }),
            None => output.text(
                &manual::page(cli, self.command.as_deref()).map_err(|error| {
                    Failure::new(Code::Failed, format!("cannot make the page: {error}"))
                })?,
            ),
        }
    }
}
