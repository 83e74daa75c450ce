// SPDX-License-Identifier: GPL-2.0-only

//! Shared pins: any number of connections carry the mark of one. A denial is one whose mark stays on a connection that has
//! ended until conntrack lets go of its entry: the reset that ends the one side puts the entry into CLOSE, and the other
//! side is to be reset by the same rule.

use super::{
    bound::Bound,
    kind::Kind,
    list::{PinRequest, Pins},
    mark::{Mark, Name},
    pin::Pin,
    refusal::Refusal,
    sink::{Release, Sink},
};
use kernel::prelude::*;

/// Members that are looked at while the lock is held once.
const LOOKED_AT: u32 = 256;

/// Where a look at all members goes on.
#[derive(Default)]
pub struct Walk {
    place: usize,
    id: u64,
}

/// The mark of a pin for which none was asked: that which it has, `default`'s own, or the first that is free.
pub fn mark_for(pins: &Pins, name: Name, kind: Kind) -> Result<Mark, Refusal> {
    let is_default = name.as_slice() == b"default";
    let stays = |pin: &&Pin| !is_default || pin.is_live() && pin.is_widened_by(kind, pin.mark);
    if let Some(pin) = pins.of_name(name).filter(stays) {
        return Ok(pin.mark);
    }
    if is_default {
        return Ok(Mark::DEFAULT);
    }
    let mut all = Mark::values();
    all.find(|mark| !pins.0.iter().any(|pin| pin.mark.overlaps(*mark)))
        .ok_or(NO_MARK)
}

/// Whether connections have to be released before a request is granted; they may be too many for once.
pub fn has_to_be_emptied_for(pins: &Pins, wanted: &PinRequest) -> bool {
    pins.of_name(wanted.name)
        .is_some_and(|pin| !pin.members.is_empty() && !pin.is_widened_by(wanted.kind, wanted.mark))
}

/// Releases one connection of a pin; None where it is not on it. Any context.
pub fn release_from(
    pins: &mut Pins,
    sink: &impl Sink,
    name: Name,
    id: u64,
    why: Release,
) -> Option<Bound> {
    let pin = pins.0.iter_mut().find(|pin| pin.name == name)?;
    let released = match pin.bound().is_some_and(|bound| bound.id == id) {
        true => pin.release(sink, why),
        false => pin.let_go(sink, id, why),
    };
    pins.changed(sink);
    released
}

/// Looks for a member whose entry conntrack has let go of, at a few members each time; None when all were looked at.
pub fn look_for_dying(pins: &Pins, walk: &mut Walk) -> Option<Option<u64>> {
    let pin = pins.0.get(walk.place)?;
    for _ in 0..LOOKED_AT {
        let Some((id, member)) = pin.members.at_or_after(walk.id) else {
            (walk.place, walk.id) = (walk.place.saturating_add(1), 0);
            break;
        };
        walk.id = id.wrapping_add(1);
        if member.ct.is_dying() {
            return Some(Some(id));
        }
    }
    Some(None)
}

const NO_MARK: Refusal = (
    ENOSPC,
    c"no value of 0xff000000 is free from 0x55000000 on: give a mark",
);
