// SPDX-License-Identifier: GPL-2.0-only
//! Sets of names as a crate for user space: the same files that the kernel module compiles as its module `names`.

#![no_std]
#![forbid(unsafe_code)]

#[path = "mod.rs"]
mod names;

pub use names::*;
