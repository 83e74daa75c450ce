// SPDX-License-Identifier: GPL-2.0-only

//! What sets are called.

use crate::{bindings::XT_TLSCONN_SET_NAME_MAX, check::is_set_name, tls::Bytes};

/// The name of a set: 1 to 31 letters, digits, dots, hyphens and underscores, no hyphen first.
#[derive(Clone, Copy)]
pub struct Name(Bytes<{ XT_TLSCONN_SET_NAME_MAX as usize }>);

impl Name {
    /// None when it is too long, empty, or has other bytes.
    pub fn new(name: &[u8]) -> Option<Self> {
        let mut octets = Bytes::new();
        let is_good = is_set_name(name) && name.iter().all(|octet| octets.push(*octet));
        is_good.then_some(Self(octets))
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}
