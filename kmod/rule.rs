// SPDX-License-Identifier: GPL-2.0-only

//! The match: whether a packet fits a rule, and whether a rule is one.
//!
//! It looks up what the tracker has stored and parses no payload.

use crate::{
    bindings::{
        XT_TLSCONN_ALL, XT_TLSCONN_PINNED, XT_TLSCONN_RECORD_TYPE, XT_TLSCONN_STATE,
        XT_TLSCONN_STATES_ALL, XT_TLSCONN_TYPES_ALL, XT_TLSCONN_WIRE,
    },
    packet::Tcp,
    sys::{
        conntrack::Conntrack,
        pernet::NetState,
        skb::Skb,
        xt::{MatchInfo, Reason},
    },
    tls::{PacketTypes, Payload, Side, State, Types},
    tracker::is_opening,
};
use kernel::sync::rcu;

/// The conditions that this version knows.
const CONDITIONS: u32 = XT_TLSCONN_RECORD_TYPE | XT_TLSCONN_STATE | XT_TLSCONN_PINNED;

/// Checks a rule that user space hands over: every field, as it may have been written by anybody.
pub fn check(info: &MatchInfo) -> Result<(), Reason> {
    if info.match_ & !CONDITIONS != 0 || info.reserved != 0 {
        return Err(c"a rule has a condition that this module does not know: update xt_tlsconn");
    }
    if info.match_ == 0 {
        return Err(c"a rule has no condition: give one");
    }
    if info.invert & !info.match_ != 0 {
        return Err(c"a rule inverts a condition that it does not have");
    }
    check_types(info)?;
    check_states(info)?;
    check_pin_mark(info)?;
    if !is_zero_beyond(info) {
        return Err(c"a rule sets a field of a condition that it does not have");
    }
    Ok(())
}

fn check_types(info: &MatchInfo) -> Result<(), Reason> {
    if info.match_ & XT_TLSCONN_RECORD_TYPE == 0 {
        return if info.types == 0 && info.flags == 0 {
            Ok(())
        } else {
            Err(c"a rule has record types but no condition on them")
        };
    }
    if info.types == 0 || u32::from(info.types) & !XT_TLSCONN_TYPES_ALL != 0 {
        return Err(c"a rule has an unknown record type, or none");
    }
    if u32::from(info.flags) & !(XT_TLSCONN_WIRE | XT_TLSCONN_ALL) != 0 {
        return Err(c"a rule has an unknown flag");
    }
    Ok(())
}

fn check_states(info: &MatchInfo) -> Result<(), Reason> {
    let wanted = info.match_ & XT_TLSCONN_STATE != 0;
    if wanted != (info.states != 0) || u32::from(info.states) & !XT_TLSCONN_STATES_ALL != 0 {
        return Err(c"a rule has an unknown state, or none");
    }
    Ok(())
}

fn check_pin_mark(info: &MatchInfo) -> Result<(), Reason> {
    let wanted = info.match_ & XT_TLSCONN_PINNED != 0;
    if wanted != (info.pin_mask != 0) || info.pin_mark & !info.pin_mask != 0 {
        return Err(c"a rule's pin mark has no mask, or bits outside of it");
    }
    Ok(())
}

/// Whether all fields of conditions that this version does not know are zero.
fn is_zero_beyond(info: &MatchInfo) -> bool {
    let octets = [
        info.session_id_len,
        info.client_random_len,
        info.server_random_len,
        info.sni_len,
        info.alpn_len,
    ];
    let is_zero = |octets: &[u8]| octets.iter().all(|&octet| octet == 0);
    info.version_min == 0
        && info.version_max == 0
        && is_zero(&octets)
        && is_zero(&info.session_id)
        && is_zero(&info.client_random)
        && is_zero(&info.server_random)
        && is_zero(&info.sni)
        && is_zero(&info.alpn)
}

/// Whether a packet fits a rule. Softirq or process context.
pub fn matches(info: &MatchInfo, net: &NetState, skb: Skb<'_>) -> bool {
    let ct = skb.conntrack();
    holds(info, XT_TLSCONN_PINNED, || is_pinned(info, ct)) && holds_stored(info, net, ct, skb)
}

/// Whether a condition is not asked for, or comes out as asked for.
fn holds(info: &MatchInfo, condition: u32, is_true: impl FnOnce() -> bool) -> bool {
    info.match_ & condition == 0 || is_true() != (info.invert & condition != 0)
}

/// The mark and nothing else, so that `-m connmark` and the others agree.
fn is_pinned(info: &MatchInfo, ct: Option<(&Conntrack, Side)>) -> bool {
    ct.is_some_and(|(ct, _)| ct.mark() & info.pin_mask == info.pin_mark)
}

/// The conditions on what the tracker has stored.
fn holds_stored(
    info: &MatchInfo,
    net: &NetState,
    ct: Option<(&Conntrack, Side)>,
    skb: Skb<'_>,
) -> bool {
    if info.match_ & (XT_TLSCONN_RECORD_TYPE | XT_TLSCONN_STATE) == 0 {
        return true;
    }
    let (types, state) = match Tcp::new(skb) {
        Some(tcp) => stored(net, ct, &tcp),
        // Part of a packet that nobody has put together.
        None => (PacketTypes::both(Types::UNKNOWN), State::Lost),
    };
    holds(info, XT_TLSCONN_RECORD_TYPE, || has_types(info, types))
        && holds(info, XT_TLSCONN_STATE, || {
            u32::from(info.states) >> state as u8 & 1 != 0
        })
}

/// A packet's types and its connection's state.
fn stored(net: &NetState, ct: Option<(&Conntrack, Side)>, tcp: &Tcp<'_>) -> (PacketTypes, State) {
    let len = tcp.payload.len();
    let without = PacketTypes::both(if len == 0 {
        Types::NONE
    } else {
        Types::UNKNOWN
    });
    let Some((ct, from)) = ct else {
        return (without, State::Lost);
    };
    let rcu = rcu::read_lock();
    let entry = net.table.find(ct, &rcu);
    let locked = entry.map(|entry| entry.lock());
    match locked.as_ref().and_then(|locked| locked.as_ref()) {
        Some(tracked) => (
            tracked.connection.types(from, tcp.first_octet(), len),
            tracked.connection.state(),
        ),
        None => (without, state_without_record(ct, len)),
    }
}

/// A tracked packet without a record is `new` if its entry began with a SYN. With payload it would have a record, if
/// there had been room for one.
fn state_without_record(ct: &Conntrack, len: u32) -> State {
    if len == 0 && (is_opening(ct) || !ct.is_picked_up()) {
        State::New
    } else {
        State::Lost
    }
}

fn has_types(info: &MatchInfo, types: PacketTypes) -> bool {
    let wire = u32::from(info.flags) & XT_TLSCONN_WIRE != 0;
    let all = u32::from(info.flags) & XT_TLSCONN_ALL != 0;
    let found = u16::from(if wire { types.wire } else { types.content }.0);
    if all {
        found & !info.types == 0
    } else {
        found & info.types != 0
    }
}
