// SPDX-License-Identifier: GPL-2.0-only

//! What becomes of connections is counted, and listeners are told.

use crate::{
    connections::Entry,
    counters::Counter,
    namespace::NetState,
    netlink::events::{self, ConnectionEvent},
    tls::State,
    tracked::{Flags, Tracked},
};

/// Looks at what a connection has become since it was last looked at. Its entry is locked. Any context.
#[inline]
pub fn notify(net: &NetState, entry: &Entry, tracked: &mut Tracked) {
    let state = tracked.connection.state();
    if state != tracked.told.state {
        became(net, entry, tracked, state);
    }
    if state == State::Lost {
        found_again(net, tracked);
    }
}

/// Tells once that a connection without a pin has sent what rules hold, after a packet with payload where there is such. Its
/// entry is locked. Any context.
#[inline]
pub fn notify_waiting(net: &NetState, entry: &Entry, tracked: &mut Tracked) {
    if !tracked.flags.has(Flags::WAITING_TOLD) {
        waits(net, entry, tracked);
    }
}

#[cold]
fn waits(net: &NetState, entry: &Entry, tracked: &mut Tracked) {
    tracked.flags.set(Flags::WAITING_TOLD);
    let has_pin = net.pins.lock().of_mark(tracked.ct.mark()).is_some();
    if !has_pin {
        events::connection(net, ConnectionEvent::DataWaiting, entry, tracked);
    }
}

#[cold]
fn became(net: &NetState, entry: &Entry, tracked: &mut Tracked, state: State) {
    tracked.told.state = state;
    let event = match state {
        State::New | State::Hello | State::Handshake => return,
        State::Established => {
            if tracked.identity().resumed == Some(true) {
                events::connection(net, ConnectionEvent::Resumed, entry, tracked);
            }
            ConnectionEvent::Established
        }
        State::Closed => ConnectionEvent::Closed,
        State::NotTls | State::Lost | State::Tainted => {
            if let Some(counter) = Counter::of(tracked.connection.reason()) {
                net.counters.count(counter);
            }
            match state {
                State::Lost => ConnectionEvent::Lost,
                State::Tainted => ConnectionEvent::Tainted,
                _ => return,
            }
        }
    };
    events::connection(net, event, entry, tracked);
}

fn found_again(net: &NetState, tracked: &mut Tracked) {
    let now = tracked.connection.resynchronised();
    let more = now.saturating_sub(tracked.told.resynchronised);
    net.counters.add(Counter::Resynchronised, more.into());
    tracked.told.resynchronised = now;
}
