// SPDX-License-Identifier: GPL-2.0-only

//! Bindings to the kernel's netfilter and generic netlink headers and to our own, made by bindgen (see Kbuild).
//! Types that the kernel crate binds are taken from there, so that both agree on them.

#![allow(
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    non_snake_case,
    unreachable_pub,
    dead_code,
    improper_ctypes,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::cast_lossless,
    reason = "generated"
)]

pub use kernel::bindings::*;
use kernel::ffi;

include!(env!("TLSCONN_BINDINGS"));
