// SPDX-License-Identifier: GPL-2.0-only
//! Sends connections made by hand from the host "client" through a gateway to the host "server" and back, and prints
//! what a packet costs: nanoseconds of the guest's clock, which with --icount counts instructions. Only for the network
//! that guest/net.py makes: both hosts are namespaces that answer to nothing.

mod choice;
mod connection;
mod crowd;
mod hello;
mod link;
mod port;
mod profile;
mod setup;
mod traffic;
mod wire;

use std::{io, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::{
    link::Links,
    profile::Samples,
    traffic::{Kind, Traffic},
};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    amount: Amount,
}

#[derive(Debug, Args)]
struct Amount {
    /// Packets, or connections, in one measurement
    #[arg(long, global = true, default_value_t = 20000)]
    count: usize,
    /// Measurements
    #[arg(long, global = true, default_value_t = 3)]
    repeat: usize,
    /// Number of the first connection: its address and port
    #[arg(long, global = true, default_value_t = 0)]
    first: u32,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Packets on one connection
    Flow {
        kind: Kind,
        /// Packets that nobody takes: what sending costs
        #[arg(long)]
        to_nobody: bool,
        /// Runs this once the connection is established, with {} for the client's address and port
        #[arg(long)]
        then: Option<String>,
        /// Samples where the instructions are spent
        #[arg(long)]
        profile: bool,
    },
    /// Connections with a whole TLS 1.3 handshake
    Setup {
        /// Packets that nobody takes: what sending costs
        #[arg(long)]
        to_nobody: bool,
        /// Samples where the instructions are spent
        #[arg(long)]
        profile: bool,
    },
    /// Packets on any of many connections; waits for a line on standard input before each size is measured
    Crowd {
        /// Sizes, growing
        #[arg(required = true)]
        sizes: Vec<usize>,
    },
}

/// What is printed.
#[derive(Debug, Default, Serialize)]
struct Measured {
    /// Nanoseconds a packet, or a connection, of each measurement.
    ns: Vec<f64>,
    /// Packets in each.
    packets: usize,
    /// With --profile.
    samples: Option<Samples>,
}

impl Measured {
    /// A measurement of so many packets and nanoseconds, in which `units` were done.
    fn add(&mut self, units: usize, (packets, taken): (usize, u64)) {
        self.packets = packets;
        self.ns.push(taken as f64 / units as f64);
    }
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(Cli { command, amount }: &Cli) -> io::Result<()> {
    let links = Links::open()?;
    let measured = match command {
        Command::Flow {
            kind,
            to_nobody,
            then,
            profile,
        } => {
            let mut traffic = Traffic::open(&links, *kind, amount.first, then.as_deref())?;
            flow(&links, amount, &mut traffic, *to_nobody, *profile)?
        }
        Command::Setup { to_nobody, profile } => setup(&links, amount, *to_nobody, *profile)?,
        Command::Crowd { sizes } => {
            return crowd::grow(&links, sizes, amount.count, amount.repeat);
        }
    };
    let line = serde_json::to_string(&measured).map_err(io::Error::other)?;
    println!("{line}");
    Ok(())
}

fn flow(
    links: &Links,
    amount: &Amount,
    traffic: &mut Traffic,
    to_nobody: bool,
    profile: bool,
) -> io::Result<Measured> {
    let mut measured = Measured::default();
    traffic.flow(links, amount.count / 4, to_nobody)?;
    if profile {
        links.profile()?;
    }
    for _ in 0..amount.repeat {
        links.change_step()?;
        let flown = traffic.flow(links, amount.count, to_nobody)?;
        measured.add(flown.0, flown);
    }
    measured.samples = links.samples();
    Ok(measured)
}

fn setup(links: &Links, amount: &Amount, to_nobody: bool, profile: bool) -> io::Result<Measured> {
    let mut measured = Measured::default();
    let mut first = (amount.first..).step_by(amount.count);
    let mut connect = || {
        let first = first.next().unwrap_or_default();
        setup::connect(links, first, amount.count, to_nobody)
    };
    connect()?;
    if profile {
        links.profile()?;
    }
    for _ in 0..amount.repeat {
        links.change_step()?;
        measured.add(amount.count, connect()?);
    }
    measured.samples = links.samples();
    Ok(measured)
}
