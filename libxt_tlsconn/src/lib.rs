// SPDX-License-Identifier: GPL-2.0-only

//! `libxt_tlsconn.so`: what iptables and ip6tables load for `-m tlsconn`.
//!
//! `options` is the table of what can be asked for, with `words` and `mark` for the values; `canonical` writes a rule
//! back as options. They are plain Rust. `callbacks` ties them to libxtables, whose C interface is shut up in
//! `xtables`, and `protocol` sees to it that a rule is for TCP.

mod callbacks;
mod canonical;
mod help;
mod mark;
mod options;
mod protocol;
#[cfg(test)]
mod round_trip;
mod words;
mod xtables;

/// libxtables expects an extension to register itself as soon as it is loaded.
#[used]
#[link_section = ".init_array"]
static REGISTER: extern "C" fn() = callbacks::register;
