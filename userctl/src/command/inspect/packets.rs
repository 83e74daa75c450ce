// SPDX-License-Identifier: GPL-2.0-only

//! Packets as lines.

use std::fmt::Write as _;

use crate::inspect::Seen;

/// The heading of them.
pub(super) fn head() -> String {
    row("FRAME", "ID", "FROM", "LENGTH", "STATE", "TYPES", "WIRE")
}

/// A packet as a line. Columns have a fixed width, since what comes later is not known.
pub(super) fn line(seen: &Seen) -> String {
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
