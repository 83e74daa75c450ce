// SPDX-License-Identifier: GPL-2.0-only

//! Which columns of connections are shown, in which order, and how many connections.

use clap::Args;

use super::{Column, Of};
use crate::{failure::Failure, model::Connection, time::Time};

/// What `list` and `inspect` show.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Shown {
    /// Columns of the table, by their names in the JSON; also time, age, idle and rate
    #[arg(
        short = 'o',
        long = "output",
        value_name = "COLUMN",
        value_delimiter = ','
    )]
    pub(crate) columns: Vec<Column>,
    /// Sort by this column, the largest last
    #[arg(long, value_name = "COLUMN")]
    sort: Option<Column>,
    /// Only the last N
    #[arg(long, value_name = "N", value_parser = crate::number::count)]
    pub(crate) limit: Option<usize>,
}

impl Shown {
    /// Refuses columns that these connections do not have.
    pub(crate) fn check(&self, of: Of) -> Result<(), Failure> {
        let mut asked = self.columns.iter().chain(&self.sort);
        match asked.find(|column| !column.is_of(of)) {
            None => Ok(()),
            Some(column) => Err(Failure::usage(format!(
                "there is no column {column} here; there are: {}",
                Column::names(of).join(" ")
            ))),
        }
    }

    /// Whether all connections are shown, as they come.
    pub(crate) fn is_all(&self) -> bool {
        self.sort.is_none() && self.limit.is_none()
    }

    /// Puts connections in their order; ages are counted up to `end`.
    pub(crate) fn sort(&self, connections: &mut [Connection], end: Time) {
        if let Some(by) = self.sort {
            by.sort(connections, end);
        }
    }

    /// The last of them.
    pub(crate) fn limited<'a>(&self, connections: &'a [Connection]) -> &'a [Connection] {
        let limit = self.limit.unwrap_or(usize::MAX);
        let from = connections.len().saturating_sub(limit);
        connections.get(from..).unwrap_or_default()
    }

    /// The columns that were asked for, else the usual ones.
    pub(crate) fn columns(&self, of: Of, connections: &[Connection], verbose: bool) -> Vec<Column> {
        match self.columns.is_empty() {
            true => Column::usual(of, connections, verbose),
            false => self.columns.clone(),
        }
    }
}
