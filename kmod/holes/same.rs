// SPDX-License-Identifier: GPL-2.0-only

//! Whether two payloads are the same, by no more than so many bytes.

use crate::{packet::SkbPayload, tls::Payload};

/// Bytes compared for a packet at most. What is longer is not known to be the same.
const MOST: u32 = 16 * 1024;

/// Bytes compared at once.
const CHUNK: usize = 256;

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
    let (mut of_a, mut of_b) = ([0; CHUNK], [0; CHUNK]);
    let mut at = 0_u32;
    while at < a.len() {
        let count = a.len().saturating_sub(at).min(CHUNK as u32);
        let (Some(from_a), Some(from_b)) = (
            piece(a, at, count, &mut of_a),
            piece(b, at, count, &mut of_b),
        ) else {
            return false;
        };
        if !compared.may(count) || from_a != from_b {
            return false;
        }
        at = at.saturating_add(count);
    }
    true
}

/// Bytes of a payload: where they are, or copied where they lie in pages, which somebody may be writing to.
fn piece<'a>(
    payload: &SkbPayload<'a>,
    at: u32,
    count: u32,
    copy: &'a mut [u8; CHUNK],
) -> Option<&'a [u8]> {
    if let Some(bytes) = payload.linear(at, count) {
        return Some(bytes);
    }
    let copy = copy.get_mut(..count as usize)?;
    payload.read(at, copy).then_some(copy)
}
