// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl inspect`: the connections in a capture.

mod document;
mod lines;
mod run;
mod summary;

use std::{
    cell::RefCell,
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use self::{document::Document, run::Run, summary::Summary};
use super::columns::{self, Of, Shown};
use crate::{
    duration::Duration,
    failure::Failure,
    filter::Filter,
    inspect::Inspection,
    model::Connection,
    output::{Output, Printed},
};

/// Bytes of text that are printed at once.
const CHUNK: usize = 1 << 16;

/// Show the TLS connections in a capture
///
/// Reads pcap and pcapng, offline. It needs neither the module nor any privilege. It shows every TCP connection, also closed ones, those
/// that are not TLS, and those in tunnels (IP in IP, GRE, VXLAN, Geneve, GTP-U). Files may be packed with gzip, zstd or lz4.
/// Fragments are put together.
///
/// From a pipe, each packet is shown as it comes. A packet may be captured before one that was sent earlier. It then waits for that
/// one, up to thirty seconds of the capture's time.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// The capture file, or - for standard input
    file: PathBuf,
    /// Also show every TCP packet with payload; with selectors, only those of the connections that fit (the file is then read twice)
    #[arg(long)]
    packets: bool,
    /// Show which rule of docs/tls.md decided what each encrypted record of a TLS 1.3 handshake is, and the first of each side after it
    #[arg(long, conflicts_with_all = ["packets", "summary"])]
    explain: bool,
    /// Show counts instead of connections: by state, reason, version, cipher suite, kind of resumption, ALPN, server name and JA4;
    /// with --limit only the most frequent ones of each kind
    #[arg(long, conflicts_with_all = ["packets", "columns", "sort"])]
    summary: bool,
    /// Do not look into tunnels
    #[arg(long)]
    outer: bool,
    /// Also read connections whose start is not in the capture, from their ClientHello on, and mark them
    #[arg(long)]
    loose: bool,
    /// Give up connections that were idle for this long, instead of conntrack's times: 5d while they are open, otherwise 10s to 2m
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Duration>,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    filter: Filter,
}

impl Inspect {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        self.shown.check(Of::Capture)?;
        let wanted = match self.is_told_of() && !self.filter.is_empty() {
            true => Some(self.fitting(output)?),
            false => None,
        };
        let mut run = self.open(output, wanted)?;
        let read = match output.json {
            true => self.print_json(&mut run, output)?,
            false => self.print_tables(&mut run, output)?,
        };
        if run.is_gone {
            return Ok(());
        }
        read?;
        match run.inspection.passed_over().trouble() {
            Some(trouble) => Err(run.capture.failure(trouble)),
            None => Ok(()),
        }
    }

    /// Whether something is told while the capture is read.
    fn is_told_of(&self) -> bool {
        self.packets || self.explain
    }

    /// The connections that are meant, which shows only when all was read.
    fn fitting(&self, output: &Output) -> Result<HashSet<u64>, Failure> {
        let is_input = self.file == Path::new("-");
        // What cannot be opened, and a directory, is refused as it is without selectors.
        let is_stream = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
        if is_input || self.file.metadata().is_ok_and(is_stream) {
            return Err(Failure::usage(format!(
                "{}: with selectors and --packets or --explain it is read twice; write the capture to a file first",
                self.file.display()
            )));
        }
        let mut run = self.open(output, None)?;
        // What fails here fails again when it is shown.
        let _ = run.read(false, |_| true);
        let fitting = run.inspection.connections();
        let fitting = fitting.filter(|connection| self.filter.fits(connection));
        Ok(fitting.map(|connection| connection.id).collect())
    }

    /// The connections that are meant, in their order, and how many there are besides.
    fn chosen(&self, inspection: &Inspection) -> Vec<Connection> {
        let all = inspection.connections();
        let mut chosen: Vec<Connection> = match self.filter.is_empty() {
            true => all.collect(),
            false => all
                .filter(|connection| self.filter.fits(connection))
                .collect(),
        };
        self.shown.sort(&mut chosen, inspection.last());
        chosen
    }

    /// Prints one object and hands back how reading ended. Packets come first, as they are read, so that they need not
    /// be kept.
    fn print_json(&self, run: &mut Run, output: &Output) -> Result<Result<(), Failure>, Failure> {
        let read = match self.is_told_of() {
            true => None,
            false => Some(run.read(false, |_| true)),
        };
        if let Some(summary) = run.take_summary() {
            let summary = summary.limited(self.shown.limit);
            output.object(&summary::Document { summary })?;
            run.note();
            return Ok(read.unwrap_or(Ok(())));
        }
        let printed = Printed::default();
        let document = Document {
            options: self,
            printed: &printed,
            run: RefCell::new((run, read)),
        };
        output.object_as_it_comes(&document, &printed)?;
        let (run, read) = document.run.into_inner();
        if !run.is_gone {
            run.note();
        }
        Ok(read.unwrap_or(Ok(())))
    }

    /// Prints packets as they are read, then the connections, and hands back how reading ended.
    fn print_tables(&self, run: &mut Run, output: &Output) -> Result<Result<(), Failure>, Failure> {
        let mut text = String::new();
        if self.is_told_of() && !output.quiet {
            text = lines::head(self.explain);
        }
        let mut printed = Ok(true);
        let read = run.read(self.packets, |item| {
            let is_due = item.is_none() || text.len() >= CHUNK;
            if let Some(item) = item {
                text.push_str(&lines::line(&item));
            }
            if is_due && !text.is_empty() {
                printed = output.piece(&text);
                text.clear();
            }
            matches!(printed, Ok(true))
        });
        if !printed? || run.is_gone {
            return Ok(read);
        }
        if let Some(summary) = run.take_summary() {
            match summary.is_empty() {
                true => Self::nothing(run),
                false => {
                    output.table(&summary.table(self.shown.limit))?;
                    run.note();
                }
            }
            return Ok(read);
        }
        let chosen = self.chosen(&run.inspection);
        if self.is_told_of() && !chosen.is_empty() {
            text.push('\n');
        }
        output.text(&text)?;
        if chosen.is_empty() {
            Self::nothing(run);
        } else {
            let columns = self.shown.columns(Of::Capture, &chosen, output.verbose);
            let end = run.inspection.last();
            output.table(&columns::table(self.shown.limited(&chosen), &columns, end))?;
            run.note();
            output.remark(&Summary::of_states(&chosen).line());
        }
        Ok(read)
    }

    /// Says why there is nothing to show.
    fn nothing(run: &Run) {
        run.note();
        run.output.remark(match run.inspection.is_empty() {
            true => "no TCP connections in it",
            false => "none of its TCP connections fits",
        });
    }
}
