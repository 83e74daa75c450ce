// SPDX-License-Identifier: GPL-2.0-only

//! The module's parameters, set when it is loaded.

use crate::{module_parameters, sys::table::Max, tls};
use core::borrow::Borrow;
use kernel::prelude::*;

/// Refuses a parameter that is larger than it may be, with a word in the kernel's log: memory and the work of a packet
/// have bounds whatever is set. Process context.
pub fn check() -> Result {
    let connections = 1 << 24;
    let is_at_most = |name, value, most: u32| match value > u64::from(most) {
        true => {
            pr_err!("{name}={value} is too large: at most {most}\n");
            Err(EINVAL)
        }
        false => Ok(()),
    };
    let max = max_connections();
    is_at_most("max_connections", max.own, connections)?;
    is_at_most("max_connections_unprivileged", max.shared, connections)?;
    is_at_most("max_handshakes", max_handshakes().into(), connections)?;
    let octets = handshake_octets_total();
    is_at_most("handshake_octets_total", octets.into(), 1 << 30)?;
    let engine = engine();
    let budget = engine.client_flight_budget.into();
    is_at_most("client_flight_budget", budget, 1 << 20)?;
    is_at_most("hole_octets", engine.hole_octets.into(), 1 << 20)?;
    is_at_most("hole_octets_total", hole_octets_total(), 1 << 30)
}

/// How many connections a namespace tracks at most, and all that the initial user namespace does not own together.
pub fn max_connections() -> Max {
    Max {
        own: u64::from(number(module_parameters::max_connections.value())),
        shared: u64::from(number(
            module_parameters::max_connections_unprivileged.value(),
        )),
    }
}

/// How many connections of a namespace hold memory for a handshake at most.
pub fn max_handshakes() -> u32 {
    number(module_parameters::max_handshakes.value())
}

/// Bytes of memory that a namespace keeps of what handshakes have outstanding at most.
pub fn handshake_octets_total() -> u32 {
    number(module_parameters::handshake_octets_total.value())
}

/// Bytes of memory that a namespace keeps after holes at most.
pub fn hole_octets_total() -> u64 {
    u64::from(number(module_parameters::hole_octets_total.value()))
}

/// What the engine can be told.
pub fn engine() -> tls::Config {
    tls::Config {
        client_flight_budget: number(module_parameters::client_flight_budget.value()),
        hole_octets: number(module_parameters::hole_octets.value()),
        ..tls::Config::default()
    }
}

/// Kernels differ in whether a parameter is given by value or by reference.
fn number(value: impl Borrow<u32>) -> u32 {
    *value.borrow()
}
