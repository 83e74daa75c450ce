// SPDX-License-Identifier: GPL-2.0-only

//! `pin-get`, `pin-set` and `pin-del`, and pins as messages tell of them.

use super::{
    connection::{is_live, put_tuple},
    events::Release,
    selector,
};
use crate::{
    bindings::{
        TLSCONN_A_PIN_ALL, TLSCONN_A_PIN_CONNECTION, TLSCONN_A_PIN_EXPIRES_IN,
        TLSCONN_A_PIN_FOLLOW, TLSCONN_A_PIN_LASTS, TLSCONN_A_PIN_MARK, TLSCONN_A_PIN_MARK_LOST,
        TLSCONN_A_PIN_MASK, TLSCONN_A_PIN_NAME, TLSCONN_A_PIN_NEXT, TLSCONN_A_PIN_OTHERS,
        TLSCONN_A_PIN_REPLACE, TLSCONN_A_PIN_SELECTOR, TLSCONN_A_PIN_STATE, TLSCONN_CMD_PIN_GET,
        TLSCONN_CMD_PIN_SET, TLSCONN_PIN_STATE_ARMED, TLSCONN_PIN_STATE_BOUND,
        TLSCONN_PIN_STATE_RELEASED, XT_TLSCONN_PIN_MARK, XT_TLSCONN_PIN_MASK,
    },
    pins::{clear_strays, release_all, Bound, Mark, Marks, Name, Pin, Untracked, Wish},
    sys::{
        message::Message,
        pernet::NetState,
        rcu::Reader,
        request::{Dump, Request},
    },
    tracked::Flags,
};
use kernel::prelude::*;

/// The pin of a name.
pub fn get(net: &NetState, request: &Request<'_>) -> Result {
    let name = name_of(request)?;
    let missing = || request.refuse(ENOENT, c"there is no pin of that name");
    let mut marks = Marks::none();
    if let Some(pin) = net.pins.lock().of_name(name) {
        marks.push(pin.mark);
    }
    let others = others(net, &marks)?;
    Message::reply(request, TLSCONN_CMD_PIN_GET, |message| {
        let pins = net.pins.lock();
        put_with(pins.of_name(name).ok_or_else(missing)?, &others, message)
    })
}

/// The pins of the namespace, as many of them as there is room for in a message.
pub fn dump(net: &NetState, dump: &mut Dump<'_>) -> Result {
    let mut marks = Marks::none();
    let pins = net.pins.lock();
    (dump.position()..u64::MAX)
        .map_while(|place| pins.at(place))
        .for_each(|pin| marks.push(pin.mark));
    drop(pins);
    let others = others(net, &marks)?;
    let pins = net.pins.lock();
    while let Some(pin) = pins.at(dump.position()) {
        let told = dump.item(TLSCONN_CMD_PIN_GET, |message| {
            put_with(pin, &others, message)
        });
        if told.is_err() {
            // The message is full; the dump goes on with the next.
            break;
        }
        dump.set_position(dump.position().wrapping_add(1));
    }
    Ok(())
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
    put(pin, message)?;
    for ct in others.of(pin.mark) {
        message.nest(TLSCONN_A_PIN_OTHERS, |nest| put_tuple(ct, nest))?;
    }
    Ok(())
}

pub(super) fn put(pin: &Pin, message: &mut Message<'_>) -> Result {
    message.string(TLSCONN_A_PIN_NAME, pin.name.as_slice())?;
    message.u32(TLSCONN_A_PIN_MARK, pin.mark.value)?;
    message.u32(TLSCONN_A_PIN_MASK, pin.mark.mask)?;
    let state = match pin.bound() {
        Some(bound) => {
            message.uint(TLSCONN_A_PIN_CONNECTION, bound.id)?;
            TLSCONN_PIN_STATE_BOUND
        }
        None if pin.is_armed() => TLSCONN_PIN_STATE_ARMED,
        None => TLSCONN_PIN_STATE_RELEASED,
    };
    message.u8(TLSCONN_A_PIN_STATE, state as u8)?;
    if let Some(selector) = &pin.selector {
        message.nest(TLSCONN_A_PIN_SELECTOR, |nest| selector::put(selector, nest))?;
    }
    if let Some(lasts) = pin.lasts {
        message.u32(TLSCONN_A_PIN_LASTS, lasts)?;
    }
    if let Some(seconds) = pin.expires_in() {
        message.uint(TLSCONN_A_PIN_EXPIRES_IN, seconds)?;
    }
    message.flag(TLSCONN_A_PIN_FOLLOW, pin.follow)?;
    message.flag(TLSCONN_A_PIN_MARK_LOST, pin.has_lost_mark())
}

/// The name that a request gives, or the default.
fn name_of(request: &Request<'_>) -> Result<Name> {
    let name = request.string(TLSCONN_A_PIN_NAME).unwrap_or(b"default");
    Name::new(name).ok_or_else(|| request.refuse(EINVAL, c"a pin's name has 1 to 31 octets"))
}

fn mark_of(request: &Request<'_>) -> Result<Mark> {
    let mark = Mark {
        value: request
            .u32(TLSCONN_A_PIN_MARK)
            .unwrap_or(XT_TLSCONN_PIN_MARK),
        mask: request
            .u32(TLSCONN_A_PIN_MASK)
            .unwrap_or(XT_TLSCONN_PIN_MASK),
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
            c"a mark of zero is what every connection has: give another",
        ));
    }
    Ok(mark)
}

/// For how many seconds a pin is asked for.
fn lasts_of(request: &Request<'_>) -> Result<Option<u32>> {
    let Some(seconds) = request.uint(TLSCONN_A_PIN_LASTS) else {
        return Ok(None);
    };
    match u32::try_from(seconds) {
        Ok(seconds) if seconds != 0 => Ok(Some(seconds)),
        _ => Err(request.refuse(EINVAL, c"a pin lasts for 1 to 4294967295 seconds")),
    }
}

/// Binds a pin to a connection or arms it, and answers with the pin.
pub fn set(net: &NetState, request: &Request<'_>) -> Result {
    let wish = Wish {
        name: name_of(request)?,
        mark: mark_of(request)?,
        selector: selector::of(request, TLSCONN_A_PIN_SELECTOR)?,
        lasts: lasts_of(request)?,
        follow: request.flag(TLSCONN_A_PIN_FOLLOW),
        replace: request.flag(TLSCONN_A_PIN_REPLACE),
    };
    if wish.follow && wish.lasts.is_none() {
        return Err(request.refuse(EINVAL, c"a pin that follows has to last for some seconds"));
    }
    let (name, mut marks) = (wish.name, Marks::none());
    marks.push(wish.mark);
    // That of a pin that is replaced.
    if let Some(pin) = net.pins.lock().of_name(name) {
        marks.push(pin.mark);
    }
    let connection = request.uint(TLSCONN_A_PIN_CONNECTION);
    let next = request.flag(TLSCONN_A_PIN_NEXT);
    // Inside, so that nothing is changed when there is no memory for the answer.
    Message::reply(request, TLSCONN_CMD_PIN_SET, |message| {
        let before = match connection {
            Some(id) if !next => bind(net, request, wish, id)?,
            None if next => {
                let armed = net.pins.lock().arm(net, wish);
                armed.map_err(|(error, why)| request.refuse(error, why))?
            }
            _ => return Err(request.refuse(EINVAL, c"either a connection or next is to be given")),
        };
        let now = net.pins.lock().of_name(name).and_then(Pin::bound).cloned();
        for bound in [before, now].into_iter().flatten() {
            bound.ct.deliver_events();
        }
        clear_strays(net, &marks);
        // What the answer says of the mark is what has come of it.
        let pins = net.pins.lock();
        put(pins.of_name(name).ok_or(ENOENT)?, message)
    })
}

/// Binds a pin, and gives the connection that it was on before.
fn bind(net: &NetState, request: &Request<'_>, wish: Wish, id: u64) -> Result<Option<Bound>> {
    let missing = || request.refuse(ENOENT, c"there is no live connection of that id");
    let rcu = Reader::begin();
    let entry = net.table.by_id(id, &rcu).ok_or_else(missing)?;
    let mut locked = entry.lock();
    let tracked = match &mut *locked {
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
        .bind(net, wish, to)
        .map_err(|(error, why)| request.refuse(error, why))?;
    tracked.flags.set(Flags::PINNED);
    Ok(before)
}

/// Releases one pin, or all, and clears their marks wherever others have set them.
pub fn del(net: &NetState, request: &Request<'_>) -> Result {
    if request.flag(TLSCONN_A_PIN_ALL) {
        release_all(net, Release::Unpinned);
        // Pins that were released before may have left marks of others too.
        let mut marks = Marks::none();
        let pins = net.pins.lock();
        (0..u64::MAX)
            .map_while(|place| pins.at(place))
            .for_each(|pin| marks.push(pin.mark));
        drop(pins);
        clear_strays(net, &marks);
        return Ok(());
    }
    let name = name_of(request)?;
    let mut pins = net.pins.lock();
    let mark = pins.of_name(name).map(|pin| pin.mark);
    let released = pins.release(net, name, Release::Unpinned);
    drop(pins);
    let was_live = released.is_some();
    if let Some(bound) = released.flatten() {
        bound.ct.deliver_events();
    }
    let mut marks = Marks::none();
    if let Some(mark) = mark {
        marks.push(mark);
    }
    // One that was released before may have left marks of others.
    if !clear_strays(net, &marks) && !was_live {
        return Err(request.refuse(ENOENT, c"no pin of that name is bound or armed"));
    }
    Ok(())
}
