// SPDX-License-Identifier: GPL-2.0-only

//! Pins: names that tie a connection mark to one connection, or to those that share it.
//!
//! A pin's state and the mark that shows it to rules change together under the lock of the namespace's pins, which
//! comes after an entry's lock. Packets read the mark alone.

mod bound;
mod kind;
mod list;
mod mark;
mod marks;
mod members;
mod pin;
mod refusal;
mod returning;
mod selector;
mod shared;
mod sharing;
mod sink;
mod waiting;

pub use bound::Bound;
pub use kind::Kind;
pub use list::{PinRequest, Pins};
pub use mark::{Mark, Name, MAX_PINS};
pub use marks::Marks;
pub use pin::{seconds_to, Pin};
pub use refusal::Refusal;
pub use selector::{Candidate, End, Pattern, Selector};
pub use shared::{has_to_be_emptied_for, look_for_dying, mark_for, release_from, Walk};
pub use sink::{Release, Sink};
pub use waiting::Progress;
