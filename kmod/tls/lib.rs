// SPDX-License-Identifier: GPL-2.0-only
//! The engine as a crate for user space: the same files that the kernel module compiles as its module `tls`.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

/// Memory that is held: the kernel's is another.
use alloc::boxed::Box as Held;
/// Rows: in the kernel they are macros of the module's own.
use tlsconn_facts::{identity_fields, reasons, resumptions, sides, states};

#[path = "mod.rs"]
mod tls;

pub use tls::*;
