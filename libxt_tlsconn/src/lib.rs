// SPDX-License-Identifier: GPL-2.0-only

//! `libxt_tlsconn.so`: what iptables and ip6tables load for `-m tlsconn`.
//!
//! `options` is the table of what can be asked for, with `words`, `version`, `alpn` and the crate `values` for
//! their values; `canonical` writes a rule back as options, `translate` as nft would have it. They are plain Rust. `callbacks`
//! ties them to libxtables, whose C interface is shut up in `xtables`, and `protocol` sees to it that a rule is for TCP.

mod alpn;
mod callbacks;
mod canonical;
mod help;
mod options;
mod protocol;
#[cfg(test)]
mod random;
#[cfg(test)]
mod round_trip;
mod translate;
mod version;
#[cfg(test)]
mod wording;
mod words;
mod xtables;

/// The kernel's check of a rule, compiled for the host; it finds the ABI and the facts where it would in the kernel.
#[cfg(test)]
#[path = "../../kmod/check.rs"]
mod kernel_check;
#[cfg(test)]
use tlsconn_facts::match_options;
#[cfg(test)]
use tlsconn_uapi as bindings;

/// libxtables expects an extension to register itself as soon as it is loaded.
#[used]
#[link_section = ".init_array"]
static REGISTER: extern "C" fn() = callbacks::register;
