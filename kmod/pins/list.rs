// SPDX-License-Identifier: GPL-2.0-only

//! The pins of a namespace.

use super::{
    bound::Bound,
    kind::Kind,
    mark::{Mark, Name, MAX_PINS},
    members::Members,
    pin::{Phase, Pin},
    refusal::Refusal,
    selector::Selector,
    sink::{Release, Sink},
};
use crate::{sets::Set, sys::conntrack::Conntrack};
use kernel::{prelude::*, sync::aref::ARef};

/// Bytes of all armed pins' patterns between their first star and their last one. Each takes about 30 instructions when a
/// ClientHello comes.
const PATTERNS: usize = 2048;

/// Armed pins that may ask sets, and how many of those bytes each takes: a look-up takes some 32,000 instructions, for a name of the
/// most labels among names that are as long as may be.
const ASKING: usize = 2;
const ASKED: usize = 1000;

/// What somebody wants of a pin.
pub struct PinRequest {
    /// Which pin.
    pub name: Name,
    /// The mark that it is to have.
    pub mark: Mark,
    /// How many connections it may be on.
    pub kind: Kind,
    /// What was asked for.
    pub selector: Option<KBox<Selector>>,
    /// For how many seconds, from binding on.
    pub lasts: Option<u32>,
    /// Whether it goes on to resumptions of its connection's session. It has to last for a while then.
    pub follow: bool,
    /// Whether it may be taken from what it is on or waits for.
    pub replace: bool,
}

/// The pins of a namespace. Not more than [`MAX_PINS`].
pub struct Pins(pub(super) KVec<Pin>);

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
        let bound = carried().find(|pin| pin.holds_any());
        bound.or_else(|| carried().next())
    }

    /// Binds a pin to a live connection, whose entry the caller has locked: the connection that held the pin, which is
    /// given back, loses its bits before the new one gets them. A shared pin stays on those that it is on; a denial takes the
    /// connection from other pins. Nothing is changed when it is refused.
    pub fn bind(
        &mut self,
        sink: &impl Sink,
        wanted: PinRequest,
        to: Bound,
    ) -> Result<Option<Bound>, Refusal> {
        self.check(&wanted, false)?;
        let (name, kind, mask) = (wanted.name, wanted.kind, wanted.mark.mask);
        let mut others = self.0.iter().filter(|pin| pin.name != name);
        let uses_bits = |pin: &Pin| pin.mark.mask & mask != 0 && pin.holds(to.id);
        if kind != Kind::Denial && others.any(uses_bits) {
            return Err((
                EEXIST,
                c"another pin on this connection uses bits of this mask",
            ));
        }
        let seat = match kind.is_shared() {
            true => {
                Some(Pin::seat(to.clone(), wanted.lasts).map_err(|error| (error, c"no memory"))?)
            }
            false => None,
        };
        let (place, before) = self.prepare(sink, wanted, Some(to.id))?;
        if kind == Kind::Denial {
            self.give_way(sink, &to, name, mask);
        }
        if let Some(pin) = self.0.get_mut(place) {
            match seat {
                Some(seat) => pin.share(sink, to, seat),
                None => pin.hold(sink, to),
            }
        }
        self.changed(sink);
        Ok(before)
    }

    /// Arms a pin for the next ClientHello that fits its selector. Gives back the connection that held it, as `bind`.
    pub fn arm(&mut self, sink: &impl Sink, wanted: PinRequest) -> Result<Option<Bound>, Refusal> {
        self.check(&wanted, true)?;
        self.check_work(&wanted)?;
        let (place, before) = self.prepare(sink, wanted, None)?;
        self.wait(sink, place);
        self.changed(sink);
        Ok(before)
    }

    /// How many armed pins ask a set.
    pub fn asking(&self, set: &Set) -> u32 {
        let asks = |pin: &&Pin| pin.selector.as_ref().is_some_and(|it| it.asks(set));
        let asking = self.0.iter().filter(|pin| pin.is_armed()).filter(asks);
        asking.fold(0, |number, _| number.saturating_add(1))
    }

    /// Whether all armed pins can be tried for a connection within the bound of a packet's work.
    fn check_work(&self, wanted: &PinRequest) -> Result<(), Refusal> {
        let (mut patterns, mut asking) = (0_usize, 0_usize);
        let mut add = |selector: &Option<KBox<Selector>>| {
            if let Some(selector) = selector {
                patterns = patterns.saturating_add(selector.work());
                asking = asking.saturating_add(usize::from(selector.sni_set.is_some()));
            }
        };
        let is_other = |pin: &&Pin| pin.is_armed() && pin.name != wanted.name;
        for pin in self.0.iter().filter(is_other) {
            add(&pin.selector);
        }
        add(&wanted.selector);
        if asking > ASKING {
            return Err((
                ENOSPC,
                c"2 armed pins ask sets already: unpin one, or have one ask a set of all the names",
            ));
        }
        if patterns.saturating_add(asking.saturating_mul(ASKED)) > PATTERNS {
            return Err((
                ENOSPC,
                c"the armed pins' patterns have more than 2048 bytes between first and last *, of which a set takes 1000, a JA4 with several * 90: use shorter ones",
            ));
        }
        Ok(())
    }

    /// Whether a request can be granted: one that arms a pin, or binds it.
    pub fn check(&self, wanted: &PinRequest, arms: bool) -> Result<(), Refusal> {
        for pin in self.0.iter().filter(|pin| pin.is_live()) {
            if pin.name == wanted.name {
                pin.may_be_set(wanted.kind, wanted.mark, wanted.replace, arms)?;
            } else if pin.mark.overlaps(wanted.mark) {
                return Err((
                    EEXIST,
                    c"the mark overlaps that of another pin: give another mark",
                ));
            }
        }
        Ok(())
    }

    /// Makes the pin of a request, released from what it was on, but for the same mark on the same connection: there the
    /// bits stay set. Gives its place in the list.
    fn prepare(
        &mut self,
        sink: &impl Sink,
        wanted: PinRequest,
        to: Option<u64>,
    ) -> Result<(usize, Option<Bound>), Refusal> {
        self.make_room(wanted.name)?;
        let PinRequest {
            name,
            mark,
            kind,
            selector,
            lasts,
            follow,
            ..
        } = wanted;
        if let Some(place) = self.0.iter().position(|pin| pin.name == name) {
            let mut before = None;
            if let Some(pin) = self.0.get_mut(place) {
                let widens = pin.is_live() && pin.is_widened_by(kind, mark);
                if widens && to.is_some() {
                    // What it waits for is not changed by one more that it is on.
                    return Ok((place, None));
                }
                let stays = pin.mark == mark && to.is_some() && pin.bound().map(|b| b.id) == to;
                if !stays && !widens {
                    before = pin.release(sink, Release::Replaced);
                }
                (pin.mark, pin.selector, pin.lasts) = (mark, selector, lasts);
                (pin.kind, pin.follow) = (kind, follow);
            }
            return Ok((place, before));
        }
        let place = self.0.len();
        let pin = Pin {
            name,
            mark,
            kind,
            members: Members::none(),
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
        // The mark of a shared one is in rules that name it.
        let over = |kept: bool| {
            let mut pins = self.0.iter();
            pins.position(|pin| !pin.is_live() && pin.kind.is_shared() == kept)
        };
        let released = over(false).or_else(|| over(true));
        match released.map(|place| self.0.remove(place)) {
            Some(Ok(_)) => Ok(()),
            _ => Err(FULL),
        }
    }

    /// Releases a pin and clears its bits; None when none of that name is bound or armed, else the connection that it
    /// was on: of a shared pin one after the other, until there is none.
    pub fn release(&mut self, sink: &impl Sink, name: Name, why: Release) -> Option<Option<Bound>> {
        let pin = self
            .0
            .iter_mut()
            .find(|pin| pin.name == name && pin.is_live())?;
        let released = pin.release(sink, why);
        self.changed(sink);
        Some(released)
    }

    /// Releases one pin, whichever, as above; None when none is bound or armed.
    pub fn release_any(&mut self, sink: &impl Sink, why: Release) -> Option<Option<Bound>> {
        let name = self.0.iter().find(|pin| pin.is_live())?.name;
        self.release(sink, name, why)
    }

    /// Whether a pin of a mark is on a connection, or one that has taken bits over from a pin that was released. The
    /// connection's id is that of its entry now, if it is tracked.
    pub fn is_on(&self, ct: &Conntrack, id: Option<u64>, mark: Mark) -> bool {
        let is_it = |to: &ARef<Conntrack>| core::ptr::eq(&**to, ct);
        let mut pins = self.0.iter().filter(|pin| pin.mark.overlaps(mark));
        pins.any(|pin| {
            let member = || pin.member(id?);
            pin.bound().is_some_and(|bound| is_it(&bound.ct))
                || member().is_some_and(|member| is_it(&member.ct))
        })
    }

    /// A connection that a pin is on alone though conntrack has let go of its entry.
    pub fn dying(&self) -> Option<u64> {
        let mut bound = self.0.iter().filter_map(Pin::bound);
        bound
            .find(|bound| bound.ct.is_dying())
            .map(|bound| bound.id)
    }

    /// Clears the pins' bits in the mark that an expected connection has from its master. Any context.
    pub fn clear_inherited(&self, ct: &Conntrack) {
        for pin in &self.0 {
            if pin.holds_any() && pin.mark.is_in(ct.mark()) {
                ct.set_mark(0, pin.mark.mask);
            }
        }
    }

    /// Releases the pins of a connection that is over, but those that follow its session if it has one, and gives back
    /// what is reserved for it; whether a denial stays on it. Any context.
    pub fn connection_ended(
        &mut self,
        sink: &impl Sink,
        id: u64,
        has_session: bool,
        why: Release,
    ) -> bool {
        let mut stays = false;
        for pin in &mut self.0 {
            if pin.kind == Kind::Denial && matches!(why, Release::Closed) {
                stays |= pin.member(id).is_some();
                continue;
            }
            pin.let_go(sink, id, why);
            if pin.bound().is_some_and(|bound| bound.id == id)
                && !(has_session && pin.begin_to_follow(sink))
            {
                pin.release(sink, why);
            }
        }
        self.abandon(id);
        self.changed(sink);
        stays
    }

    /// Gives back what is reserved for a connection.
    pub fn abandon(&mut self, id: u64) {
        for pin in &mut self.0 {
            if let Phase::Armed { reserved } = &mut pin.phase {
                if reserved.as_ref().is_some_and(|other| other.id == id) {
                    *reserved = None;
                }
            }
        }
    }

    /// Releases the other pins on a connection whose bits a denial is to have.
    pub(super) fn give_way(&mut self, sink: &impl Sink, to: &Bound, name: Name, mask: u32) {
        let others = self.0.iter_mut().filter(|pin| pin.name != name);
        for pin in others.filter(|pin| pin.mark.mask & mask != 0 && pin.holds(to.id)) {
            match pin.bound() {
                Some(_) => pin.release(sink, Release::Replaced),
                None => pin.let_go(sink, to.id, Release::Replaced),
            };
        }
    }

    /// The bits that pins use on a connection.
    pub(super) fn bits_on(&self, id: u64) -> u32 {
        let on_it = self.0.iter().filter(|pin| pin.holds(id));
        on_it.fold(0, |bits, pin| bits | pin.mark.mask)
    }

    /// Arms a pin.
    pub(super) fn wait(&mut self, sink: &impl Sink, place: usize) {
        if let Some(pin) = self.0.get_mut(place) {
            pin.phase = Phase::Armed { reserved: None };
            sink.armed(pin);
        }
    }

    /// Tells the packet path whether pins wait.
    pub(super) fn changed(&self, sink: &impl Sink) {
        let by_ends = self.0.iter().any(Pin::waits_by_ends);
        let by_ja4 = self.0.iter().any(Pin::waits_by_ja4);
        sink.note_armed(self.0.iter().any(Pin::is_armed), by_ends, by_ja4);
    }
}

const FULL: Refusal = (ENOSPC, c"the namespace has 64 pins already: unpin one");
