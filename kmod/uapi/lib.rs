// SPDX-License-Identifier: GPL-2.0-only

//! The ABI between the kernel module and user space, bound from `xt_tlsconn.h` and `tlsconn_netlink.h`.

#![no_std]
#![allow(
    missing_docs,
    non_camel_case_types,
    clippy::undocumented_unsafe_blocks,
    reason = "generated; the headers hold the documentation"
)]

include!(concat!(env!("OUT_DIR"), "/uapi.rs"));
