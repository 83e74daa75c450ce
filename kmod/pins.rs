// SPDX-License-Identifier: GPL-2.0-only

//! Pins: names that tie a connection mark to one connection.
//!
//! A pin's state and the mark that shows it to rules change together under the lock of the namespace's pins, which
//! comes after an entry's lock. Packets read the mark alone.

use crate::{
    bindings,
    sys::{conntrack::Conntrack, lock::SpinLockBh},
};
use core::ffi::CStr;
use kernel::{prelude::*, sync::aref::ARef};

/// Pins a namespace may have, released ones counted too while there is room for them.
const MAX_PINS: usize = 64;

/// The name of a pin: 1 to 31 octets.
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

    /// Its octets.
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
    /// Whether a connection's mark carries them.
    pub fn is_in(self, mark: u32) -> bool {
        mark & self.mask == self.value
    }

    /// Whether one mark could carry both by bits that they share.
    fn overlaps(self, other: Mark) -> bool {
        let shared = self.mask & other.mask;
        shared != 0 && (self.value ^ other.value) & shared == 0
    }
}

/// A connection that a pin is bound to.
#[derive(Clone)]
pub struct Bound {
    /// Its id.
    pub id: u64,
    /// Its conntrack entry.
    pub ct: ARef<Conntrack>,
}

/// A pin.
#[derive(Clone)]
pub struct Pin {
    /// Its name, unique in the namespace.
    pub name: Name,
    /// Its mark.
    pub mark: Mark,
    /// The connection; None once released.
    pub bound: Option<Bound>,
}

impl Pin {
    fn release(&mut self) -> Option<Bound> {
        let bound = self.bound.take()?;
        bound.ct.set_mark(0, self.mark.mask);
        Some(bound)
    }
}

/// Why a pin cannot be set.
pub type Refusal = (Error, &'static CStr);

/// The pins of a namespace. Not more than [`MAX_PINS`].
pub struct Pins(KVec<Pin>);

/// Releases every pin and tells of it. Process context; the lock must not be held.
pub fn release_all(pins: &SpinLockBh<Pins>) {
    loop {
        let released = pins.lock().release_any();
        match released {
            Some(bound) => bound.ct.deliver_events(),
            None => return,
        }
    }
}

impl Pins {
    /// None yet; room for all is made now, as there is no memory to be had under the lock. Process context.
    pub fn new() -> Result<Self> {
        Ok(Self(KVec::with_capacity(MAX_PINS, GFP_KERNEL)?))
    }

    /// Takes all pins out, and the room for them.
    pub fn take(&mut self) -> Self {
        Self(core::mem::replace(&mut self.0, KVec::new()))
    }

    /// The pin at a place in the list.
    pub fn at(&self, place: u64) -> Option<&Pin> {
        self.0.get(usize::try_from(place).ok()?)
    }

    /// The pin whose mark a connection carries, whoever has set it.
    pub fn of_mark(&self, mark: u32) -> Option<&Pin> {
        self.0
            .iter()
            .find(|pin| pin.bound.is_some() && pin.mark.is_in(mark))
    }

    /// Binds a pin to a live connection, whose entry the caller has locked: the connection that held the pin, which is
    /// given back, loses its bits before the new one gets them. Nothing is changed when it is refused.
    pub fn bind(
        &mut self,
        name: Name,
        mark: Mark,
        to: Bound,
        replace: bool,
    ) -> Result<Option<Bound>, Refusal> {
        for pin in &self.0 {
            let Some(bound) = &pin.bound else {
                continue;
            };
            if pin.name == name {
                if !replace {
                    return Err((
                        EBUSY,
                        c"the pin is bound: unpin it, or take it over with --replace",
                    ));
                }
                continue;
            }
            if pin.mark.overlaps(mark) {
                return Err((
                    EEXIST,
                    c"the mark overlaps that of another pin: give another mark",
                ));
            }
            if bound.id == to.id && pin.mark.mask & mark.mask != 0 {
                return Err((
                    EEXIST,
                    c"another pin on this connection uses bits of this mask",
                ));
            }
        }
        self.make_room(name)?;
        if let Some(pin) = self.0.iter_mut().find(|pin| pin.name == name) {
            let same = pin.mark == mark && pin.bound.as_ref().is_some_and(|b| b.id == to.id);
            let before = if same { None } else { pin.release() };
            pin.mark = mark;
            to.ct.set_mark(mark.value, mark.mask);
            pin.bound = Some(to);
            return Ok(before);
        }
        let ct = to.ct.clone();
        let pin = Pin {
            name,
            mark,
            bound: Some(to),
        };
        if self.0.push_within_capacity(pin).is_err() {
            return Err(FULL);
        }
        ct.set_mark(mark.value, mark.mask);
        Ok(None)
    }

    /// Forgets a released pin when the list is full and `name` is not in it.
    fn make_room(&mut self, name: Name) -> Result<(), Refusal> {
        if self.0.len() < MAX_PINS || self.0.iter().any(|pin| pin.name == name) {
            return Ok(());
        }
        let released = self.0.iter().position(|pin| pin.bound.is_none());
        match released.map(|place| self.0.remove(place)) {
            Some(Ok(_)) => Ok(()),
            _ => Err(FULL),
        }
    }

    /// Releases a pin and clears its bits; None when none of that name is bound.
    pub fn release(&mut self, name: Name) -> Option<Bound> {
        self.0
            .iter_mut()
            .find(|pin| pin.name == name)
            .and_then(Pin::release)
    }

    /// Releases one pin that is bound; None when there is none.
    pub fn release_any(&mut self) -> Option<Bound> {
        self.0.iter_mut().find_map(Pin::release)
    }

    /// How many pins are bound to a connection.
    pub fn count_of(&self, id: u64) -> u32 {
        let is_of = |pin: &&Pin| pin.bound.as_ref().is_some_and(|bound| bound.id == id);
        let bound = self.0.iter().filter(is_of);
        // Not `count()`, which could overflow as far as the compiler knows.
        bound.fold(0, |count: u32, _| count.saturating_add(1))
    }

    /// Clears the pins' bits in the mark that an expected connection has from its master. Any context.
    pub fn clear_inherited(&self, ct: &Conntrack) {
        for pin in &self.0 {
            if pin.bound.is_some() && pin.mark.is_in(ct.mark()) {
                ct.set_mark(0, pin.mark.mask);
            }
        }
    }

    /// Releases the pins of a connection that is over. Any context.
    pub fn connection_ended(&mut self, id: u64) {
        for pin in &mut self.0 {
            if pin.bound.as_ref().is_some_and(|bound| bound.id == id) {
                pin.release();
            }
        }
    }
}

const FULL: Refusal = (ENOSPC, c"the namespace has 64 pins already: unpin one");
