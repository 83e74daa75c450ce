// SPDX-License-Identifier: GPL-2.0-only

//! Pins: names that tie a connection mark to one connection.
//!
//! A pin's state and the mark that shows it to rules change together under the lock of the namespace's pins, which
//! comes after an entry's lock. Packets read the mark alone.

mod ends;
mod follow;
mod mark;
mod pin;
mod selector;
mod strays;
mod waiting;

pub use ends::{end_dying, pick_up};
pub use follow::Answer;
pub use mark::{Mark, Name};
pub use pin::{Bound, Pin};
pub use selector::{Candidate, End, Selector};
pub use strays::{clear_strays, Marks, Untracked};
pub use waiting::{consider, expire, Suit};

use crate::{namespace::NetState, netlink::events::Release, sys::conntrack::Conntrack};
use core::ffi::CStr;
use kernel::prelude::*;
use pin::Phase;

/// Pins a namespace may have, released ones counted too while there is room for them.
const MAX_PINS: usize = 64;

/// Octets of all armed pins' patterns between their first star and their last one. Each takes about 30 instructions when a
/// ClientHello comes.
const PATTERNS: usize = 2048;

/// What somebody wants of a pin.
pub struct Wish {
    /// Which pin.
    pub name: Name,
    /// The mark that it is to have.
    pub mark: Mark,
    /// What was asked for.
    pub selector: Option<KBox<Selector>>,
    /// For how many seconds, from binding on.
    pub lasts: Option<u32>,
    /// Whether it goes on to resumptions of its connection's session. It has to last for a while then.
    pub follow: bool,
    /// Whether it may be taken from what it is on or waits for.
    pub replace: bool,
}

/// Why a pin cannot be set.
pub type Refusal = (Error, &'static CStr);

/// The pins of a namespace. Not more than [`MAX_PINS`].
pub struct Pins(KVec<Pin>);

/// Releases every pin. Process context; the lock must not be held.
pub fn release_all(net: &NetState, why: Release) {
    loop {
        let mut pins = net.pins.lock();
        let Some(name) = pins.0.iter().find(|pin| pin.is_live()).map(|pin| pin.name) else {
            return;
        };
        let released = pins.release(net, name, why);
        drop(pins);
        if let Some(Some(bound)) = released {
            bound.ct.deliver_events();
        }
    }
}

impl Pins {
    /// None yet; room for all is made now, as there is no memory to be had under the lock. Process context.
    pub fn new() -> Result<Self> {
        Ok(Self(KVec::with_capacity(MAX_PINS, GFP_KERNEL_ACCOUNT)?))
    }

    /// The pin at a place in the list.
    pub fn at(&self, place: u64) -> Option<&Pin> {
        self.0.get(usize::try_from(place).ok()?)
    }

    /// The pin of a name.
    pub fn of_name(&self, name: Name) -> Option<&Pin> {
        self.0.iter().find(|pin| pin.name == name)
    }

    /// The pin whose mark a connection carries, whoever has set it: one that is bound rather than one that was.
    pub fn of_mark(&self, mark: u32) -> Option<&Pin> {
        let carried = || self.0.iter().filter(|pin| pin.mark.is_in(mark));
        let bound = carried().find(|pin| pin.bound().is_some());
        bound.or_else(|| carried().next())
    }

    /// Binds a pin to a live connection, whose entry the caller has locked: the connection that held the pin, which is
    /// given back, loses its bits before the new one gets them. Nothing is changed when it is refused.
    pub fn bind(
        &mut self,
        net: &NetState,
        wish: Wish,
        to: Bound,
    ) -> Result<Option<Bound>, Refusal> {
        self.check(&wish)?;
        let others = self.0.iter().filter(|pin| pin.name != wish.name);
        let on_it = |pin: &Pin| pin.bound().is_some_and(|bound| bound.id == to.id);
        if others
            .into_iter()
            .any(|pin| on_it(pin) && pin.mark.mask & wish.mark.mask != 0)
        {
            return Err((
                EEXIST,
                c"another pin on this connection uses bits of this mask",
            ));
        }
        let (place, before) = self.prepare(net, wish, Some(to.id))?;
        if let Some(pin) = self.0.get_mut(place) {
            pin.hold(net, to);
        }
        self.changed(net);
        Ok(before)
    }

    /// Arms a pin for the next ClientHello that fits its selector. Gives back the connection that held it, as `bind`.
    pub fn arm(&mut self, net: &NetState, wish: Wish) -> Result<Option<Bound>, Refusal> {
        self.check(&wish)?;
        self.check_patterns(&wish)?;
        let (place, before) = self.prepare(net, wish, None)?;
        self.wait(net, place);
        self.changed(net);
        Ok(before)
    }

    /// Whether all armed pins' patterns can be tried for a connection within the bound of a packet's work.
    fn check_patterns(&self, wish: &Wish) -> Result<(), Refusal> {
        let work = |selector: &Option<KBox<Selector>>| {
            selector.as_ref().map_or(0, |selector| selector.work())
        };
        let others = self
            .0
            .iter()
            .filter(|pin| pin.is_armed() && pin.name != wish.name);
        let all = others.fold(work(&wish.selector), |sum, pin| {
            sum.saturating_add(work(&pin.selector))
        });
        match all <= PATTERNS {
            true => Ok(()),
            false => Err((
                ENOSPC,
                c"the armed pins' patterns have more than 2048 bytes between first and last *: use shorter ones",
            )),
        }
    }

    /// Whether a wish can be granted.
    fn check(&self, wish: &Wish) -> Result<(), Refusal> {
        for pin in self.0.iter().filter(|pin| pin.is_live()) {
            if pin.name == wish.name {
                if !wish.replace {
                    return Err(if pin.is_armed() { ARMED } else { TAKEN });
                }
            } else if pin.mark.overlaps(wish.mark) {
                return Err((
                    EEXIST,
                    c"the mark overlaps that of another pin: give another mark",
                ));
            }
        }
        Ok(())
    }

    /// Makes the pin of a wish, released from what it was on, but for the same mark on the same connection: there the
    /// bits stay set. Gives its place in the list.
    fn prepare(
        &mut self,
        net: &NetState,
        wish: Wish,
        to: Option<u64>,
    ) -> Result<(usize, Option<Bound>), Refusal> {
        self.make_room(wish.name)?;
        let Wish {
            name,
            mark,
            selector,
            lasts,
            follow,
            ..
        } = wish;
        if let Some(place) = self.0.iter().position(|pin| pin.name == name) {
            let mut before = None;
            if let Some(pin) = self.0.get_mut(place) {
                let stays = pin.mark == mark && to.is_some() && pin.bound().map(|b| b.id) == to;
                if !stays {
                    before = pin.release(net, Release::Replaced);
                }
                (pin.mark, pin.selector, pin.lasts) = (mark, selector, lasts);
                pin.follow = follow;
            }
            return Ok((place, before));
        }
        let place = self.0.len();
        let pin = Pin {
            name,
            mark,
            selector,
            lasts,
            follow,
            followed: [None, None],
            sweep: false,
            phase: Phase::Released,
        };
        match self.0.push_within_capacity(pin) {
            Ok(()) => Ok((place, None)),
            Err(_) => Err(FULL),
        }
    }

    /// Forgets a released pin when the list is full and `name` is not in it.
    fn make_room(&mut self, name: Name) -> Result<(), Refusal> {
        if self.0.len() < MAX_PINS || self.of_name(name).is_some() {
            return Ok(());
        }
        let released = self.0.iter().position(|pin| !pin.is_live());
        match released.map(|place| self.0.remove(place)) {
            Some(Ok(_)) => Ok(()),
            _ => Err(FULL),
        }
    }

    /// Releases a pin and clears its bits; None when none of that name is bound or armed, else the connection that it
    /// was on.
    pub fn release(&mut self, net: &NetState, name: Name, why: Release) -> Option<Option<Bound>> {
        let pin = self
            .0
            .iter_mut()
            .find(|pin| pin.name == name && pin.is_live())?;
        let released = pin.release(net, why);
        self.changed(net);
        Some(released)
    }

    /// Whether a pin of a mark is on a connection, or one that has taken bits over from a pin that was released.
    fn is_on(&self, ct: &Conntrack, mark: Mark) -> bool {
        let is_it = |bound: &Bound| core::ptr::eq(&*bound.ct, ct);
        let mut pins = self.0.iter();
        pins.any(|pin| pin.mark.overlaps(mark) && pin.bound().is_some_and(is_it))
    }

    /// A connection that a pin is on though conntrack has let go of its entry.
    fn dying(&self) -> Option<u64> {
        let mut bound = self.0.iter().filter_map(Pin::bound);
        bound
            .find(|bound| bound.ct.is_dying())
            .map(|bound| bound.id)
    }

    /// Clears the pins' bits in the mark that an expected connection has from its master. Any context.
    pub fn clear_inherited(&self, ct: &Conntrack) {
        for pin in &self.0 {
            if pin.bound().is_some() && pin.mark.is_in(ct.mark()) {
                ct.set_mark(0, pin.mark.mask);
            }
        }
    }

    /// Releases the pins of a connection that is over, but those that follow its session if it has one, and gives back
    /// what is reserved for it. Any context.
    pub fn connection_ended(&mut self, net: &NetState, id: u64, has_session: bool, why: Release) {
        for pin in &mut self.0 {
            if pin.bound().is_some_and(|bound| bound.id == id)
                && !(has_session && pin.begin_to_follow(net))
            {
                pin.release(net, why);
            }
        }
        self.abandon(id);
        self.changed(net);
    }

    /// Tells the packet path whether pins wait.
    fn changed(&self, net: &NetState) {
        let by_ends = self.0.iter().any(Pin::waits_by_ends);
        net.note_armed_pins(self.0.iter().any(Pin::is_armed), by_ends);
    }
}

const TAKEN: Refusal = (
    EBUSY,
    c"the pin is bound: unpin it, or take it over with --replace",
);
const ARMED: Refusal = (
    EBUSY,
    c"the pin is armed: unpin it, or take it over with --replace",
);
const FULL: Refusal = (ENOSPC, c"the namespace has 64 pins already: unpin one");
