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

/// Release a pin: clear its mark from its connections, and from others that carry it
#[derive(Args, Debug)]
pub(crate) struct Unpin {
    /// The pin's name
    #[arg(default_value = "default", add = ArgValueCandidates::new(completion::live_pins))]
    name: PinName,
    /// Only from this connection; a shared pin stays on the others
    #[arg(value_parser = super::id, add = ArgValueCandidates::new(completion::connections))]
    id: Option<u64>,
    /// Every pin
    #[arg(long, conflicts_with_all = ["name", "id"])]
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
            tlsconn.unpin(&self.name, self.id)?;
        }
        if self.id.is_some() {
            return self.released_from_one(&mut tlsconn, output);
        }
        if output.json {
            for pin in &mut pins {
                pin.state = PinState::Released;
                pin.connection = None;
                pin.connections.clear();
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

impl Unpin {
    /// Tells of a pin that was released from one connection, and may be on others.
    fn released_from_one(&self, tlsconn: &mut Tlsconn, output: &Output) -> Result<(), Failure> {
        let mut pins = tlsconn.pins()?;
        pins.retain(|pin| pin.name.0 == self.name.0.as_bytes());
        if output.json {
            return output.object(&Pins { pins: &pins });
        }
        let id = self.id.unwrap_or_default();
        output.done(&format!(
            "pin {} released from connection {id}",
            self.name.0
        ))
    }
}

fn released(pin: &Pin) -> String {
    match (pin.state, pin.connection) {
        (PinState::Released, _) => format!(
            "pin {} was released before: cleared its mark where others had set it",
            pin.name
        ),
        (_, None) if !pin.connections.is_empty() => format!(
            "pin {} released from {} connections",
            pin.name,
            pin.connections.len()
        ),
        (_, Some(id)) => format!("pin {} released from connection {id}", pin.name),
        _ => format!("pin {} released", pin.name),
    }
}
