// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl inspect`: the connections in a capture.

use std::{
    cell::RefCell,
    fmt::Write,
    io::{self, IsTerminal},
    path::PathBuf,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{
    ser::{SerializeMap, SerializeSeq},
    Serialize, Serializer,
};

use super::list;
use crate::{
    failure::Failure,
    inspect::{
        capture::{Capture, Frame},
        Inspection, Seen,
    },
    model::Connection,
    output::Output,
};

/// Frames between two looks at the progress bar.
const STEP: u64 = 1 << 10;

/// Octets of text that are printed at once.
const CHUNK: usize = 1 << 16;

/// Show the TLS connections in a capture
///
/// Reads pcap and pcapng, offline: neither the module nor any privilege is needed. Every TCP connection is shown, those
/// closed and those that are not TLS too, also those within tunnels (IP in IP, GRE, VXLAN, Geneve, GTP-U). Files may be packed
/// with gzip, zstd or lz4. Fragments are not put together.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// The capture file, or - for standard input
    file: PathBuf,
    /// Every TCP packet with payload too
    #[arg(long)]
    packets: bool,
    /// Do not look into tunnels
    #[arg(long)]
    outer: bool,
    /// Read connections whose start is not in the capture too, from their ClientHello on, and mark them
    #[arg(long)]
    loose: bool,
}

impl Inspect {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let mut run = Run {
            capture: Capture::open(&self.file)?,
            inspection: Inspection::new(!self.outer, self.loose),
            bar: ProgressBar::hidden(),
        };
        run.bar = self.progress(run.capture.length(), output);
        let read = if output.json {
            self.print_json(&mut run, output)?
        } else {
            self.print_tables(&mut run, output)?
        };
        let note = run.inspection.passed_over.to_string();
        if !note.is_empty() {
            output.remark(&note);
        }
        read?;
        match run.inspection.passed_over.trouble() {
            Some(trouble) => Err(run.capture.failure(trouble)),
            None => Ok(()),
        }
    }

    /// A bar on standard error if that is a terminal, where nothing else is written meanwhile.
    fn progress(&self, length: Option<u64>, output: &Output) -> ProgressBar {
        if output.quiet || self.packets && io::stdout().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        let style = match length {
            Some(_) => ProgressStyle::with_template(
                "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left",
            ),
            None => ProgressStyle::with_template("{spinner} {bytes} read, {bytes_per_sec}"),
        };
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// Prints one object and hands back how reading ended. Packets come first, as they are read, so that they need not
    /// be kept.
    fn print_json(&self, run: &mut Run, output: &Output) -> Result<Result<(), Failure>, Failure> {
        let read = match self.packets {
            true => None,
            false => Some(run.read(false, |_| ())),
        };
        let document = Document(RefCell::new((run, read)));
        output.object(&document)?;
        Ok(document.0.into_inner().1.unwrap_or(Ok(())))
    }

    /// Prints packets as they are read, then the connections, and hands back how reading ended.
    fn print_tables(&self, run: &mut Run, output: &Output) -> Result<Result<(), Failure>, Failure> {
        let mut text = String::new();
        if self.packets && !output.quiet {
            text = row("FRAME", "ID", "FROM", "LENGTH", "STATE", "TYPES", "WIRE");
        }
        let mut printed = Ok(());
        let read = run.read(self.packets, |seen| {
            text.push_str(&line(&seen));
            if text.len() >= CHUNK && printed.is_ok() {
                printed = output.text(&text);
                text.clear();
            }
        });
        printed?;
        let connections: Vec<Connection> = run.inspection.connections().collect();
        if self.packets && !connections.is_empty() {
            text.push('\n');
        }
        output.text(&text)?;
        if connections.is_empty() {
            output.remark("no TCP connections in it");
        } else {
            output.table(&list::table(&connections, output.verbose))?;
        }
        Ok(read)
    }
}

/// A capture on its way through the engine.
struct Run {
    capture: Capture,
    inspection: Inspection,
    bar: ProgressBar,
}

impl Run {
    /// Reads to the end, and hands every packet with payload over if they are wanted.
    fn read(&mut self, packets: bool, mut take: impl FnMut(Seen)) -> Result<(), Failure> {
        let (inspection, bar) = (&mut self.inspection, &self.bar);
        let read = self.capture.read(|frame: &Frame<'_>| {
            if frame.number % STEP == 0 {
                bar.set_position(frame.offset);
            }
            inspection.frame(frame, packets).for_each(&mut take);
        });
        inspection.end(packets).for_each(take);
        self.bar.finish_and_clear();
        read
    }
}

/// The object that is printed. How reading ended is filled in where that happens while it is printed.
struct Document<'a>(RefCell<(&'a mut Run, Option<Result<(), Failure>>)>);

/// The connections of a document.
struct Connections<'a>(&'a Inspection);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.0.borrow().1.is_none() {
            map.serialize_entry("packets", &Packets(self))?;
        }
        let (run, _) = &*self.0.borrow();
        map.serialize_entry("connections", &Connections(&run.inspection))?;
        map.end()
    }
}

/// The packets of a document: writing them is reading the capture.
struct Packets<'a, 'b>(&'a Document<'b>);

impl Serialize for Packets<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (run, ended) = &mut *self.0 .0.borrow_mut();
        let mut sequence = serializer.serialize_seq(None)?;
        let mut written = Ok(());
        let read = run.read(true, |seen| {
            if written.is_ok() {
                written = sequence.serialize_element(&seen);
            }
        });
        *ended = Some(read);
        written?;
        sequence.end()
    }
}

impl Serialize for Connections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.connections())
    }
}

/// A packet as a line. Columns have a fixed width, since what comes later is not known.
fn line(seen: &Seen) -> String {
    row(
        &seen.frame.to_string(),
        &seen.id.to_string(),
        &seen.from.to_string(),
        &seen.length.to_string(),
        &seen.state.to_string(),
        &seen.types.join(","),
        &seen.wire.join(","),
    )
}

fn row(
    frame: &str,
    id: &str,
    from: &str,
    length: &str,
    state: &str,
    types: &str,
    wire: &str,
) -> String {
    let mut line = String::new();
    // A string takes everything in.
    let _ = writeln!(
        line,
        "{frame:<7} {id:<5} {from:<4} {length:<6} {state:<11} {types:<18} {wire}"
    );
    line
}
