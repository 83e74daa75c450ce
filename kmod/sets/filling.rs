// SPDX-License-Identifier: GPL-2.0-only

//! Names that come for a set, message by message, until they are all there.

use super::{
    name::Name,
    names::MAX_NAMES,
    refusal::{Refusal, NO_MEMORY, TOO_MANY},
};
use crate::names::{Encoded, Source};
use kernel::prelude::*;

/// The names of a message, in words.
struct Part {
    words: KVVec<u32>,
    /// Of the message before it.
    before: Option<KBox<Part>>,
}

/// Names that somebody is sending. Gone with the socket that they come by.
pub struct Filling {
    /// The socket.
    pub port: u32,
    /// The set that they are for.
    pub set: Name,
    /// The names of the last message.
    last: Option<KBox<Part>>,
    count: u32,
}

impl Filling {
    /// With no names yet.
    pub fn new(port: u32, set: Name) -> Self {
        Self {
            port,
            set,
            last: None,
            count: 0,
        }
    }

    /// Takes more names, each with a zero byte after it. Process context; may sleep.
    pub fn add(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        let Some(octets) = octets.strip_suffix(b"\0") else {
            return Err((EINVAL, c"the last name has no zero byte after it"));
        };
        let names = octets.split(|octet| *octet == 0);
        let count = names
            .clone()
            .fold(0_u32, |count, _| count.saturating_add(1));
        self.count = self.count.saturating_add(count);
        if self.count > MAX_NAMES {
            return Err(TOO_MANY);
        }
        // Six characters in a word, and each name has one more at most.
        let words = (octets.len() / 6)
            .saturating_add(count as usize)
            .saturating_add(1);
        let mut chunk = KVVec::with_capacity(words, GFP_KERNEL_ACCOUNT).map_err(|_| NO_MEMORY)?;
        for name in names {
            let name = Encoded::new(name).map_err(|_| {
                (EINVAL, c"a name is not valid: labels of a-z, 0-9, - and _ with dots between, a dot before a domain of 16 labels at most, at most 255 bytes")
            })?;
            for word in name.words() {
                chunk
                    .push_within_capacity(*word)
                    .map_err(|_| (EINVAL, c"a name is longer than its bytes"))?;
            }
        }
        let part = Part {
            words: chunk,
            before: None,
        };
        let mut part = KBox::new(part, GFP_KERNEL_ACCOUNT).map_err(|_| NO_MEMORY)?;
        part.before = self.last.take();
        self.last = Some(part);
        Ok(())
    }
}

/// Not each part by the one after it: there may be many.
impl Drop for Filling {
    fn drop(&mut self) {
        let mut last = self.last.take();
        while let Some(mut part) = last {
            last = part.before.take();
        }
    }
}

impl Source for Filling {
    fn each(&self, to: &mut dyn FnMut(&Encoded)) {
        let mut part = self.last.as_deref();
        while let Some(Part { words, before }) = part {
            let mut rest = words.as_slice();
            while let Some(name) = Encoded::first(rest.iter().copied()) {
                to(&name);
                rest = rest.get(name.words().len()..).unwrap_or(&[]);
            }
            part = before.as_deref();
        }
    }
}
