// SPDX-License-Identifier: GPL-2.0-only

//! `connection-get`, and connections as messages tell of them.

use super::{
    policy::{ConnectionDump, ConnectionGet},
    selector,
};
use crate::{
    bindings::{
        self, TLSCONN_A_CONNECTION_DST, TLSCONN_A_CONNECTION_DST_ADDR,
        TLSCONN_A_CONNECTION_DST_PORT, TLSCONN_A_CONNECTION_FIRST, TLSCONN_A_CONNECTION_ID,
        TLSCONN_A_CONNECTION_JA4, TLSCONN_A_CONNECTION_LAST, TLSCONN_A_CONNECTION_MARK,
        TLSCONN_A_CONNECTION_PIN, TLSCONN_A_CONNECTION_REASON, TLSCONN_A_CONNECTION_RESUMES,
        TLSCONN_A_CONNECTION_SRC, TLSCONN_A_CONNECTION_SRC_ADDR, TLSCONN_A_CONNECTION_SRC_PORT,
        TLSCONN_A_CONNECTION_STATE, TLSCONN_A_DIRECTION_BYTES,
        TLSCONN_A_DIRECTION_CHANGE_CIPHER_SPEC, TLSCONN_A_DIRECTION_INTERVAL,
        TLSCONN_A_DIRECTION_TRIED, TLSCONN_A_DIRECTION_WAITING, TLSCONN_CMD_CONNECTION_GET,
    },
    connections::Entry,
    namespace::{NetState, Tracker},
    pins::{Candidate, Selector},
    sys::{
        cond_resched,
        conntrack::Conntrack,
        message::Message,
        rcu::Reader,
        request::{Answer, Dump, Request, Tell},
    },
    tls::{Counters, IdentityRef, Side, State},
    tracked::Tracked,
};
use kernel::prelude::*;

/// Connections that one call of a dump looks at. The first call is made where the request is taken, under a semaphore
/// that whoever registers a family waits for; the others where the answer is read.
const LOOKED_AT: u32 = 1024;

impl Answer for ConnectionGet {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_CONNECTION_GET;

    /// One connection by its id.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        let Some(id) = request.get(Self::ID) else {
            return Err(request.refuse(EINVAL, c"no id given"));
        };
        let missing = || request.refuse(ENOENT, c"there is no connection of that id");
        // Looked at twice: making a reply sleeps, and RCU readers do not.
        if net.table.by_id(id, &Reader::begin()).is_none() {
            return Err(missing());
        }
        Message::reply(request, |message| {
            let rcu = Reader::begin();
            let entry = net.table.by_id(id, &rcu).ok_or_else(missing)?;
            let locked = entry.lock();
            put(net, entry, locked.get().ok_or_else(missing)?, message)
        })
    }
}

/// Which connections a dump is asked for.
struct Filter {
    selector: Option<KBox<Selector>>,
    /// A bit for each state.
    states: u32,
    /// Only those that a pin can be bound to.
    live: bool,
}

impl Filter {
    /// Process context.
    fn of(net: &NetState, request: &Request<'_, ConnectionDump>) -> Result<Self> {
        Ok(Self {
            selector: selector::of(net, request, ConnectionDump::SELECTOR)?,
            states: request.get(ConnectionDump::STATES).unwrap_or(u32::MAX),
            live: request.has(ConnectionDump::LIVE),
        })
    }

    fn wants(&self, tracked: &Tracked) -> bool {
        let state = tracked.connection.state() as u32;
        let fits = |selector: &KBox<Selector>| {
            selector.fits(&mut Candidate::new(tracked.identity(), &tracked.ct))
        };
        self.states.wrapping_shr(state) & 1 != 0
            && (!self.live || is_live(tracked))
            && self.selector.as_ref().is_none_or(fits)
    }
}

impl Tell for ConnectionDump {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_CONNECTION_GET;

    /// The connections that are asked for, in the order of their ids. Nothing is held from one to the next. Where none
    /// of those that were looked at is wanted the message says nothing of any: one without bytes would end the dump.
    fn tell(net: &NetState, dump: &mut Dump<'_, Self>) -> Result {
        // Made anew for every message; that is little beside what a message holds.
        let filter = Filter::of(net, &dump.request())?;
        for _ in 0..LOOKED_AT {
            // A short RCU section for each, however many there are.
            let rcu = Reader::begin();
            let Some(entry) = net.table.at_or_after(dump.position(), &rcu) else {
                return Ok(());
            };
            match dump.item(|message| {
                let locked = entry.lock();
                match locked.get() {
                    Some(tracked) if filter.wants(tracked) => put(net, entry, tracked, message),
                    _ => Err(ENOENT),
                }
            }) {
                Ok(()) => {}
                // Gone meanwhile, or not asked for.
                Err(error) if error == ENOENT => {}
                // The message is full; the dump goes on with the next.
                Err(_) => return Ok(()),
            }
            dump.set_position(entry.id.wrapping_add(1));
            drop(rcu);
            cond_resched();
        }
        if dump.is_empty() {
            dump.item(|_| Ok(()))?;
        }
        Ok(())
    }
}

/// Whether a pin can be bound to a connection, whose entry the caller has locked: conntrack knows it, and has not let go
/// of it.
pub(super) fn is_live(tracked: &Tracked) -> bool {
    let over = tracked.connection.state() == State::Closed || tracked.connection.ended();
    !over && tracked.ct.is_confirmed() && !tracked.ct.is_gone()
}

/// A connection whose entry the caller has locked; EMSGSIZE when the message is full. The pins' lock must not be held.
pub(super) fn put(
    net: &NetState,
    entry: &Entry,
    tracked: &Tracked,
    message: &mut Message<'_>,
) -> Result {
    message.uint(TLSCONN_A_CONNECTION_ID, entry.id)?;
    put_tuple(&tracked.ct, message)?;
    message.u8(TLSCONN_A_CONNECTION_STATE, tracked.connection.state() as u8)?;
    message.u8(
        TLSCONN_A_CONNECTION_REASON,
        tracked.connection.reason() as u8,
    )?;
    put_identity(&tracked.identity(), message)?;
    if let Some(id) = tracked.resumes() {
        message.uint(TLSCONN_A_CONNECTION_RESUMES, id)?;
    }
    let mark = tracked.ct.mark();
    let pin = net.pins.lock().of_mark(mark).map(|pin| pin.name);
    put_directions(entry, tracked, pin.is_some(), message)?;
    message.u32(TLSCONN_A_CONNECTION_MARK, mark)?;
    message.uint(TLSCONN_A_CONNECTION_FIRST, tracked.first.time_of_day())?;
    message.uint(
        TLSCONN_A_CONNECTION_LAST,
        entry.unlocked.last().time_of_day(),
    )?;
    if let Some(ja4) = tracked.identity().ja4 {
        message.bytes(TLSCONN_A_CONNECTION_JA4, &ja4)?;
    }
    match pin {
        Some(name) => message.string(TLSCONN_A_CONNECTION_PIN, name.as_slice()),
        None => Ok(()),
    }
}

/// Where a connection was opened from and to.
pub(super) fn put_tuple(ct: &Conntrack, message: &mut Message<'_>) -> Result {
    for (side, address, port) in [
        (
            Side::Src,
            TLSCONN_A_CONNECTION_SRC_ADDR,
            TLSCONN_A_CONNECTION_SRC_PORT,
        ),
        (
            Side::Dst,
            TLSCONN_A_CONNECTION_DST_ADDR,
            TLSCONN_A_CONNECTION_DST_PORT,
        ),
    ] {
        let end = ct.endpoint(side.into());
        let bytes = if ct.is_ipv6() { 16 } else { 4 };
        message.bytes(address, end.address.get(..bytes).unwrap_or(&[]))?;
        message.u16(port, end.port.to_be())?;
    }
    Ok(())
}

macro_rules! identity {
    ($([$({ $field:ident [$($kind:ident)+] $attribute:ident $label:literal $title:literal $least:literal $means:literal })+])+) => {
        /// What is not known is left out.
        fn put_identity(identity: &IdentityRef<'_>, message: &mut Message<'_>) -> Result {
            $($(put_field!(message $attribute, identity.$field, $($kind)+);)+)+
            Ok(())
        }
    };
}

macro_rules! put_field {
    ($message:ident $attribute:ident, $value:expr, flag) => { $message.flag(bindings::$attribute, $value)? };
    ($message:ident $attribute:ident, $value:expr, $($kind:ident)+) => {
        if let Some(value) = $value {
            put_value!($message $attribute, value, $($kind)+);
        }
    };
}

macro_rules! put_value {
    ($message:ident $attribute:ident, $value:ident, side) => {
        $message.u8(bindings::$attribute, $value as u8)?
    };
    ($message:ident $attribute:ident, $value:ident, truth) => {
        $message.u8(bindings::$attribute, $value.into())?
    };
    ($message:ident $attribute:ident, $value:ident, resumption) => {
        $message.u8(bindings::$attribute, $value as u8)?
    };
    ($message:ident $attribute:ident, $value:ident, version) => {
        $message.u16(bindings::$attribute, $value)?
    };
    ($message:ident $attribute:ident, $value:ident, cipher) => {
        $message.u16(bindings::$attribute, $value)?
    };
    // Names, randoms, ids.
    ($message:ident $attribute:ident, $value:ident, $($kind:ident)+) => {
        $message.bytes(bindings::$attribute, $value)?
    };
}

crate::identity_fields! { identity }

/// What each side has sent, and of it what waits: nothing while a pin lets it through; when it has sent again what is not
/// acknowledged.
fn put_directions(
    entry: &Entry,
    tracked: &Tracked,
    has_pin: bool,
    message: &mut Message<'_>,
) -> Result {
    let connection = &tracked.connection;
    for (side, attribute) in [
        (Side::Src, TLSCONN_A_CONNECTION_SRC),
        (Side::Dst, TLSCONN_A_CONNECTION_DST),
    ] {
        let Counters { bytes, records } = connection.counters(side);
        let passed = match entry.unlocked.get() {
            Some(_) => entry
                .unlocked
                .next(side)
                .wrapping_sub(connection.next(side)),
            None => 0,
        };
        let bytes = bytes.saturating_add(passed.into());
        let waiting = match has_pin {
            true => 0,
            false => connection.waiting(side).saturating_add(passed.into()),
        };
        message.nest(attribute, |nest| {
            nest.uint(TLSCONN_A_DIRECTION_BYTES, bytes)?;
            for (attribute, count) in (TLSCONN_A_DIRECTION_CHANGE_CIPHER_SPEC..).zip(records) {
                nest.uint(attribute, count)?;
            }
            nest.uint(TLSCONN_A_DIRECTION_WAITING, waiting)?;
            match tracked.rare.get().and_then(|rare| rare.tries.of(side)) {
                Some(tried) if connection.outstanding(side) > 0 => {
                    nest.uint(TLSCONN_A_DIRECTION_TRIED, tried.since)?;
                    nest.uint(TLSCONN_A_DIRECTION_INTERVAL, tried.interval)
                }
                _ => Ok(()),
            }
        })?;
    }
    Ok(())
}
