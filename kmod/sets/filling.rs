// SPDX-License-Identifier: GPL-2.0-only

//! Names that come for a set, message by message, until they are all there.

use super::{name::Name, refusal::Refusal};
use crate::names::{Encoded, Source};
use core::mem::replace;
use kernel::{alloc::AllocError, prelude::*};

/// Names that one set may have. Each takes a place of 4 bytes.
const NAMES: u32 = 4 << 20;

/// Names that somebody is sending. Gone with the socket that they come by.
pub struct Filling {
    /// The socket.
    pub port: u32,
    /// The set that they are for.
    pub set: Name,
    /// The words of the names of each message.
    chunks: KVVec<KVVec<u32>>,
    count: u32,
}

impl Filling {
    /// With no names yet.
    pub fn new(port: u32, set: Name) -> Self {
        Self {
            port,
            set,
            chunks: KVVec::new(),
            count: 0,
        }
    }

    /// Takes more names, each with a zero byte after it. Process context; may sleep.
    pub fn add(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        let no_memory = |_: AllocError| (ENOMEM, c"there is no memory for the names");
        let Some(octets) = octets.strip_suffix(b"\0") else {
            return Err((EINVAL, c"the last name has no zero byte after it"));
        };
        let names = octets.split(|octet| *octet == 0);
        let count = names
            .clone()
            .fold(0_u32, |count, _| count.saturating_add(1));
        self.count = self.count.saturating_add(count);
        if self.count > NAMES {
            return Err((
                E2BIG,
                c"a set has 4194304 names at most: make several of it",
            ));
        }
        // Six characters in a word, and each name has one more at most.
        let words = (octets.len() / 6)
            .saturating_add(count as usize)
            .saturating_add(1);
        let mut chunk = KVVec::with_capacity(words, GFP_KERNEL_ACCOUNT).map_err(no_memory)?;
        for name in names {
            let name = Encoded::new(name).map_err(|_| {
                (EINVAL, c"a name is none: labels of a-z, 0-9, - and _ with dots between, a dot before a domain, at most 255 bytes")
            })?;
            for word in name.words() {
                chunk
                    .push_within_capacity(*word)
                    .map_err(|_| (EINVAL, c"a name is longer than its bytes"))?;
            }
        }
        self.make_room().map_err(no_memory)?;
        let pushed = self.chunks.push_within_capacity(chunk);
        pushed.map_err(|_| (ENOMEM, c"there is no memory for the names"))
    }

    /// Makes room for one more part. In which order they are makes no difference.
    fn make_room(&mut self) -> Result<(), AllocError> {
        let before = self.chunks.len();
        if before < self.chunks.capacity() {
            return Ok(());
        }
        let room = before.saturating_mul(2).max(16);
        let mut before = replace(
            &mut self.chunks,
            KVVec::with_capacity(room, GFP_KERNEL_ACCOUNT)?,
        );
        while let Some(chunk) = before.pop() {
            self.chunks
                .push_within_capacity(chunk)
                .map_err(|_| AllocError)?;
        }
        Ok(())
    }
}

impl Source for Filling {
    fn each(&self, to: &mut dyn FnMut(&Encoded)) {
        for chunk in &self.chunks {
            let mut rest = chunk.as_slice();
            while let Some(name) = Encoded::first(rest.iter().copied()) {
                to(&name);
                rest = rest.get(name.words().len()..).unwrap_or(&[]);
            }
        }
    }
}
