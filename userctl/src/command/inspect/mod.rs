// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl inspect`: the connections in a capture.

mod columns;
mod filter;
mod summary;

use std::{
    cell::RefCell,
    collections::HashSet,
    fmt::Write as _,
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{
    ser::{Error as _, SerializeMap, SerializeSeq},
    Serialize, Serializer,
};

use self::{columns::Column, filter::Filter, summary::Summary};
use crate::{
    failure::Failure,
    inspect::{capture::Capture, Inspection, Seen},
    model::Connection,
    output::{Output, Printed},
};

/// Frames between two looks at the progress bar.
const STEP: u64 = 1 << 10;

/// Octets of text that are printed at once.
const CHUNK: usize = 1 << 16;

/// Show the TLS connections in a capture
///
/// Reads pcap and pcapng, offline: neither the module nor any privilege is needed. Every TCP connection is shown, those
/// closed and those that are not TLS too, also those within tunnels (IP in IP, GRE, VXLAN, Geneve, GTP-U). Files may be packed
/// with gzip, zstd or lz4. Fragments are put together.
///
/// From a pipe each packet is told as it comes. Packets that were captured before those which were sent before them wait up to
/// thirty seconds of the capture's time for these, and are told then.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// The capture file, or - for standard input
    file: PathBuf,
    /// Every TCP packet with payload too; with selectors those of the connections that fit, for which a file is read twice
    #[arg(long)]
    packets: bool,
    /// How many connections there are of each state, reason, version, cipher suite, kind of resumption, ALPN and server name,
    /// in place of the connections
    #[arg(long, conflicts_with_all = ["packets", "columns", "sort"])]
    summary: bool,
    /// Do not look into tunnels
    #[arg(long)]
    outer: bool,
    /// Read connections whose start is not in the capture too, from their ClientHello on, and mark them
    #[arg(long)]
    loose: bool,
    /// Columns of the table, by their names in the JSON; time, age, idle and rate too
    #[arg(short = 'o', value_name = "COLUMN", value_delimiter = ',')]
    columns: Vec<Column>,
    /// Sort by this column, the largest last
    #[arg(long, value_name = "COLUMN")]
    sort: Option<Column>,
    /// The last so many only; of a summary, the most frequent ones of each kind
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    filter: Filter,
}

impl Inspect {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let wanted = match self.packets && !self.filter.is_empty() {
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
        match run.inspection.passed_over.trouble() {
            Some(trouble) => Err(run.capture.failure(trouble)),
            None => Ok(()),
        }
    }

    fn open(&self, output: &Output, wanted: Option<HashSet<u64>>) -> Result<Run, Failure> {
        let capture = Capture::open(&self.file)?;
        Ok(Run {
            bar: self.progress(capture.length(), output),
            capture,
            inspection: Inspection::new(!self.outer, self.loose),
            wanted,
            is_gone: false,
        })
    }

    /// The connections that are meant, which shows only when all was read.
    fn fitting(&self, output: &Output) -> Result<HashSet<u64>, Failure> {
        let is_input = self.file == Path::new("-");
        // What cannot be opened, and a directory, is refused as it is without selectors.
        let is_stream = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
        if is_input || self.file.metadata().is_ok_and(is_stream) {
            return Err(Failure::usage(format!(
                "{}: with --packets and selectors it is read twice; write the capture to a file first",
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
        if let Some(by) = self.sort {
            columns::sort(&mut chosen, by, inspection.last());
        }
        chosen
    }

    /// The last of them.
    fn limited<'a>(&self, connections: &'a [Connection]) -> &'a [Connection] {
        let limit = self.limit.unwrap_or(usize::MAX);
        let from = connections.len().saturating_sub(limit);
        connections.get(from..).unwrap_or_default()
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
            false => Some(run.read(false, |_| true)),
        };
        if self.summary {
            let summary = Summary::of(self.chosen(&run.inspection).iter()).limited(self.limit);
            output.object(&summary::Document { summary })?;
            run.note(output);
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
            run.note(output);
        }
        Ok(read.unwrap_or(Ok(())))
    }

    /// Prints packets as they are read, then the connections, and hands back how reading ended.
    fn print_tables(&self, run: &mut Run, output: &Output) -> Result<Result<(), Failure>, Failure> {
        let mut text = String::new();
        if self.packets && !output.quiet {
            text = row("FRAME", "ID", "FROM", "LENGTH", "STATE", "TYPES", "WIRE");
        }
        let mut printed = Ok(true);
        let read = run.read(self.packets, |seen| {
            let is_due = seen.is_none() || text.len() >= CHUNK;
            if let Some(seen) = seen {
                text.push_str(&line(&seen));
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
        let chosen = self.chosen(&run.inspection);
        if self.packets && !chosen.is_empty() {
            text.push('\n');
        }
        output.text(&text)?;
        let summary = Summary::of(chosen.iter());
        if chosen.is_empty() {
            run.note(output);
            output.remark(match run.inspection.is_empty() {
                true => "no TCP connections in it",
                false => "none of its TCP connections fits",
            });
        } else if self.summary {
            output.table(&summary.table(self.limit))?;
            run.note(output);
        } else {
            let columns = match self.columns.is_empty() {
                true => Column::usual(&chosen, output.verbose),
                false => self.columns.clone(),
            };
            let end = run.inspection.last();
            output.table(&columns::table(self.limited(&chosen), &columns, end))?;
            run.note(output);
            output.remark(&summary.line());
        }
        Ok(read)
    }
}

/// A capture on its way through the engine.
struct Run {
    capture: Capture,
    inspection: Inspection,
    bar: ProgressBar,
    /// The connections whose packets are told; none: all.
    wanted: Option<HashSet<u64>>,
    /// Nobody reads any more.
    is_gone: bool,
}

impl Run {
    /// Says what was passed over, if anything was.
    fn note(&self, output: &Output) {
        let note = self.inspection.passed_over.to_string();
        if !note.is_empty() {
            output.remark(&note);
        }
    }

    /// Reads to the end, or until `take` says false, and hands every packet with payload over if they are wanted; none before more
    /// has to be waited for.
    fn read(
        &mut self,
        packets: bool,
        mut take: impl FnMut(Option<Seen>) -> bool,
    ) -> Result<(), Failure> {
        let (inspection, bar) = (&mut self.inspection, &self.bar);
        let wanted = &self.wanted;
        let is_wanted = |seen: &Seen| wanted.as_ref().is_none_or(|ids| ids.contains(&seen.id));
        let mut goes_on = true;
        let read = self.capture.read(|frame| {
            let Some(frame) = frame else {
                goes_on &= take(None);
                return goes_on;
            };
            if frame.number % STEP == 0 {
                bar.set_position(frame.offset);
            }
            for seen in inspection.frame(frame, packets).filter(is_wanted) {
                goes_on = goes_on && take(Some(seen));
            }
            goes_on
        });
        for seen in inspection.end(packets).filter(is_wanted) {
            goes_on = goes_on && take(Some(seen));
        }
        self.bar.finish_and_clear();
        self.is_gone = !goes_on;
        read
    }
}

/// The object that is printed. How reading ended is filled in where that happens while it is printed.
struct Document<'a> {
    options: &'a Inspect,
    printed: &'a Printed,
    run: RefCell<(&'a mut Run, Option<Result<(), Failure>>)>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.run.borrow().1.is_none() {
            map.serialize_entry("packets", &Packets(self))?;
        }
        let (run, _) = &*self.run.borrow();
        map.serialize_entry("connections", &Connections(self.options, &run.inspection))?;
        map.end()
    }
}

/// The packets of a document: writing them is reading the capture.
struct Packets<'a, 'b>(&'a Document<'b>);

impl Serialize for Packets<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(document) = self;
        let (run, ended) = &mut *document.run.borrow_mut();
        let mut sequence = serializer.serialize_seq(None)?;
        let mut written = Ok(());
        let read = run.read(true, |seen| match seen {
            Some(seen) => {
                written = sequence.serialize_element(&seen);
                written.is_ok()
            }
            None => document.printed.show(),
        });
        *ended = Some(read);
        written?;
        if document.printed.has_failed() {
            return Err(S::Error::custom("what was made so far cannot be shown"));
        }
        sequence.end()
    }
}

/// The connections of a document.
struct Connections<'a>(&'a Inspect, &'a Inspection);

impl Serialize for Connections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(options, inspection) = self;
        if options.sort.is_some() || options.limit.is_some() {
            let chosen = options.chosen(inspection);
            return serializer.collect_seq(options.limited(&chosen));
        }
        let fits = |connection: &Connection| options.filter.fits(connection);
        serializer.collect_seq(inspection.connections().filter(fits))
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
