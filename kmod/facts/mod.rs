// SPDX-License-Identifier: GPL-2.0-only

//! What has a number and a word, each once: rows that the module, the engine, the extension and the tool are compiled from.
//!
//! Every macro here hands its rows to another macro, which takes from them what it needs: `states! { x with this }` becomes
//! `x! { with this; NEW ROWS… }`. The order of rows is that of the numbers: new ones go to the end, none is taken out.
//!
//! A row is a variant, the constant of the ABI header, the word that people read and write, and a sentence on what it means.
//! What comes after these, and where a row is another, is said where the rows are. `make tables` writes what cannot be compiled
//! from them: the enumerations in the headers, docs/netlink/tlsconn.yaml, the JSON schema, the tables of docs/reference.md and of
//! docs/operations.md, and fish's completions.

#![cfg_attr(not(MODULE), no_std)]

mod connection;
mod counters;
mod identity;
mod options;
mod pin;
mod reasons;
mod record;
mod set;
