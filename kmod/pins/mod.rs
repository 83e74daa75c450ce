// SPDX-License-Identifier: GPL-2.0-only

//! Pins: names that tie a connection mark to one connection.
//!
//! A pin's state and the mark that shows it to rules change together under the lock of the namespace's pins, which
//! comes after an entry's lock. Packets read the mark alone.

mod list;
mod mark;
mod marks;
mod pin;
mod returning;
mod selector;
mod sink;
mod waiting;

pub use list::{PinRequest, Pins, Refusal};
pub use mark::{Mark, Name, MAX_PINS};
pub use marks::Marks;
pub use pin::{Bound, Pin};
pub use selector::{Candidate, End, Selector};
pub use sink::{Release, Sink};
pub use waiting::Progress;
