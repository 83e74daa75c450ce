// SPDX-License-Identifier: GPL-2.0-only

//! Packets, and records that are explained, as lines. Columns have a fixed width, since what comes later is not known.

use std::fmt::{Display, Write as _};

use crate::inspect::{explained::Explained, Item, Seen};

/// The heading of them.
pub(super) fn head(explain: bool) -> String {
    match explain {
        true => record([
            "FRAME", "ID", "FROM", "RULE", "LENGTH", "RECORD", "ACK", "LEFT", "TYPE",
        ]),
        false => packet(["FRAME", "ID", "FROM", "LENGTH", "STATE", "TYPES", "WIRE"]),
    }
}

/// One of them.
pub(super) fn line(item: &Item) -> String {
    match item {
        Item::Packet(seen) => of_packet(seen),
        Item::Record(explained) => of_record(explained),
    }
}

fn of_packet(seen: &Seen) -> String {
    packet([
        &seen.frame.to_string(),
        &seen.id.to_string(),
        &seen.from.to_string(),
        &seen.length.to_string(),
        &seen.state.to_string(),
        &seen.types.join(","),
        &seen.wire.join(","),
    ])
}

fn packet([frame, id, from, length, state, types, wire]: [&str; 7]) -> String {
    let mut line = String::new();
    // A string takes everything in.
    let _ = writeln!(
        line,
        "{frame:<7} {id:<5} {from:<4} {length:<6} {state:<11} {types:<18} {wire}"
    );
    line
}

fn of_record(of: &Explained) -> String {
    let kind = of.kind.unwrap_or("-");
    let ends = match of.ends {
        true => ", ends the handshake",
        false => "",
    };
    record([
        &of.frame.to_string(),
        &of.id.to_string(),
        &of.from.to_string(),
        of.rule,
        &of.length.to_string(),
        &of.with_header.to_string(),
        &or_dash(of.acknowledged.map(|more| format!("{more:+}"))),
        &or_dash(of.left),
        &format!("{kind}{ends}"),
    ])
}

fn or_dash(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

fn record([frame, id, from, rule, length, with_header, ack, left, kind]: [&str; 9]) -> String {
    let mut line = String::new();
    let _ = writeln!(
        line,
        "{frame:<7} {id:<5} {from:<4} {rule:<4} {length:<6} {with_header:<7} {ack:<7} {left:<6} {kind}"
    );
    line
}
