// SPDX-License-Identifier: GPL-2.0-only

//! Values as people write them, which the iptables extension and tlsconnctl read alike. Errors say what is wrong with the
//! value and how it is written; the caller says whose value it is.

pub mod hex;
pub mod ja4;
pub mod mark;
pub mod name;
pub mod set;
