// SPDX-License-Identifier: GPL-2.0-only
//! Sets of server names: `host.example` is that host, `.example` a domain with all below it.
//!
//! Plain `core` Rust with neither allocation nor panics. A [`Table`] is made once ([`Table::build`]) in memory of the caller's, and
//! only looked up in after that. A name takes about two thirds of its bytes ([`encoding`](Encoded)), 4 bytes for its hits and 4 for
//! its place: 1,000,000 names of 17 bytes take 20 MB.
//!
//! Names stand in the table from their end to their beginning, so that all domains that a host is in begin as the host
//! does. A look-up goes through the host's characters once, and looks into one bucket for each label. Which bucket that is
//! nobody outside can foresee, as the hash has a key.

mod encoding;
mod hash;
mod making;
mod table;

pub use encoding::{Encoded, NotAName};
pub use making::Source;
pub use table::{Place, Table, Word};
