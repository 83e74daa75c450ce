// SPDX-License-Identifier: GPL-2.0-only

//! Memory for handshakes: where a connection's is, and how many a namespace has.

use crate::{
    fingerprint::{self, Fingerprint},
    pieces,
    sys::{self, memory::Cache, random::secret},
    tls::{self, Handshake, Listener, Piece, Told},
};
use kernel::{
    prelude::*,
    sync::atomic::{ordering::Relaxed, Atomic},
};

/// Handshakes that hold memory in a namespace, and how many may; and what they keep of the stream.
pub struct Budget {
    used: Atomic<u32>,
    pieces: Atomic<u32>,
    max: u32,
    max_pieces: u32,
    /// When over half of it was used last, in seconds; 0: never.
    pressed: Atomic<u32>,
}

/// By how many a namespace's bound may be exceeded for a moment: one for each processor between making room and taking it, which
/// another may have taken meanwhile.
const SPARE: u32 = 64;

/// For how many seconds pressure goes on after less than half is used: what was begun under it goes as fast as the rest.
const PRESSED: u32 = 60;

impl Budget {
    /// None yet, no more than `max` (but for [`SPARE`] ones), and no more of the stream than so many bytes of memory together.
    pub fn new(max: u32, bytes: u32) -> Self {
        Self {
            used: Atomic::new(0),
            max,
            max_pieces: bytes / size_of::<Piece>() as u32,
            pieces: Atomic::new(0),
            pressed: Atomic::new(0),
        }
    }

    /// How many hold memory now. Any context.
    pub fn used(&self) -> u32 {
        self.used.load(Relaxed)
    }

    /// Whether room has to be made before another is begun. Any context.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.used() >= self.max
    }

    /// Whether over half of it is used, or was a minute ago. Process context, of one caller at a time.
    pub fn is_under_pressure(&self) -> bool {
        let now = sys::seconds().max(1);
        if self.used() > self.max / 2 {
            self.pressed.store(now, Relaxed);
        }
        let last = self.pressed.load(Relaxed);
        last != 0 && now.wrapping_sub(last) <= PRESSED
    }

    /// Whether there is no room for more of the stream. Any context.
    #[inline]
    pub fn is_full_of_pieces(&self) -> bool {
        self.pieces.load(Relaxed) >= self.max_pieces
    }

    fn take(&self) -> bool {
        let fits = self.used.fetch_add(1, Relaxed) < self.max.saturating_add(SPARE);
        if !fits {
            self.give();
        }
        fits
    }

    fn give(&self) {
        self.used.fetch_sub(1, Relaxed);
    }
}

/// Memory for handshakes.
pub static HANDSHAKES: Cache<Allocation> = Cache::unmade();

/// A handshake, and when its connection's last packet came, in seconds.
pub struct Allocation {
    handshake: Handshake,
    active: u32,
    /// Pieces of it that are counted in the budget.
    pieces: u32,
    /// The JA4 of its ClientHello, where it was asked for.
    fingerprint: Option<Fingerprint>,
}

impl Allocation {
    /// Counts its pieces in the budget as they are now.
    #[inline]
    fn count(&mut self, budget: &Budget) {
        let now = self.handshake.pieces();
        if now != self.pieces {
            budget.pieces.fetch_add(now, Relaxed);
            budget.pieces.fetch_sub(self.pieces, Relaxed);
            self.pieces = now;
        }
    }
}

/// A connection's place for a handshake. Whoever drops it while it has one has to [`release`](Slot::release) it first, so
/// that the budget is right.
pub struct Slot(Option<KBox<Allocation>>);

impl Slot {
    /// Without one. No memory is taken.
    pub const fn empty() -> Self {
        Self(None)
    }

    /// Whether there is one.
    #[inline]
    pub fn is_used(&self) -> bool {
        self.0.is_some()
    }

    /// The handshake.
    #[inline]
    pub fn get(&self) -> Option<&Handshake> {
        self.0.as_deref().map(|allocation| &allocation.handshake)
    }

    /// The handshake.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut Handshake> {
        self.0
            .as_deref_mut()
            .map(|allocation| &mut allocation.handshake)
    }

    /// A packet of the connection has come.
    #[inline]
    pub fn touch(&mut self) {
        if let Some(allocation) = self.0.as_deref_mut() {
            allocation.active = sys::seconds();
        }
    }

    /// For how many seconds no packet has come; None where there is no handshake.
    pub fn idle(&self) -> Option<u32> {
        let allocation = self.0.as_deref()?;
        Some(sys::seconds().wrapping_sub(allocation.active))
    }

    /// Gives the memory back. Any context.
    pub fn release(&mut self, budget: &Budget) {
        self.clear_pieces(budget);
        if self.0.take().is_some() {
            budget.give();
        }
    }

    /// Counts what it keeps of the stream as it is now. After each packet. Any context.
    #[inline]
    pub fn count(&mut self, budget: &Budget) {
        if let Some(allocation) = self.0.as_deref_mut() {
            allocation.count(budget);
        }
    }

    /// Gives what it keeps of the stream back; whether there was any. Any context.
    pub fn clear_pieces(&mut self, budget: &Budget) -> bool {
        let Some(allocation) = self.0.as_deref_mut() else {
            return false;
        };
        allocation.handshake.clear_pieces();
        let had = allocation.pieces != 0;
        allocation.count(budget);
        had
    }

    /// The JA4 of its ClientHello, where that was asked for, and is complete and sound.
    pub fn ja4(&self) -> Option<fingerprint::Text> {
        let allocation = self.0.as_deref()?;
        allocation.handshake.identity.client_random?;
        allocation.fingerprint.as_ref()?.known()
    }

    /// Has the engine use it, which makes a handshake within a budget. `wants_ja4`: where it makes one now JA4 of its
    /// ClientHello is asked for.
    #[inline]
    pub fn with<T>(
        &mut self,
        budget: &Budget,
        wants_ja4: bool,
        engine: impl FnOnce(&mut Place<'_>) -> T,
    ) -> T {
        // It is beside the slot meanwhile: the engine changes one and tells the other.
        let fingerprint = match self.0.as_deref_mut() {
            Some(allocation) => allocation.fingerprint.take(),
            None if wants_ja4 => Fingerprint::new(),
            None => None,
        };
        let outcome = engine(&mut Place {
            slot: self,
            budget,
            fingerprint: fingerprint.as_ref(),
        });
        if let (Some(allocation), true) = (self.0.as_deref_mut(), fingerprint.is_some()) {
            allocation.fingerprint = fingerprint;
        }
        outcome
    }
}

/// A slot as the engine uses it.
pub struct Place<'a> {
    slot: &'a mut Slot,
    budget: &'a Budget,
    fingerprint: Option<&'a Fingerprint>,
}

impl tls::HandshakeSlot for Place<'_> {
    #[inline]
    fn get(&mut self) -> Option<&mut Handshake> {
        self.slot.get_mut()
    }

    fn make(&mut self) -> Option<&mut Handshake> {
        if self.slot.0.is_none() && self.budget.take() {
            let Some(room) = HANDSHAKES.alloc() else {
                self.budget.give();
                return None;
            };
            let allocation = Allocation {
                handshake: Handshake::keyed(secret()),
                active: sys::seconds(),
                pieces: 0,
                fingerprint: None,
            };
            self.slot.0 = Some(KBox::write(room, allocation));
        }
        self.slot.get_mut()
    }

    fn piece(&mut self) -> Option<KBox<Piece>> {
        if self.budget.is_full_of_pieces() {
            return None;
        }
        pieces::piece()
    }

    #[inline]
    fn told<'a>(&self) -> Told<'a>
    where
        Self: 'a,
    {
        match self.fingerprint {
            Some(fingerprint) => Told::from(fingerprint as &dyn Listener),
            None => Told::nobody(),
        }
    }
}
