// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl stats`: the counters.

mod prometheus;

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::{
    failure::Failure,
    netlink::Tlsconn,
    output::Output,
    table::{Cell, Column, Table},
};

/// Show the counters
#[derive(Args, Debug)]
pub(crate) struct Stats {
    /// Print the text format of Prometheus, which node_exporter's textfile collector reads
    #[arg(long)]
    prometheus: bool,
}

/// What `stats` prints as JSON.
#[derive(Serialize)]
struct Answer {
    stats: BTreeMap<String, u64>,
}

impl Stats {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        if self.prometheus && output.json {
            return Err(Failure::usage(
                "--prometheus is a format of its own: leave --json out",
            ));
        }
        let stats = Tlsconn::open()?.stats()?;
        if self.prometheus {
            return output.text(&prometheus::text(&stats));
        }
        if output.json {
            return output.object(&Answer { stats });
        }
        let mut table = Table::new(vec![Column::new("COUNTER"), Column::new("VALUE")]);
        for (name, value) in stats {
            table.row(vec![Cell::new(name), Cell::new(value)]);
        }
        output.table(&table)
    }
}
