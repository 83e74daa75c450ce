// SPDX-License-Identifier: GPL-2.0-only

//! The kernel's SHA-256 (`lib/crypto/sha256.c`).

use crate::bindings;

/// A digest that is being made.
pub struct Sha256(bindings::sha256_ctx);

impl Default for Sha256 {
    /// Of nothing yet. Any context but hard interrupts.
    fn default() -> Self {
        let mut context = bindings::sha256_ctx::default();
        // SAFETY: It is a context, which the function writes whole.
        unsafe { bindings::sha256_init(&raw mut context) };
        Self(context)
    }
}

impl Sha256 {
    /// Takes more bytes in. Any context but hard interrupts.
    pub fn update(&mut self, bytes: &[u8]) {
        // SAFETY: The context was initialised, and so many bytes can be read there.
        unsafe {
            bindings::__sha256_update(&raw mut self.0.ctx, bytes.as_ptr(), bytes.len());
        }
    }

    /// The digest of all of them. Any context but hard interrupts.
    pub fn finish(mut self) -> [u8; 32] {
        let mut digest = [0; 32];
        // SAFETY: The context was initialised, and a digest has 32 bytes.
        unsafe { bindings::sha256_final(&raw mut self.0, digest.as_mut_ptr()) };
        digest
    }
}
