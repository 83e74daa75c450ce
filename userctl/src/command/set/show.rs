// SPDX-License-Identifier: GPL-2.0-only

//! What is in sets.

use std::cmp::Reverse;

use serde::Serialize;

use crate::{
    failure::{Code, Failure},
    model::{Member, Set},
    netlink::Tlsconn,
    output::Output,
    table::{Cell, Column, Table},
};

/// What `set list` prints as JSON.
#[derive(Serialize)]
struct All {
    sets: Vec<Set>,
}

/// What `set show` prints as JSON.
#[derive(Serialize)]
struct Shown {
    set: Set,
    names: Vec<Member>,
}

/// What `set test` prints as JSON.
#[derive(Serialize)]
struct Found<'a> {
    host: &'a str,
    /// The name that it is in the set by.
    name: Option<String>,
}

/// Every set.
pub(super) fn all(output: &Output) -> Result<(), Failure> {
    let sets = Tlsconn::open()?.sets()?;
    if output.json {
        return output.object(&All { sets });
    }
    if sets.is_empty() {
        output.remark("no sets (make one with `tlsconnctl set load NAME FILE`)");
        return Ok(());
    }
    let columns = ["NAME", "SIZE", "MEMORY", "HITS", "RULES", "PINS"];
    let mut table = Table::new(columns.map(Column::new).into());
    for set in &sets {
        let numbers = [set.size, set.memory, set.hits, set.rules, set.pins];
        let numbers = numbers.map(Cell::new);
        table.row([Cell::new(&set.name)].into_iter().chain(numbers).collect());
    }
    output.table(&table)
}

/// The names of a set.
pub(super) fn one(name: &str, with_hits: bool, output: &Output) -> Result<(), Failure> {
    let mut tlsconn = Tlsconn::open()?;
    let set = tlsconn.set(name)?;
    let mut names = tlsconn.members(name)?.collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    if with_hits {
        names.sort_by_key(|member| Reverse(member.hits));
    }
    if output.json {
        return output.object(&Shown { set, names });
    }
    if !with_hits {
        let line = |member: &Member| member.name.clone() + "\n";
        return output.text(&names.iter().map(line).collect::<String>());
    }
    let mut table = Table::new(["NAME", "HITS"].map(Column::new).into());
    for member in &names {
        table.row(vec![Cell::new(&member.name), Cell::new(member.hits)]);
    }
    output.table(&table)
}

/// Whether a host is in a set.
pub(super) fn found(name: &str, host: &str, output: &Output) -> Result<(), Failure> {
    let by = Tlsconn::open()?.find(name, host.as_bytes())?;
    let by = by.map(|member| member.name);
    let is_in = by.is_some();
    if output.json {
        output.object(&Found { host, name: by })?;
    } else {
        output.done(&match by {
            Some(by) => format!("{host} is in set {name}, by {by}"),
            None => format!("{host} is not in set {name}"),
        })?;
    }
    match is_in {
        true => Ok(()),
        false => Err(Failure::told(Code::Failed)),
    }
}
