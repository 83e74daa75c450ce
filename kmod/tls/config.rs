// SPDX-License-Identifier: GPL-2.0-only
//! Bounds that the administrator can set.

/// What the administrator can set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Octets that may pass as a TLS 1.3 client's certificate flight.
    pub client_flight_budget: u32,
    /// Octets of a connection that are kept behind holes; with more, the direction is given up.
    pub hole_octets: u32,
    /// Seconds after which a direction is given up if its hole has not filled.
    pub hole_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            client_flight_budget: 40960,
            hole_octets: 65536,
            // By then a sender that is not held has sent again several times (RFC 6298 5.5).
            hole_seconds: 30,
        }
    }
}
