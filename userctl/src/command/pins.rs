// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl pins`: the pins of the namespace.

use crate::{
    duration,
    failure::Failure,
    model::{Connection, Other, Pin, Pins},
    netlink::Tlsconn,
    output::Output,
    table::{Cell, Column, Table},
};

pub(crate) fn run(output: &Output) -> Result<(), Failure> {
    let mut tlsconn = Tlsconn::open()?;
    let mut pins = tlsconn.pins()?;
    if !pins.is_empty() {
        let connections = tlsconn.connections()?;
        for place in 0..pins.len() {
            let tracked = others(&pins[place], &pins, &connections);
            pins[place].others.splice(..0, tracked);
        }
    }
    if output.json {
        return output.object(&Pins { pins: &pins });
    }
    if pins.is_empty() {
        output.remark("no pins (make one with `tlsconnctl pin ID`)");
        return Ok(());
    }
    output.table(&table(&pins))
}

/// Pins as a table.
pub(crate) fn table(pins: &[Pin]) -> Table {
    let mut table = Table::new(
        ["NAME", "MARK", "STATE", "CONNECTION", "EXPIRES", "NOTES"]
            .map(Column::new)
            .into(),
    );
    for pin in pins {
        table.row(vec![
            Cell::new(&pin.name),
            Cell::new(format!("{:#x}/{:#x}", pin.mark, pin.mask)),
            Cell::new(pin.state),
            Cell::or_dash(pin.connection),
            Cell::or_dash(
                pin.expires_in
                    .map(|seconds| format!("in {}", duration::text(seconds))),
            ),
            Cell::new(notes(pin)),
        ]);
    }
    table
}

/// The tracked connections that carry a pin's mark though the pin is not on them.
fn others(pin: &Pin, pins: &[Pin], connections: &[Connection]) -> Vec<Other> {
    connections
        .iter()
        .filter(|connection| pin.is_carried_by_another(connection, pins))
        .map(|connection| Other::Tracked(connection.id))
        .collect()
}

/// What a pin waits for, and what is not as it should be.
fn notes(pin: &Pin) -> String {
    let mut notes: Vec<String> = pin
        .selector
        .iter()
        .map(|(field, value)| format!("{field} {value}"))
        .collect();
    if pin.follow {
        notes.push("follows resumptions".into());
    }
    if pin.mark_lost {
        notes.push("its mark was overwritten".into());
    }
    if !pin.others.is_empty() {
        let others: Vec<String> = pin.others.iter().map(Other::to_string).collect();
        notes.push(format!("also marked by others: {}", others.join(", ")));
    }
    if notes.is_empty() {
        "-".into()
    } else {
        notes.join(", ")
    }
}
