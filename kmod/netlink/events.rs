// SPDX-License-Identifier: GPL-2.0-only

//! What listeners are told: the group `events`. Where nobody listens nothing is made.

use super::{connection, pin};
use crate::{
    bindings::{
        TLSCONN_A_EVENT_CONNECTION, TLSCONN_A_EVENT_KIND, TLSCONN_A_EVENT_PIN,
        TLSCONN_A_EVENT_RELEASE, TLSCONN_A_EVENT_TIME, TLSCONN_A_PIN_CONNECTION, TLSCONN_CMD_EVENT,
        TLSCONN_EVENT_CLOSED, TLSCONN_EVENT_CONNECTION_NEW, TLSCONN_EVENT_DATA_WAITING,
        TLSCONN_EVENT_ESTABLISHED, TLSCONN_EVENT_LOST, TLSCONN_EVENT_PIN_ARMED,
        TLSCONN_EVENT_PIN_BOUND, TLSCONN_EVENT_PIN_RELEASED, TLSCONN_EVENT_RESUMED,
        TLSCONN_EVENT_TAINTED,
    },
    connections::Entry,
    namespace::NetState,
    pins::{Pin, Release, Sink},
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
    /// It has no pin, and has sent what rules hold.
    DataWaiting = TLSCONN_EVENT_DATA_WAITING as u8,
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

impl Sink for NetState {
    fn armed(&self, pin: &Pin) {
        tell_of_pin(self, pin, None, TLSCONN_EVENT_PIN_ARMED);
    }

    fn bound(&self, pin: &Pin, on: u64) {
        tell_of_pin(self, pin, Some(on), TLSCONN_EVENT_PIN_BOUND);
    }

    fn released(&self, pin: &Pin, from: Option<u64>, why: Release) {
        tell_event(self, TLSCONN_CMD_EVENT, |message| {
            message.u8(TLSCONN_A_EVENT_KIND, TLSCONN_EVENT_PIN_RELEASED as u8)?;
            message.now(TLSCONN_A_EVENT_TIME)?;
            message.nest(TLSCONN_A_EVENT_PIN, |nest| {
                pin::put(pin, None, nest)?;
                from.map_or(Ok(()), |from| nest.uint(TLSCONN_A_PIN_CONNECTION, from))
            })?;
            message.u8(TLSCONN_A_EVENT_RELEASE, why as u8)
        });
    }

    fn note_armed(&self, any: bool, by_ends: bool, by_ja4: bool) {
        self.note_armed_pins(any, by_ends, by_ja4);
    }

    fn schedule_expiry(&self, nanoseconds: u64) {
        self.schedule_pins(nanoseconds);
    }
}

fn tell_of_pin(net: &NetState, pin: &Pin, on: Option<u64>, event: u32) {
    tell_event(net, TLSCONN_CMD_EVENT, |message| {
        message.u8(TLSCONN_A_EVENT_KIND, event as u8)?;
        message.now(TLSCONN_A_EVENT_TIME)?;
        message.nest(TLSCONN_A_EVENT_PIN, |nest| pin::put(pin, on, nest))
    });
}
