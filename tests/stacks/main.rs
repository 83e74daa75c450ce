// SPDX-License-Identifier: GPL-2.0-only
//! Real stacks with the engine on the way between them, each as client and as server of each, over a matrix of versions,
//! resumptions and shapes. What is expected comes from what the stacks were told and say, not from the engine.
//!
//! `make stacks` (tests/guest/stacks) has the same peers' programs in a guest, with rules and pins: hours. Here there is no
//! module, and each stream is cut in many ways: minutes, with cargo's tests. Neither can do what the other does.

#[path = "../../kmod/tls/tests/common/mod.rs"]
mod common;

mod case;
mod check;
mod cuts;
mod gnutls;
mod nss;
mod openssl;
mod process;
mod python;
mod relay;
mod rustls;
mod stack;
mod table;
mod told;

use table::clients_of;

#[test]
fn openssl_clients() {
    clients_of(&openssl::OpenSsl);
}

#[test]
fn gnutls_clients() {
    clients_of(&gnutls::GnuTls);
}

#[test]
fn nss_clients() {
    clients_of(&nss::Nss);
}

#[test]
fn python_clients() {
    clients_of(&python::Python);
}

#[test]
fn rustls_clients() {
    clients_of(&rustls::Rustls);
}
