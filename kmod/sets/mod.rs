// SPDX-License-Identifier: GPL-2.0-only

//! Sets of server names: what rules, pins and lists ask whether a host is in them.
//!
//! What a set has is replaced as a whole: packets look into the old table or the new one, and never wait. The list of sets is
//! for process context alone; rules and pins hold the sets that they name.

mod filling;
mod list;
mod name;
mod names;
mod refusal;
mod set;

pub use filling::Filling;
pub use list::{Sets, MAX_SETS};
pub use name::Name;
pub use names::{table, Both, Names, Nothing, Without};
pub use refusal::{Refusal, MISSING};
pub use set::{Set, Use};
