// SPDX-License-Identifier: GPL-2.0-only

//! JA4 of a connection: what it is made of is kept only while the ClientHello is read.

use crate::{
    sys::{memory::charged, sha256::Sha256},
    tls::{self, Ja4, Listener},
};
use core::cell::Cell;
use kernel::{
    prelude::*,
    sync::{
        atomic::{ordering::Relaxed, Atomic},
        Arc,
    },
};

/// A JA4 as text.
pub type Text = [u8; Ja4::LENGTH];

/// A connection's JA4, as far as its ClientHello was read; in memory of its own, under the lock of the connection's entry.
///
/// It is there but while it is being changed: a `RefCell` would have a way to panic.
pub struct Fingerprint(Cell<Option<KBox<Progress>>>);

#[allow(
    clippy::large_enum_variant,
    reason = "what it is made of goes with the handshake, whose memory is much larger"
)]
enum Progress {
    Reading(Ja4),
    Read(Option<Text>),
}

impl Fingerprint {
    /// Before the hello's first byte. None when there is no memory: the connection has no JA4 then. Any context.
    #[inline(never)]
    pub fn new() -> Option<Self> {
        let progress = KBox::new(Progress::Reading(Ja4::new()), charged()).ok()?;
        Some(Self(Cell::new(Some(progress))))
    }

    /// The JA4, where the hello was complete and has one.
    pub fn known(&self) -> Option<Text> {
        let progress = self.0.take()?;
        let text = match *progress {
            Progress::Read(text) => text,
            Progress::Reading(_) => None,
        };
        self.0.set(Some(progress));
        text
    }
}

impl Listener for Fingerprint {
    fn client_hello(&self, bytes: &[u8]) {
        let Some(mut progress) = self.0.take() else {
            return;
        };
        if let Progress::Reading(ja4) = &mut *progress {
            ja4.take(bytes);
            if ja4.is_over() {
                let text = ja4.finish::<Sha256>();
                *progress = Progress::Read(text);
            }
        }
        self.0.set(Some(progress));
    }
}

impl tls::Sha256 for Sha256 {
    fn update(&mut self, bytes: &[u8]) {
        Sha256::update(self, bytes);
    }

    fn finish(self) -> [u8; 32] {
        Sha256::finish(self)
    }
}

/// Who asks for JA4 in a namespace: it is computed while anybody does.
pub struct Asked {
    rules: Atomic<u32>,
    pins: Atomic<u32>,
    requested: Atomic<u32>,
}

impl Asked {
    /// Nobody.
    pub fn by_nobody() -> Self {
        Self {
            rules: Atomic::new(0),
            pins: Atomic::new(0),
            requested: Atomic::new(0),
        }
    }

    /// Whether anybody does. Any context.
    #[inline]
    pub fn by_anybody(&self) -> bool {
        let asked = [&self.rules, &self.pins, &self.requested];
        asked.into_iter().any(|asked| asked.load(Relaxed) != 0)
    }

    /// Whether armed pins do. Any context, under the lock of the pins.
    pub fn set_pins(&self, any: bool) {
        self.pins.store(any.into(), Relaxed);
    }

    /// Whether `track on --ja4` does. Process context.
    pub fn set_requested(&self, requested: bool) {
        self.requested.store(requested.into(), Relaxed);
    }

    /// The same, as it was set. Any context.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Relaxed) != 0
    }
}

/// A rule that asks for it, which may go after its namespace's state.
pub struct AskedByRule(Arc<Asked>);

impl AskedByRule {
    /// One more. Process context.
    pub fn new(asked: &Arc<Asked>) -> Self {
        asked.rules.fetch_add(1, Relaxed);
        Self(asked.clone())
    }
}

impl Drop for AskedByRule {
    fn drop(&mut self) {
        self.0.rules.fetch_sub(1, Relaxed);
    }
}
