// SPDX-License-Identifier: GPL-2.0-only

//! Pins: names that tie a connection mark to one connection, or to those that share it.
//!
//! A pin's state and the mark that shows it to rules change together under the lock of the namespace's pins, which
//! comes after an entry's lock. Packets read the mark alone.

mod list;
mod mark;
mod marks;
mod members;
mod pin;
mod returning;
mod selector;
mod shared;
mod sink;
mod waiting;

pub use list::{PinRequest, Pins, Refusal};
pub use mark::{Mark, Name, MAX_PINS};
pub use marks::Marks;
pub use pin::{seconds_to, Bound, Pin};
pub use selector::{Candidate, End, Selector};
pub use shared::{Kind, Walk};
pub use sink::{Release, Sink};
pub use waiting::Progress;
