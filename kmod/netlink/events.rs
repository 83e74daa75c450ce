// SPDX-License-Identifier: GPL-2.0-only

//! What listeners are told: the group `events`. Where nobody listens nothing is made.

use super::{connection, pin};
use crate::{
    bindings::{
        TLSCONN_A_EVENT_CONNECTION, TLSCONN_A_EVENT_KIND, TLSCONN_A_EVENT_PIN,
        TLSCONN_A_EVENT_RELEASE, TLSCONN_A_EVENT_TIME, TLSCONN_A_PIN_CONNECTION, TLSCONN_CMD_EVENT,
        TLSCONN_EVENT_CLOSED, TLSCONN_EVENT_CONNECTION_NEW, TLSCONN_EVENT_ESTABLISHED,
        TLSCONN_EVENT_LOST, TLSCONN_EVENT_PIN_ARMED, TLSCONN_EVENT_PIN_BOUND,
        TLSCONN_EVENT_PIN_RELEASED, TLSCONN_EVENT_RESUMED, TLSCONN_EVENT_TAINTED,
        TLSCONN_RELEASE_CLOSED, TLSCONN_RELEASE_EXPIRED, TLSCONN_RELEASE_GONE,
        TLSCONN_RELEASE_REPLACED, TLSCONN_RELEASE_UNPINNED,
    },
    connections::Entry,
    namespace::NetState,
    pins::Pin,
    sys::genl::tell_event,
    tracked::Tracked,
};

/// What happened to a connection (`enum tlsconn_event`).
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum ConnectionEvent {
    /// It is tracked from now on.
    New = TLSCONN_EVENT_CONNECTION_NEW as u8,
    /// Its handshake is complete.
    Established = TLSCONN_EVENT_ESTABLISHED as u8,
    /// The same, and it continues a session.
    Resumed = TLSCONN_EVENT_RESUMED as u8,
    /// Bytes contradict what was seen.
    Tainted = TLSCONN_EVENT_TAINTED as u8,
    /// Where its records begin is not known.
    Lost = TLSCONN_EVENT_LOST as u8,
    /// It is over.
    Closed = TLSCONN_EVENT_CLOSED as u8,
}

/// Why a pin was released (`enum tlsconn_release`).
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Release {
    /// Somebody asked for it.
    Unpinned = TLSCONN_RELEASE_UNPINNED as u8,
    /// The pin was bound to another connection.
    Replaced = TLSCONN_RELEASE_REPLACED as u8,
    /// Its time was over.
    Expired = TLSCONN_RELEASE_EXPIRED as u8,
    /// The connection has ended.
    Closed = TLSCONN_RELEASE_CLOSED as u8,
    /// Conntrack has dropped the connection's entry.
    Gone = TLSCONN_RELEASE_GONE as u8,
}

/// Tells of a connection as it is now. Any context, while the namespace is alive; the caller has locked the entry, and
/// not the pins.
pub fn connection(net: &NetState, event: ConnectionEvent, entry: &Entry, tracked: &Tracked) {
    tell_event(net, TLSCONN_CMD_EVENT, |message| {
        message.u8(TLSCONN_A_EVENT_KIND, event as u8)?;
        message.now(TLSCONN_A_EVENT_TIME)?;
        message.nest(TLSCONN_A_EVENT_CONNECTION, |nest| {
            connection::put(net, entry, tracked, nest)
        })
    });
}

/// Tells that a pin waits for a connection. Any context, while the namespace is alive; under the pins' lock, so that
/// events come in the order of what they tell.
pub fn pin_armed(net: &NetState, pin: &Pin) {
    tell_of_pin(net, pin, TLSCONN_EVENT_PIN_ARMED);
}

/// Tells that a pin was bound, as above.
pub fn pin_bound(net: &NetState, pin: &Pin) {
    tell_of_pin(net, pin, TLSCONN_EVENT_PIN_BOUND);
}

fn tell_of_pin(net: &NetState, pin: &Pin, event: u32) {
    tell_event(net, TLSCONN_CMD_EVENT, |message| {
        message.u8(TLSCONN_A_EVENT_KIND, event as u8)?;
        message.now(TLSCONN_A_EVENT_TIME)?;
        message.nest(TLSCONN_A_EVENT_PIN, |nest| pin::put(pin, nest))
    });
}

/// Tells that a pin was released, and from which connection, as above.
pub fn pin_released(net: &NetState, pin: &Pin, from: Option<u64>, release: Release) {
    tell_event(net, TLSCONN_CMD_EVENT, |message| {
        message.u8(TLSCONN_A_EVENT_KIND, TLSCONN_EVENT_PIN_RELEASED as u8)?;
        message.now(TLSCONN_A_EVENT_TIME)?;
        message.nest(TLSCONN_A_EVENT_PIN, |nest| {
            pin::put(pin, nest)?;
            from.map_or(Ok(()), |from| nest.uint(TLSCONN_A_PIN_CONNECTION, from))
        })?;
        message.u8(TLSCONN_A_EVENT_RELEASE, release as u8)
    });
}
