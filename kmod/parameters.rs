// SPDX-License-Identifier: GPL-2.0-only

//! The module's parameters, set when it is loaded.

use crate::{module_parameters, sys::table::Max, tls};
use core::borrow::Borrow;

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

/// Octets of memory that a namespace keeps behind holes at most.
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
