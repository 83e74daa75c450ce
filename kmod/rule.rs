// SPDX-License-Identifier: GPL-2.0-only

//! The match: whether a packet fits a rule.
//!
//! It looks up what the tracker has stored and parses no payload.

use crate::{
    bindings::{
        xt_tlsconn_mtinfo as MatchInfo, IPPROTO_TCP, XT_TLSCONN_ALL, XT_TLSCONN_JA4,
        XT_TLSCONN_PINNED, XT_TLSCONN_RECORD_TYPE, XT_TLSCONN_SNI_SET, XT_TLSCONN_STATE,
        XT_TLSCONN_WIRE,
    },
    check::check,
    fingerprint::AskedByRule,
    hellos,
    known::Known,
    namespace::{NetState, Tracker},
    packet::Tcp,
    sets::{Name, Use},
    sys::{
        conntrack::{self, Conntrack, Direction},
        rcu::Reader,
        skb::Skb,
        xt::{Match, Matches, Refusal, Table},
    },
    tables::check_table,
    tls::{Connection, PacketTypes, Payload, Side, State, Types},
};
use core::{ffi::CStr, mem::offset_of, ops::Deref};
use kernel::prelude::*;

/// The match.
pub struct Tlsconn;

static MATCHES: Matches<Tlsconn> = Matches::unregistered();

impl Match for Tlsconn {
    type Info = MatchInfo;
    type State = Tracker;
    type Held = KBox<Holds>;
    const NAME: &'static CStr = c"tlsconn";
    const PROTOCOL: u16 = IPPROTO_TCP as u16;
    const HELD_AT: usize = offset_of!(MatchInfo, held);

    fn matches() -> &'static Matches<Self> {
        &MATCHES
    }

    #[inline(always)]
    fn fast_path(info: &MatchInfo, skb: Skb<'_>, tcp: u32) -> Option<bool> {
        fast_path_matches(info, skb, tcp)
    }

    fn fits<'a>(
        info: &MatchInfo,
        held: Option<&KBox<Holds>>,
        net: impl Fn() -> &'a NetState,
        skb: Skb<'_>,
        tcp: u32,
    ) -> bool {
        let set = held.and_then(|held| held.set.as_ref());
        matches(info, set, net, skb, tcp)
    }

    fn check(
        info: &MatchInfo,
        net: &NetState,
        table: Table<'_>,
    ) -> Result<Option<KBox<Holds>>, Refusal> {
        let invalid = |why| (EINVAL, why);
        check(info).map_err(invalid)?;
        check_table(info, table).map_err(invalid)?;
        let asks = |condition| info.match_ & condition != 0;
        if !asks(XT_TLSCONN_SNI_SET | XT_TLSCONN_JA4) {
            return Ok(None);
        }
        let set = asks(XT_TLSCONN_SNI_SET).then(|| set_of(info, net));
        let holds = Holds {
            set: set.transpose()?,
            _ja4: asks(XT_TLSCONN_JA4).then(|| AskedByRule::new(&net.ja4)),
        };
        let memory = |_| (ENOMEM, c"there is no memory for the rule");
        KBox::new(holds, GFP_KERNEL).map(Some).map_err(memory)
    }
}

/// What a rule holds as long as it is there.
pub struct Holds {
    set: Option<Use>,
    _ja4: Option<AskedByRule>,
}

/// The set that a rule names. Process context.
fn set_of(info: &MatchInfo, net: &NetState) -> Result<Use, Refusal> {
    let name = info.sni_set.get(..usize::from(info.sni_set_len));
    let set = name
        .and_then(Name::new)
        .and_then(|name| net.sets.use_of(name));
    set.ok_or((
        ENOENT,
        c"--sni-set: there is no set of that name: make it first, with tlsconnctl set load",
    ))
}

/// Whether a packet fits a rule, whose TCP header is at `tcp` after the network header. Softirq or process context.
fn matches<'a>(
    info: &MatchInfo,
    set: Option<&Use>,
    net: impl Fn() -> &'a NetState,
    skb: Skb<'_>,
    tcp: u32,
) -> bool {
    holds(info, XT_TLSCONN_PINNED, || {
        is_pinned(info, skb.conntrack().map(|(ct, _)| ct))
    }) && holds_stored(info, &net, skb, tcp)
        && (!hellos::are_asked(info) || hellos::hold(info, set.map(Deref::deref), net(), skb))
}

/// The same for a rule that asks for types by content and nothing else, as most do, and a packet that the tracker has
/// just seen; None for others.
#[inline(always)]
fn fast_path_matches(info: &MatchInfo, skb: Skb<'_>, tcp: u32) -> Option<bool> {
    // One comparison, as they lie side by side; a rule that does not ask for states has none.
    let asked = u64::from(info.match_) | u64::from(info.flags) << 32 | u64::from(info.states) << 48;
    if asked != u64::from(XT_TLSCONN_RECORD_TYPE) {
        return None;
    }
    let content = u16::from(Known::lookup(skb, tcp)?.content().0);
    Some((content & info.types != 0) != (info.invert != 0))
}

/// Whether a condition is not asked for, or comes out as asked for.
fn holds(info: &MatchInfo, condition: u32, is_true: impl FnOnce() -> bool) -> bool {
    info.match_ & condition == 0 || is_true() != (info.invert & condition != 0)
}

/// The mark and nothing else, so that `-m connmark` and the others agree.
fn is_pinned(info: &MatchInfo, ct: Option<&Conntrack>) -> bool {
    ct.is_some_and(|ct| ct.mark() & info.pin_mask == info.pin_mark)
}

/// The conditions on what the tracker has stored.
#[inline]
fn holds_stored<'a>(
    info: &MatchInfo,
    net: impl FnOnce() -> &'a NetState,
    skb: Skb<'_>,
    tcp: u32,
) -> bool {
    if info.match_ & (XT_TLSCONN_RECORD_TYPE | XT_TLSCONN_STATE) == 0 {
        return true;
    }
    let known = match Known::lookup(skb, tcp) {
        Some(known) => known,
        None => looked_up(net(), skb),
    };
    holds(info, XT_TLSCONN_RECORD_TYPE, || has_types(info, known))
        && holds(info, XT_TLSCONN_STATE, || info.states & known.state() != 0)
}

/// A packet's types and its connection's state, from the table.
#[cold]
fn looked_up(net: &NetState, skb: Skb<'_>) -> Known {
    let (types, state) = match Tcp::new(skb) {
        Some(tcp) => stored(net, skb.conntrack(), &tcp),
        // Part of a packet that nobody has put together.
        None => (PacketTypes::both(Types::UNKNOWN), State::Lost),
    };
    Known::new(types, state)
}

/// Types and state by the table. Softirq or process context; no lock is held.
pub fn stored(
    net: &NetState,
    ct: Option<(&Conntrack, Direction)>,
    tcp: &Tcp<'_>,
) -> (PacketTypes, State) {
    let len = tcp.payload.len();
    let without = PacketTypes::both(if len == 0 {
        Types::NONE
    } else {
        Types::UNKNOWN
    });
    let Some((ct, direction)) = ct else {
        return (without, State::Lost);
    };
    let from = direction.into();
    let rcu = Reader::begin();
    let entry = net.table.find(ct, &rcu);
    let locked = entry.map(|entry| entry.lock());
    match locked.as_ref().and_then(|locked| locked.get()) {
        Some(tracked) => {
            let connection = &tracked.connection;
            let is_part = !(tcp.is_syn() || tcp.is_syn_ack()) || opens(ct, from, tcp, connection);
            let types = match is_part || len == 0 {
                true => connection.types(from, tcp.first_byte(), len),
                false => without,
            };
            (types, connection.state())
        }
        None => without_record(net, ct, from, tcp),
    }
}

/// Whether a SYN or SYN-ACK with payload opens that connection. Conntrack lets others pass, whose bytes have numbers of
/// their own.
fn opens(ct: &Conntrack, from: Side, tcp: &Tcp<'_>, connection: &Connection) -> bool {
    let in_time = match tcp.is_syn_ack() {
        true => from == Side::Dst && ct.tcp_state() == conntrack::SYN_RECV,
        false => from == Side::Src && ct.is_opening(),
    };
    in_time && connection.begins_at(from, tcp.first_byte())
}

/// What is known of a tracked packet without a record. It is `new` if its entry began with a SYN; data on a SYN that nobody
/// has answered is kept apart. With other payload it would have a record, if there had been room for one and its entry was
/// confirmed. Softirq or process context; no lock is held.
pub fn without_record(
    net: &NetState,
    ct: &Conntrack,
    from: Side,
    tcp: &Tcp<'_>,
) -> (PacketTypes, State) {
    let len = tcp.payload.len();
    if len > 0 && tcp.is_syn() && from == Side::Src && ct.is_opening() {
        return net.syns.with(|syns| syns.known(ct, tcp.first_byte(), len));
    }
    match len {
        0 if ct.is_opening() || !ct.is_picked_up() => (PacketTypes::both(Types::NONE), State::New),
        0 => (PacketTypes::both(Types::NONE), State::Lost),
        _ => (PacketTypes::both(Types::UNKNOWN), State::Lost),
    }
}

fn has_types(info: &MatchInfo, known: Known) -> bool {
    let wire = u32::from(info.flags) & XT_TLSCONN_WIRE != 0;
    let all = u32::from(info.flags) & XT_TLSCONN_ALL != 0;
    let found = match wire {
        true => known.wire(),
        false => known.content(),
    };
    let found = u16::from(found.0);
    if all {
        found & !info.types == 0
    } else {
        found & info.types != 0
    }
}
