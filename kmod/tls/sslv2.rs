// SPDX-License-Identifier: GPL-2.0-only
//! A ClientHello in the framing of SSL 2.0, by which old clients offer newer versions too (RFC 5246 E.2).

use super::hello::{Hello, Malformed};

/// Bytes of the three lengths in front.
const LENGTHS: u16 = 6;

/// The body after the version, as far as it was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sslv2 {
    read: u16,
    cipher_specs: u16,
    session_id: u16,
    challenge: u16,
}

impl Sslv2 {
    /// Takes the next byte in.
    pub(super) fn byte(&mut self, byte: u8, hello: &mut Hello) -> Result<(), Malformed> {
        let place = self.read;
        self.read = place.checked_add(1).ok_or(Malformed)?;
        let length = match place {
            0 | 1 => &mut self.cipher_specs,
            2 | 3 => &mut self.session_id,
            4 | 5 => &mut self.challenge,
            _ => return self.field(place.saturating_sub(LENGTHS), byte, hello),
        };
        *length = (*length << 8) | u16::from(byte);
        let fits = match place {
            // Of three bytes each, and at least one.
            1 => self.cipher_specs > 0 && self.cipher_specs % 3 == 0,
            5 => (16..=32).contains(&self.challenge),
            _ => true,
        };
        match fits {
            true => Ok(()),
            false => Err(Malformed),
        }
    }

    /// Takes the first of some bytes in, as many as are cipher specs, and says how many.
    pub(super) fn run(&mut self, bytes: &[u8]) -> usize {
        let end = LENGTHS.saturating_add(self.cipher_specs);
        if self.read < LENGTHS {
            return 0;
        }
        let run = bytes.len().min(end.saturating_sub(self.read).into());
        self.read = self.read.saturating_add(run as u16);
        run
    }

    fn field(&self, place: u16, byte: u8, hello: &mut Hello) -> Result<(), Malformed> {
        let Some(place) = place.checked_sub(self.cipher_specs) else {
            return Ok(());
        };
        let Some(place) = place.checked_sub(self.session_id) else {
            return match hello.session_id.push(byte) {
                true => Ok(()),
                false => Err(Malformed),
            };
        };
        // The challenge is the random, padded on the left.
        let padding = 32_u16.saturating_sub(self.challenge);
        let place = usize::from(padding.saturating_add(place));
        *hello.random.get_mut(place).ok_or(Malformed)? = byte;
        Ok(())
    }

    /// Whether every field is complete.
    pub(super) fn is_complete(&self) -> bool {
        let left = self.read.checked_sub(LENGTHS);
        let left = left.and_then(|left| left.checked_sub(self.cipher_specs));
        let left = left.and_then(|left| left.checked_sub(self.session_id));
        left == Some(self.challenge)
    }
}
