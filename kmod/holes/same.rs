// SPDX-License-Identifier: GPL-2.0-only

//! Whether two payloads are the same, by no more than so many bytes.

use crate::{packet::SkbPayload, tls::Payload};

/// Bytes compared for a packet at most. What is longer is not known to be the same.
const MOST: u32 = 32 * 1024;

/// Bytes compared at once.
const CHUNK: u32 = 256;

/// How many bytes were compared for a packet.
pub(super) struct Compared(u32);

impl Compared {
    /// None yet.
    pub(super) fn none() -> Self {
        Self(0)
    }

    /// Counts so many; whether they may be compared.
    fn may(&mut self, bytes: u32) -> bool {
        self.0 = self.0.saturating_add(bytes);
        self.0 <= MOST
    }
}

/// Whether both are known to be the same.
pub(super) fn is_same(a: &SkbPayload<'_>, b: &SkbPayload<'_>, compared: &mut Compared) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0_u32;
    while at < a.len() {
        let count = a.len().saturating_sub(at).min(CHUNK);
        let (mut of_a, mut of_b) = ([0; CHUNK as usize], [0; CHUNK as usize]);
        let (Some(from_a), Some(from_b)) = (
            of_a.get_mut(..count as usize),
            of_b.get_mut(..count as usize),
        ) else {
            return false;
        };
        if !compared.may(count) || !a.read(at, from_a) || !b.read(at, from_b) || from_a != from_b {
            return false;
        }
        at = at.saturating_add(count);
    }
    true
}
