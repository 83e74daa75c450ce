// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl pins`: the pins of the namespace.

use crate::{
    failure::Failure,
    model::{Pin, Pins},
    netlink::Tlsconn,
    output::Output,
    table::{Cell, Column, Table},
};

pub(crate) fn run(output: &Output) -> Result<(), Failure> {
    let pins = Tlsconn::open()?.pins()?;
    if output.json {
        return output.object(&Pins { pins: &pins });
    }
    if pins.is_empty() {
        output.remark("no pins (make one with `tlsconnctl pin ID`)");
        return Ok(());
    }
    output.table(&table(&pins))
}

fn table(pins: &[Pin]) -> Table {
    let mut table = Table::new(
        ["NAME", "MARK", "STATE", "CONNECTION"]
            .map(Column::new)
            .into(),
    );
    for pin in pins {
        table.row(vec![
            Cell::new(&pin.name),
            Cell::new(format!("{:#x}/{:#x}", pin.mark, pin.mask)),
            Cell::new(pin.state),
            Cell::or_dash(pin.connection),
        ]);
    }
    table
}
