// SPDX-License-Identifier: GPL-2.0-only

//! tlsconnctl: lists the TLS connections that the xt_tlsconn module tracks, pins one of them, and reads captures.

mod cipher;
mod cli;
mod command;
mod completion;
mod doctor;
mod duration;
mod endpoint;
mod event;
mod failure;
mod filter;
mod global;
#[cfg(test)]
mod golden;
mod inspect;
mod manual;
mod mark;
mod model;
mod netlink;
mod netns;
mod number;
#[path = "../../kmod/numbers.rs"]
mod numbers;
mod octets;
mod output;
mod running;
mod selector;
mod table;
mod time;
mod usage;

use std::{env, process::ExitCode};

use clap::{error::ErrorKind, CommandFactory, Parser};
use tlsconn_facts::{
    capture_reasons, counters, events, identity_fields, pin_states, reasons, record_types,
    releases, resumptions, sides, states, versions,
};
use tlsconn_tls as tls;
use tlsconn_uapi as uapi;

use crate::{cli::Cli, failure::Failure, output::Output};

fn main() -> ExitCode {
    if let Some(code) = completion::answer(Cli::command) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let output = Output::new(&cli.global);
    match run(&cli, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(cli.global.json, cli.global.pretty),
    }
}

fn run(cli: &Cli, output: &Output) -> Result<(), Failure> {
    if let Some(name) = &cli.global.netns {
        netns::enter(name)?;
    }
    cli.command.run(output, Cli::command)
}

/// Ends on arguments that do not parse, and on help that was asked for, which clap hands over the same way.
fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Nobody is left to tell when the reader has gone.
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
    }
    Failure::usage(usage::one_line(error)).report(cli::wants_json(env::args_os()), false)
}
