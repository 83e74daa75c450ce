// SPDX-License-Identifier: GPL-2.0-only

//! What sets are called.

use crate::{bindings, check::is_set_name};

/// The name of a set: 1 to 31 letters, digits, dots, hyphens and underscores, no hyphen first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    octets: [u8; bindings::XT_TLSCONN_SET_NAME_MAX as usize],
    len: u8,
}

impl Name {
    /// None when it is too long, empty, or has other bytes.
    pub fn new(name: &[u8]) -> Option<Self> {
        let mut octets = [0; bindings::XT_TLSCONN_SET_NAME_MAX as usize];
        if name.len() > octets.len() || !is_set_name(name) {
            return None;
        }
        for (to, from) in octets.iter_mut().zip(name) {
            *to = *from;
        }
        Some(Self {
            octets,
            len: name.len() as u8,
        })
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or(&[])
    }
}
