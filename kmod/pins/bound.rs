// SPDX-License-Identifier: GPL-2.0-only

//! A connection that a pin is on.

use crate::sys::conntrack::Conntrack;
use kernel::sync::aref::ARef;

/// A connection that a pin is bound to.
#[derive(Clone)]
pub struct Bound {
    /// Its id.
    pub id: u64,
    /// Its conntrack entry.
    pub ct: ARef<Conntrack>,
}
