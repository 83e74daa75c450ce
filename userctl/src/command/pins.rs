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
        let tracked = others(&pins, tlsconn.connections()?)?;
        for (pin, tracked) in pins.iter_mut().zip(tracked) {
            pin.others.splice(..0, tracked);
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

/// Ids that the table shows of one pin.
const IDS_SHOWN: usize = 4;

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
            Cell::or_dash(connections(pin)),
            Cell::or_dash(
                pin.expires_in
                    .map(|seconds| format!("in {}", duration::text(seconds))),
            ),
            Cell::new(notes(pin)),
        ]);
    }
    table
}

/// The ids of its connections; how many there are, where they are many.
fn connections(pin: &Pin) -> Option<String> {
    match pin.connections.as_slice() {
        [] => None,
        several if several.len() > IDS_SHOWN => Some(format!("{} in all", several.len())),
        few => Some(few.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")),
    }
}

/// For each pin the tracked connections that carry its mark though the pin is not on them.
fn others(
    pins: &[Pin],
    connections: impl Iterator<Item = Result<Connection, Failure>>,
) -> Result<Vec<Vec<Other>>, Failure> {
    let mut others = vec![Vec::new(); pins.len()];
    for connection in connections {
        let connection = connection?;
        for (pin, others) in pins.iter().zip(&mut others) {
            if pin.is_carried_by_another(&connection, pins) {
                others.push(Other::Tracked(connection.id));
            }
        }
    }
    Ok(others)
}

/// What a pin waits for, and what is not as it should be.
fn notes(pin: &Pin) -> String {
    let mut notes: Vec<String> = pin
        .selector
        .iter()
        .map(|(field, value)| format!("{field} {value}"))
        .collect();
    if pin.shared {
        notes.push(if pin.deny { "denies" } else { "shared" }.into());
    }
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
