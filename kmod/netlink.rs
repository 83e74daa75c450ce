// SPDX-License-Identifier: GPL-2.0-only

//! The commands of the netlink family, as docs/netlink/tlsconn.yaml describes them. Process context, one at a time.

use crate::{
    bindings::{
        TLSCONN_A_CONNECTION_ALPN, TLSCONN_A_CONNECTION_CIPHER, TLSCONN_A_CONNECTION_CLIENT,
        TLSCONN_A_CONNECTION_CLIENT_RANDOM, TLSCONN_A_CONNECTION_CONFIRMED,
        TLSCONN_A_CONNECTION_DST, TLSCONN_A_CONNECTION_DST_ADDR, TLSCONN_A_CONNECTION_DST_PORT,
        TLSCONN_A_CONNECTION_EARLY_DATA, TLSCONN_A_CONNECTION_ECH,
        TLSCONN_A_CONNECTION_HELLO_RETRY, TLSCONN_A_CONNECTION_ID, TLSCONN_A_CONNECTION_MARK,
        TLSCONN_A_CONNECTION_OFFERED, TLSCONN_A_CONNECTION_PIN, TLSCONN_A_CONNECTION_REASON,
        TLSCONN_A_CONNECTION_RESUMED, TLSCONN_A_CONNECTION_RESUMPTION,
        TLSCONN_A_CONNECTION_SERVER_RANDOM, TLSCONN_A_CONNECTION_SERVER_SESSION_ID,
        TLSCONN_A_CONNECTION_SESSION_ID, TLSCONN_A_CONNECTION_SNI, TLSCONN_A_CONNECTION_SRC,
        TLSCONN_A_CONNECTION_SRC_ADDR, TLSCONN_A_CONNECTION_SRC_PORT, TLSCONN_A_CONNECTION_STATE,
        TLSCONN_A_CONNECTION_VERSION, TLSCONN_A_DIRECTION_BYTES,
        TLSCONN_A_DIRECTION_CHANGE_CIPHER_SPEC, TLSCONN_A_PIN_ALL, TLSCONN_A_PIN_CONNECTION,
        TLSCONN_A_PIN_MARK, TLSCONN_A_PIN_MASK, TLSCONN_A_PIN_NAME, TLSCONN_A_PIN_REPLACE,
        TLSCONN_A_PIN_STATE, TLSCONN_CMD_CONNECTION_GET, TLSCONN_CMD_PIN_GET, TLSCONN_CMD_PIN_SET,
        TLSCONN_PIN_STATE_BOUND, TLSCONN_PIN_STATE_RELEASED, XT_TLSCONN_PIN_MARK,
        XT_TLSCONN_PIN_MASK,
    },
    pins::{release_all, Bound, Mark, Name, Pin},
    sys::{
        conntrack::Conntrack,
        genl::{Dump, Request},
        message::Message,
        pernet::NetState,
        table::Entry,
    },
    tls::{Connection, Counters, Identity, Side, State},
    tracked::Tracked,
};
use kernel::{
    prelude::*,
    sync::{aref::ARef, rcu},
};

/// One connection by its id.
pub fn connection_get(net: &NetState, request: &Request<'_>) -> Result {
    let Some(id) = request.uint(TLSCONN_A_CONNECTION_ID) else {
        return Err(request.refuse(EINVAL, c"no id given"));
    };
    let missing = || request.refuse(ENOENT, c"there is no connection of that id");
    // Looked at twice: making a reply sleeps, and RCU readers do not.
    if net.table.by_id(id, &rcu::read_lock()).is_none() {
        return Err(missing());
    }
    Message::reply(request, TLSCONN_CMD_CONNECTION_GET, |message| {
        let rcu = rcu::read_lock();
        let entry = net.table.by_id(id, &rcu).ok_or_else(missing)?;
        put_connection(net, entry, message)
    })
}

/// All connections in the order of their ids.
pub fn connection_dump(net: &NetState, dump: &mut Dump<'_>) -> Result {
    loop {
        // A short RCU section for each, however many there are.
        let rcu = rcu::read_lock();
        let Some(entry) = net.table.at_or_after(dump.position(), &rcu) else {
            return Ok(());
        };
        match dump.item(TLSCONN_CMD_CONNECTION_GET, |message| {
            put_connection(net, entry, message)
        }) {
            Ok(()) => {}
            // Gone meanwhile.
            Err(error) if error == ENOENT => {}
            // The message is full; the dump goes on with the next.
            Err(_) => return Ok(()),
        }
        dump.set_position(entry.id.wrapping_add(1));
    }
}

/// ENOENT when the connection has just gone, EMSGSIZE when the message is full.
fn put_connection(net: &NetState, entry: &Entry, message: &mut Message<'_>) -> Result {
    let locked = entry.lock();
    let tracked = locked.as_ref().ok_or(ENOENT)?;
    message.uint(TLSCONN_A_CONNECTION_ID, entry.id)?;
    put_tuple(entry.conntrack(tracked), message)?;
    message.u8(TLSCONN_A_CONNECTION_STATE, tracked.connection.state() as u8)?;
    message.u8(
        TLSCONN_A_CONNECTION_REASON,
        tracked.connection.reason() as u8,
    )?;
    put_identity(&tracked.handshake.identity, message)?;
    put_directions(&tracked.connection, message)?;
    let mark = entry.conntrack(tracked).mark();
    message.u32(TLSCONN_A_CONNECTION_MARK, mark)?;
    match net.pins.lock().of_mark(mark) {
        Some(pin) => message.string(TLSCONN_A_CONNECTION_PIN, pin.name.as_slice()),
        None => Ok(()),
    }
}

fn put_tuple(ct: &Conntrack, message: &mut Message<'_>) -> Result {
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
        let end = ct.endpoint(side);
        let octets = if ct.is_ipv6() { 16 } else { 4 };
        message.bytes(address, end.address.get(..octets).unwrap_or(&[]))?;
        message.u16(port, end.port.to_be())?;
    }
    Ok(())
}

/// What is not known is left out.
fn put_identity(identity: &Identity, message: &mut Message<'_>) -> Result {
    let octets: [(u32, Option<&[u8]>); 6] = [
        (
            TLSCONN_A_CONNECTION_SNI,
            identity.sni.as_ref().map(|octets| octets.as_slice()),
        ),
        (
            TLSCONN_A_CONNECTION_ALPN,
            identity.alpn.as_ref().map(|octets| octets.as_slice()),
        ),
        (
            TLSCONN_A_CONNECTION_CLIENT_RANDOM,
            identity
                .client_random
                .as_ref()
                .map(|octets| octets.as_slice()),
        ),
        (
            TLSCONN_A_CONNECTION_SERVER_RANDOM,
            identity
                .server_random
                .as_ref()
                .map(|octets| octets.as_slice()),
        ),
        (
            TLSCONN_A_CONNECTION_SESSION_ID,
            identity.session_id.as_ref().map(|octets| octets.as_slice()),
        ),
        (
            TLSCONN_A_CONNECTION_SERVER_SESSION_ID,
            identity
                .server_session_id
                .as_ref()
                .map(|octets| octets.as_slice()),
        ),
    ];
    for (attribute, value) in octets {
        if let Some(value) = value {
            message.bytes(attribute, value)?;
        }
    }
    for (attribute, value) in [
        (TLSCONN_A_CONNECTION_VERSION, identity.version),
        (TLSCONN_A_CONNECTION_OFFERED, identity.offered),
        (TLSCONN_A_CONNECTION_CIPHER, identity.cipher),
    ] {
        if let Some(value) = value {
            message.u16(attribute, value)?;
        }
    }
    for (attribute, value) in [
        (
            TLSCONN_A_CONNECTION_CLIENT,
            identity.client.map(|side| side as u8),
        ),
        (TLSCONN_A_CONNECTION_RESUMED, identity.resumed.map(u8::from)),
        (
            TLSCONN_A_CONNECTION_RESUMPTION,
            identity.resumption.map(|how| how as u8),
        ),
        (
            TLSCONN_A_CONNECTION_EARLY_DATA,
            identity.early_data.map(u8::from),
        ),
        (TLSCONN_A_CONNECTION_ECH, identity.ech.map(u8::from)),
        (
            TLSCONN_A_CONNECTION_HELLO_RETRY,
            identity.hello_retry.map(u8::from),
        ),
    ] {
        if let Some(value) = value {
            message.u8(attribute, value)?;
        }
    }
    message.flag(TLSCONN_A_CONNECTION_CONFIRMED, identity.confirmed)
}

fn put_directions(connection: &Connection, message: &mut Message<'_>) -> Result {
    for (side, attribute) in [
        (Side::Src, TLSCONN_A_CONNECTION_SRC),
        (Side::Dst, TLSCONN_A_CONNECTION_DST),
    ] {
        let Counters { bytes, records } = connection.counters(side);
        message.nest(attribute, |nest| {
            nest.uint(TLSCONN_A_DIRECTION_BYTES, bytes)?;
            for (attribute, count) in (TLSCONN_A_DIRECTION_CHANGE_CIPHER_SPEC..).zip(records) {
                nest.uint(attribute, count)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The pins of the namespace.
pub fn pin_dump(net: &NetState, dump: &mut Dump<'_>) -> Result {
    loop {
        let position = dump.position();
        let Some(pin) = net.pins.lock().at(position).cloned() else {
            return Ok(());
        };
        if dump
            .item(TLSCONN_CMD_PIN_GET, |message| put_pin(&pin, message))
            .is_err()
        {
            // The message is full; the dump goes on with the next.
            return Ok(());
        }
        dump.set_position(position.wrapping_add(1));
    }
}

fn put_pin(pin: &Pin, message: &mut Message<'_>) -> Result {
    message.string(TLSCONN_A_PIN_NAME, pin.name.as_slice())?;
    message.u32(TLSCONN_A_PIN_MARK, pin.mark.value)?;
    message.u32(TLSCONN_A_PIN_MASK, pin.mark.mask)?;
    let state = match &pin.bound {
        Some(bound) => {
            message.uint(TLSCONN_A_PIN_CONNECTION, bound.id)?;
            TLSCONN_PIN_STATE_BOUND
        }
        None => TLSCONN_PIN_STATE_RELEASED,
    };
    message.u8(TLSCONN_A_PIN_STATE, state as u8)
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

/// Binds a pin to a connection and answers with the pin.
pub fn pin_set(net: &NetState, request: &Request<'_>) -> Result {
    let name = name_of(request)?;
    let mark = mark_of(request)?;
    let Some(id) = request.uint(TLSCONN_A_PIN_CONNECTION) else {
        return Err(request.refuse(EINVAL, c"no connection given"));
    };
    // Inside, so that nothing is bound when there is no memory for the answer.
    Message::reply(request, TLSCONN_CMD_PIN_SET, |message| {
        let pin = bind(net, request, name, mark, id)?;
        put_pin(&pin, message)
    })
}

fn bind(net: &NetState, request: &Request<'_>, name: Name, mark: Mark, id: u64) -> Result<Pin> {
    let missing = || request.refuse(ENOENT, c"there is no live connection of that id");
    let rcu = rcu::read_lock();
    let entry = net.table.by_id(id, &rcu).ok_or_else(missing)?;
    let mut locked = entry.lock();
    let tracked = match &mut *locked {
        Some(tracked) if is_live(entry, tracked) => tracked,
        _ => return Err(missing()),
    };
    let bound = Bound {
        id,
        ct: ARef::from(entry.conntrack(tracked)),
    };
    let pin = Pin {
        name,
        mark,
        bound: Some(bound.clone()),
    };
    let before = net
        .pins
        .lock()
        .bind(name, mark, bound, request.flag(TLSCONN_A_PIN_REPLACE))
        .map_err(|(error, why)| request.refuse(error, why))?;
    tracked.pinned = true;
    for bound in [&before, &pin.bound].into_iter().flatten() {
        bound.ct.deliver_events();
    }
    Ok(pin)
}

fn is_live(entry: &Entry, tracked: &Tracked) -> bool {
    let over = tracked.connection.state() == State::Closed || tracked.connection.ended();
    !over && !entry.conntrack(tracked).is_dying()
}

/// Releases one pin, or all.
pub fn pin_del(net: &NetState, request: &Request<'_>) -> Result {
    if request.flag(TLSCONN_A_PIN_ALL) {
        release_all(&net.pins);
        return Ok(());
    }
    let name = name_of(request)?;
    let released = net.pins.lock().release(name);
    let bound = released.ok_or_else(|| request.refuse(ENOENT, c"no pin of that name is bound"))?;
    bound.ct.deliver_events();
    Ok(())
}
