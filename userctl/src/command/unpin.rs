// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl unpin`: releases pins.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::{
    completion,
    failure::Failure,
    mark::PinName,
    model::{Pin, PinState, Pins},
    netlink::Tlsconn,
    output::Output,
};

/// Release a pin: clear its mark from its connection, and from others that carry it
#[derive(Args, Debug)]
pub(crate) struct Unpin {
    /// The pin's name
    #[arg(default_value = "default", add = ArgValueCandidates::new(completion::live_pins))]
    name: PinName,
    /// Every pin
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

impl Unpin {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let mut tlsconn = Tlsconn::open()?;
        let mut pins = tlsconn.pins()?;
        pins.retain(|pin| match self.all {
            true => pin.state != PinState::Released,
            false => pin.name.0 == self.name.0.as_bytes(),
        });
        if self.all {
            tlsconn.unpin_all()?;
        } else {
            tlsconn.unpin(&self.name)?;
        }
        if output.json {
            for pin in &mut pins {
                pin.state = PinState::Released;
                pin.connection = None;
                pin.expires_in = None;
                pin.mark_lost = false;
                pin.others.clear();
            }
            return output.object(&Pins { pins: &pins });
        }
        if pins.is_empty() {
            output.remark("no pin was bound or armed");
        }
        pins.iter().try_for_each(|pin| output.done(&released(pin)))
    }
}

fn released(pin: &Pin) -> String {
    match (pin.state, pin.connection) {
        (PinState::Released, _) => format!(
            "pin {} was released before: cleared its mark where others had set it",
            pin.name
        ),
        (_, Some(id)) => format!("pin {} released from connection {id}", pin.name),
        _ => format!("pin {} released", pin.name),
    }
}
