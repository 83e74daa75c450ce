// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl stats`: the counters.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    failure::Failure,
    netlink::Tlsconn,
    output::Output,
    table::{Cell, Column, Table},
};

/// What `stats` prints as JSON.
#[derive(Serialize)]
struct Answer {
    stats: BTreeMap<String, u64>,
}

pub(crate) fn run(output: &Output) -> Result<(), Failure> {
    let stats = Tlsconn::open()?.stats()?;
    if output.json {
        return output.object(&Answer { stats });
    }
    let mut table = Table::new(vec![Column::new("COUNTER"), Column::new("VALUE")]);
    for (name, value) in stats {
        table.row(vec![Cell::new(name), Cell::new(value)]);
    }
    output.table(&table)
}
