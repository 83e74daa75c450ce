// SPDX-License-Identifier: GPL-2.0-only

//! What a pin is called and which bits of the connection mark it stands for.

use crate::bindings::{self, XT_TLSCONN_PIN_MARK, XT_TLSCONN_PIN_MASK};

/// Pins a namespace may have, released ones counted too while there is room for them.
pub const MAX_PINS: usize = 64;

/// The name of a pin: 1 to 31 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    octets: [u8; bindings::TLSCONN_PIN_NAME_MAX as usize],
    len: u8,
}

impl Name {
    /// None when it is too long, or empty.
    pub fn new(name: &[u8]) -> Option<Self> {
        let mut octets = [0; bindings::TLSCONN_PIN_NAME_MAX as usize];
        if name.is_empty() || name.len() > octets.len() {
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

/// Bits of a connection mark.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Their value.
    pub value: u32,
    /// Which they are.
    pub mask: u32,
}

impl Mark {
    /// That of the pin `default`, and of rules that name none.
    pub const DEFAULT: Self = Self {
        value: XT_TLSCONN_PIN_MARK,
        mask: XT_TLSCONN_PIN_MASK,
    };

    /// Those that other pins get for which none was asked, from the one after the default on.
    pub(super) fn values() -> impl Iterator<Item = Self> {
        let Self { value, mask } = Self::DEFAULT;
        let step = mask & mask.wrapping_neg();
        let next = move |mark: &Self| {
            let value = mark.value.checked_add(step)?;
            Some(Self { value, mask })
        };
        let first = Self { value, mask };
        core::iter::successors(Some(first), next).skip(1)
    }

    /// Whether a connection's mark carries them.
    pub fn is_in(self, mark: u32) -> bool {
        mark & self.mask == self.value
    }

    /// Whether one mark could carry both by bits that they share.
    pub(super) fn overlaps(self, other: Mark) -> bool {
        let shared = self.mask & other.mask;
        shared != 0 && (self.value ^ other.value) & shared == 0
    }
}
