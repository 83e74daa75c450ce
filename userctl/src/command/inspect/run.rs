// SPDX-License-Identifier: GPL-2.0-only

//! A capture on its way through the engine, with a progress bar beside it.

use std::{
    collections::HashSet,
    io::{self, IsTerminal},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{summary::Summary, Inspect};
use crate::{
    duration::Duration,
    failure::Failure,
    filter::Filter,
    inspect::{capture::Capture, Inspection, Item},
    output::Output,
};

/// Frames between two looks at the progress bar.
const STEP: u64 = 1 << 10;

/// A capture on its way through the engine.
pub(super) struct Run {
    pub(super) capture: Capture,
    pub(super) inspection: Inspection,
    bar: ProgressBar,
    /// The connections whose packets are told; none: all.
    wanted: Option<HashSet<u64>>,
    /// Nobody reads any more.
    pub(super) is_gone: bool,
    pub(super) output: Output,
    /// If they are only counted, those that were meant so far.
    counted: Option<(Filter, Summary)>,
}

impl Inspect {
    /// Opens the capture; of its packets those of `wanted` are told.
    pub(super) fn open(
        &self,
        output: &Output,
        wanted: Option<HashSet<u64>>,
    ) -> Result<Run, Failure> {
        let capture = Capture::open(&self.file)?;
        Ok(Run {
            bar: self.progress(capture.length(), output),
            capture,
            inspection: Inspection::new(!self.outer, self.loose)
                .live(self.file.as_os_str() == "-")
                .explaining(self.explain)
                .giving_up_after(self.timeout.map(|Duration(seconds)| seconds)),
            wanted,
            is_gone: false,
            output: *output,
            counted: self
                .summary
                .then(|| (self.filter.clone(), Summary::default())),
        })
    }

    /// A bar on standard error if that is a terminal, where nothing else is written meanwhile.
    fn progress(&self, length: Option<u64>, output: &Output) -> ProgressBar {
        if output.quiet || self.is_told_of() && io::stdout().is_terminal() {
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
}

impl Run {
    /// Says what was passed over, if anything was.
    pub(super) fn note(&self) {
        let note = self.inspection.passed_over().to_string();
        if !note.is_empty() {
            self.output.remark(&note);
        }
    }

    /// What was counted, if that is asked for in place of the connections.
    pub(super) fn take_summary(&mut self) -> Option<Summary> {
        self.counted.take().map(|(_, summary)| summary)
    }

    /// Reads to the end, or until `take` says false, and hands every packet with payload over if they are wanted, and every record
    /// that is explained; none before more has to be waited for.
    pub(super) fn read(
        &mut self,
        packets: bool,
        mut take: impl FnMut(Option<Item>) -> bool,
    ) -> Result<(), Failure> {
        let (inspection, bar, output) = (&mut self.inspection, &self.bar, &self.output);
        let (wanted, counted) = (&self.wanted, &mut self.counted);
        let is_wanted = |item: &Item| wanted.as_ref().is_none_or(|ids| ids.contains(&item.id()));
        let mut goes_on = true;
        let read = self.capture.read(|frame| {
            let Some(frame) = frame else {
                goes_on &= take(None);
                return goes_on;
            };
            if frame.number % STEP == 0 {
                bar.set_position(frame.offset);
            }
            for item in inspection.frame(frame, packets).filter(is_wanted) {
                goes_on = goes_on && take(Some(item));
            }
            if let Some((filter, summary)) = counted {
                let over = inspection.take_over().into_iter();
                summary.add_all(over.filter(|of| filter.fits(of)));
            }
            if let Some(warning) = inspection.warning() {
                bar.suspend(|| output.remark(&warning));
            }
            goes_on
        });
        for item in inspection.end(packets).filter(is_wanted) {
            goes_on = goes_on && take(Some(item));
        }
        if let Some((filter, summary)) = counted {
            summary.add_all(inspection.connections().filter(|of| filter.fits(of)));
        }
        self.bar.finish_and_clear();
        self.is_gone = !goes_on;
        read
    }
}
