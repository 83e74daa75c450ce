// SPDX-License-Identifier: GPL-2.0-only

//! `pin-get`, `pin-set` and `pin-del`, and pins as messages tell of them.

use super::{
    connection::{is_live, put_tuple},
    policy::{PinDel, PinDump, PinGet, PinName, PinSet},
    selector,
};
use crate::{
    bindings::{
        TLSCONN_A_PIN_CONNECTION, TLSCONN_A_PIN_CONNECTIONS, TLSCONN_A_PIN_DENY,
        TLSCONN_A_PIN_EXPIRES_IN, TLSCONN_A_PIN_FOLLOW, TLSCONN_A_PIN_LASTS, TLSCONN_A_PIN_MARK,
        TLSCONN_A_PIN_MARK_LOST, TLSCONN_A_PIN_MASK, TLSCONN_A_PIN_MEMBERS, TLSCONN_A_PIN_NAME,
        TLSCONN_A_PIN_OTHERS, TLSCONN_A_PIN_SELECTOR, TLSCONN_A_PIN_SHARED, TLSCONN_A_PIN_STATE,
        TLSCONN_CMD_PIN_DEL, TLSCONN_CMD_PIN_GET, TLSCONN_CMD_PIN_SET, TLSCONN_PIN_STATE_ARMED,
        TLSCONN_PIN_STATE_BOUND, TLSCONN_PIN_STATE_RELEASED,
    },
    foreign_marks::{clear_foreign_marks, Untracked},
    namespace::{NetState, Tracker},
    pins::{self, seconds_to, Bound, Kind, Mark, Marks, Name, Pin, PinRequest, Refusal, Release},
    release::{release, release_all, unpinned},
    sys::{
        message::Message,
        policy::{Attribute, Policy},
        rcu::Reader,
        request::{Answer, Dump, Request, Tell},
    },
    tracked::Flags,
};
use kernel::prelude::*;

/// Ids of a shared pin's connections in one message.
const IDS_TOLD: u32 = 128;

impl Answer for PinGet {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_PIN_GET;

    /// The pin of a name.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        let name = name_of(request, Self::NAME)?;
        let missing = || request.refuse(ENOENT, c"there is no pin of that name");
        let mut marks = Marks::none();
        if let Some(pin) = net.pins.lock().of_name(name) {
            marks.push(pin.mark);
        }
        let others = others(net, &marks).map_err(|error| unsettled(request, error))?;
        Message::reply(request, |message| {
            let pins = net.pins.lock();
            put_with(pins.of_name(name).ok_or_else(missing)?, &others, message)
        })
    }
}

impl Tell for PinDump {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_PIN_GET;

    /// The pins of the namespace, as many of them as there is room for in a message. A shared one that has more
    /// connections than are told of at once is told of again, with the next of them.
    fn tell(net: &NetState, dump: &mut Dump<'_, Self>) -> Result {
        let mut marks = Marks::none();
        let goes_on = dump.within() != 0;
        if !goes_on {
            let pins = net.pins.lock();
            (dump.position()..u64::MAX)
                .map_while(|place| pins.at(place))
                .for_each(|pin| marks.push(pin.mark));
        }
        let others = others(net, &marks).map_err(|error| unsettled(&dump.request(), error))?;
        loop {
            // Not held from one message to the next.
            let pins = net.pins.lock();
            let Some(pin) = pins.at(dump.position()) else {
                return Ok(());
            };
            let from = dump.within();
            let mut next = None;
            let told = dump.item(|message| {
                match from {
                    0 => put_with(pin, &others, message)?,
                    _ => put(pin, None, message)?,
                }
                next = put_members(pin, from, message)?;
                Ok(())
            });
            if told.is_err() {
                // The message is full; the dump goes on with the next.
                return Ok(());
            }
            dump.set_within(next.unwrap_or(0));
            if next.is_none() {
                dump.set_position(dump.position().wrapping_add(1));
                if goes_on {
                    // Who carries the marks of the next ones has to be found first.
                    return Ok(());
                }
            }
        }
    }
}

/// Some of the connections of a shared pin, from an id on; gives the id to go on from.
fn put_members(pin: &Pin, from: u64, message: &mut Message<'_>) -> Result<Option<u64>> {
    if pin.members.is_empty() {
        return Ok(None);
    }
    let (mut next, mut is_lost) = (from, false);
    let mut octets = [0; IDS_TOLD as usize * size_of::<u64>()];
    let mut told = 0_usize;
    for place in octets.chunks_exact_mut(size_of::<u64>()) {
        let Some((id, member)) = pin.members.at_or_after(next) else {
            break;
        };
        place
            .iter_mut()
            .zip(id.to_ne_bytes())
            .for_each(|(to, from)| *to = from);
        told = told.saturating_add(place.len());
        next = id.wrapping_add(1);
        is_lost |= pin.is_lost_on(&member.ct);
    }
    message.bytes(TLSCONN_A_PIN_CONNECTIONS, octets.get(..told).unwrap_or(&[]))?;
    message.flag(TLSCONN_A_PIN_MARK_LOST, is_lost)?;
    Ok(pin.members.at_or_after(next).map(|(id, _)| id))
}

/// Tells whoever asked that conntrack's table could not be gone through.
fn unsettled<P: Policy>(request: &Request<'_, P>, error: Error) -> Error {
    if error == EAGAIN {
        return request.refuse(error, c"conntrack's table is being resized: try again");
    }
    error
}

/// Untracked entries that carry marks of pins. Without a mark nothing is looked for.
fn others(net: &NetState, marks: &Marks) -> Result<Untracked> {
    match marks.is_empty() {
        true => Ok(Untracked::none()),
        false => Untracked::find(net, marks),
    }
}

/// A pin, and the untracked entries that carry its mark.
fn put_with(pin: &Pin, others: &Untracked, message: &mut Message<'_>) -> Result {
    put(pin, None, message)?;
    for ct in others.of(pin.mark) {
        message.nest(TLSCONN_A_PIN_OTHERS, |nest| put_tuple(ct, nest))?;
    }
    Ok(())
}

/// A pin; of a shared one what is said of one connection is said of `on`.
pub(super) fn put(pin: &Pin, on: Option<u64>, message: &mut Message<'_>) -> Result {
    message.string(TLSCONN_A_PIN_NAME, pin.name.as_slice())?;
    message.u32(TLSCONN_A_PIN_MARK, pin.mark.value)?;
    message.u32(TLSCONN_A_PIN_MASK, pin.mark.mask)?;
    let on = on.and_then(|id| Some((id, pin.member(id)?)));
    let alone = pin.bound().map(|bound| bound.id);
    if let Some(id) = alone.or(on.map(|(id, _)| id)) {
        message.uint(TLSCONN_A_PIN_CONNECTION, id)?;
    }
    let state = match pin.is_armed() {
        true => TLSCONN_PIN_STATE_ARMED,
        false if pin.holds_any() => TLSCONN_PIN_STATE_BOUND,
        false => TLSCONN_PIN_STATE_RELEASED,
    };
    message.u8(TLSCONN_A_PIN_STATE, state as u8)?;
    if let Some(selector) = &pin.selector {
        message.nest(TLSCONN_A_PIN_SELECTOR, |nest| selector::put(selector, nest))?;
    }
    if let Some(lasts) = pin.lasts {
        message.u32(TLSCONN_A_PIN_LASTS, lasts)?;
    }
    let expires_in = match on {
        Some((_, member)) => member.until.map(seconds_to),
        None => pin.expires_in(),
    };
    if let Some(seconds) = expires_in {
        message.uint(TLSCONN_A_PIN_EXPIRES_IN, seconds)?;
    }
    message.flag(TLSCONN_A_PIN_FOLLOW, pin.follow)?;
    message.flag(TLSCONN_A_PIN_SHARED, pin.kind.is_shared())?;
    message.flag(TLSCONN_A_PIN_DENY, pin.kind == Kind::Denial)?;
    if pin.kind.is_shared() {
        message.uint(TLSCONN_A_PIN_MEMBERS, pin.members.len())?;
    }
    let is_lost = on.is_some_and(|(_, member)| pin.is_lost_on(&member.ct));
    message.flag(TLSCONN_A_PIN_MARK_LOST, is_lost || pin.has_lost_mark())
}

/// The name that a request gives, or the default.
fn name_of<P: Policy>(request: &Request<'_, P>, name: Attribute<P, PinName>) -> Result<Name> {
    let name = request.get(name).unwrap_or(b"default");
    Name::new(name).ok_or_else(|| request.refuse(EINVAL, c"a pin's name has 1 to 31 bytes"))
}

/// The mark that a request asks for, or the one that the pin gets where it asks for none.
fn mark_of(net: &NetState, request: &Request<'_, PinSet>, name: Name, kind: Kind) -> Result<Mark> {
    let (value, mask) = (request.get(PinSet::MARK), request.get(PinSet::MASK));
    if value.is_none() && mask.is_none() {
        let mark = pins::mark_for(&net.pins.lock(), name, kind);
        return mark.map_err(|(error, why)| request.refuse(error, why));
    }
    let mark = Mark {
        value: value.unwrap_or(Mark::DEFAULT.value),
        mask: mask.unwrap_or(Mark::DEFAULT.mask),
    };
    if mark.mask == 0 || mark.value & !mark.mask != 0 {
        return Err(request.refuse(
            EINVAL,
            c"the mask is zero, or the mark has bits outside of it",
        ));
    }
    if mark.value == 0 {
        return Err(request.refuse(
            EINVAL,
            c"connections without a mark have mark zero: give another mark",
        ));
    }
    Ok(mark)
}

/// For how many seconds a pin is asked for.
fn lasts_of(request: &Request<'_, PinSet>) -> Result<Option<u32>> {
    let Some(seconds) = request.get(PinSet::LASTS) else {
        return Ok(None);
    };
    match u32::try_from(seconds) {
        Ok(seconds) if seconds != 0 => Ok(Some(seconds)),
        _ => Err(request.refuse(EINVAL, c"a pin lasts for 1 to 4294967295 seconds")),
    }
}

impl Answer for PinSet {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_PIN_SET;

    /// Binds a pin to a connection or arms it, and answers with the pin.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        let _alone = net.commands.lock();
        let name = name_of(request, Self::NAME)?;
        let kind = match (request.has(Self::DENY), request.has(Self::SHARED)) {
            (true, _) => Kind::Denial,
            (false, true) => Kind::Shared,
            (false, false) => Kind::Single,
        };
        let wanted = PinRequest {
            name,
            mark: mark_of(net, request, name, kind)?,
            kind,
            selector: selector::of(net, request, Self::SELECTOR)?,
            lasts: lasts_of(request)?,
            follow: request.has(Self::FOLLOW),
            replace: request.has(Self::REPLACE),
        };
        if wanted.follow && wanted.lasts.is_none() {
            return Err(request.refuse(
                EINVAL,
                c"a pin that follows needs a number of seconds that it lasts",
            ));
        }
        if wanted.follow && kind.is_shared() {
            return Err(request.refuse(EINVAL, c"a shared pin does not follow resumptions"));
        }
        let mut marks = Marks::none();
        marks.push(wanted.mark);
        // That of a pin that is replaced.
        if let Some(pin) = net.pins.lock().of_name(name) {
            marks.push(pin.mark);
        }
        let connection = request.get(Self::CONNECTION);
        let next = request.has(Self::NEXT);
        // Inside, so that nothing is changed when there is no memory for the answer.
        Message::reply(request, |message| {
            let before = match connection {
                Some(id) if !next => bind(net, request, wanted, id)?,
                None if next => {
                    empty(net, &wanted, true).map_err(|(error, why)| request.refuse(error, why))?;
                    let armed = net.pins.lock().arm(net, wanted);
                    armed.map_err(|(error, why)| request.refuse(error, why))?
                }
                _ => return Err(request.refuse(EINVAL, c"give either a connection or next")),
            };
            let now = on(net, name, connection);
            for bound in [before, now].into_iter().flatten() {
                unpinned(net, &bound);
            }
            if let Err(error) = clear_foreign_marks(net, &marks) {
                // Others may carry the mark still: what it lets pass is not known.
                unpin(net, name, connection.filter(|_| kind.is_shared()));
                return Err(unsettled(request, error));
            }
            end_if_gone(net, on(net, name, connection));
            // What the answer says of the mark is what has come of it.
            let is_there = connection.is_none_or(|id| is_there(net, id));
            let pins = net.pins.lock();
            let pin = pins.of_name(name).ok_or(ENOENT)?;
            // One that follows waits for another connection.
            if !is_there && (kind.is_shared() || !pin.is_armed()) {
                return Err(
                    request.refuse(ENOENT, c"the connection ended while it was being pinned")
                );
            }
            put(pin, connection, message)
        })
    }
}

/// Releases a pin because somebody asked for it, or one of its connections, and says whether it was bound or armed.
fn unpin(net: &NetState, name: Name, from: Option<u64>) -> bool {
    let Some(id) = from else {
        return release(net, name, Release::Unpinned);
    };
    let released = pins::release_from(&mut net.pins.lock(), net, name, id, Release::Unpinned);
    if let Some(bound) = &released {
        unpinned(net, bound);
    }
    released.is_some()
}

/// Releases the connections of a shared pin that is to be another: process context, without the pins' lock.
fn empty(net: &NetState, wanted: &PinRequest, arms: bool) -> Result<(), Refusal> {
    let has_to_be = {
        let pins = net.pins.lock();
        pins.check(wanted, arms)?;
        pins::has_to_be_emptied_for(&pins, wanted)
    };
    if has_to_be {
        release(net, wanted.name, Release::Replaced);
    }
    Ok(())
}

/// What a pin is on: alone, or with others on this connection.
fn on(net: &NetState, name: Name, id: Option<u64>) -> Option<Bound> {
    let pins = net.pins.lock();
    let pin = pins.of_name(name)?;
    let member = || {
        let ct = pin.member(id?)?.ct.clone();
        Some(Bound { id: id?, ct })
    };
    pin.bound().cloned().or_else(member)
}

/// Ends the connection that a pin is on where conntrack has let go of it, as is done within a while anyway.
fn end_if_gone(net: &NetState, bound: Option<Bound>) {
    if let Some(bound) = bound.filter(|bound| bound.ct.is_gone()) {
        let rcu = Reader::begin();
        if let Some(entry) = net.table.by_id(bound.id, &rcu) {
            net.end(entry);
        }
    }
}

/// Whether there is a live connection of an id.
fn is_there(net: &NetState, id: u64) -> bool {
    let rcu = Reader::begin();
    net.table.by_id(id, &rcu).is_some_and(|entry| {
        let locked = entry.lock();
        locked.get().is_some_and(is_live)
    })
}

/// Binds a pin, and gives the connection that it was on before.
fn bind(
    net: &NetState,
    request: &Request<'_, PinSet>,
    wanted: PinRequest,
    id: u64,
) -> Result<Option<Bound>> {
    let missing = || request.refuse(ENOENT, c"there is no live connection of that id");
    if !is_there(net, id) {
        return Err(missing());
    }
    empty(net, &wanted, false).map_err(|(error, why)| request.refuse(error, why))?;
    let rcu = Reader::begin();
    let entry = net.table.by_id(id, &rcu).ok_or_else(missing)?;
    let mut locked = entry.lock();
    let tracked = match locked.get_mut() {
        Some(tracked) if is_live(tracked) => tracked,
        _ => return Err(missing()),
    };
    let to = Bound {
        id,
        ct: tracked.ct.clone(),
    };
    let before = net
        .pins
        .lock()
        .bind(net, wanted, to)
        .map_err(|(error, why)| request.refuse(error, why))?;
    tracked.flags.set(Flags::PINNED);
    Ok(before)
}

impl Answer for PinDel {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_PIN_DEL;

    /// Releases one pin, or all, and clears their marks wherever others have set them.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        let _alone = net.commands.lock();
        let clear = |marks: &Marks| {
            clear_foreign_marks(net, marks).map_err(|error| unsettled(request, error))
        };
        let mut marks = Marks::none();
        if request.has(Self::ALL) {
            release_all(net, Release::Unpinned);
            // Pins that were released before may have left marks of others too.
            let pins = net.pins.lock();
            (0..u64::MAX)
                .map_while(|place| pins.at(place))
                .for_each(|pin| marks.push(pin.mark));
            drop(pins);
            return clear(&marks).map(drop);
        }
        let name = name_of(request, Self::NAME)?;
        if let Some(pin) = net.pins.lock().of_name(name) {
            marks.push(pin.mark);
        }
        let from = request.get(Self::CONNECTION);
        let was_live = unpin(net, name, from);
        if !was_live && from.is_some() {
            return Err(request.refuse(ENOENT, c"the pin is not on that connection"));
        }
        // One that was released before may have left marks of others.
        if !clear(&marks)? && !was_live {
            return Err(request.refuse(ENOENT, c"no pin of that name is bound or armed"));
        }
        Ok(())
    }
}
