// SPDX-License-Identifier: GPL-2.0-only

//! A rule's conditions on what the hellos said, which the engine answers (`tls::Hellos`), and the rule's set.

use crate::{
    bindings::{self, xt_tlsconn_mtinfo as MatchInfo},
    namespace::NetState,
    packet::Tcp,
    rule::without_record,
    sets::Set,
    sys::{rcu::Reader, skb::Skb},
    tls::{begins, Answer, Hellos, IdentityRef},
};

macro_rules! options {
    ($({ $variant:ident $condition:ident $word:literal [$($value:tt)+] [$($answer:tt)+] $($more:tt)* })+) => {
        const CONDITIONS: u32 = $(bit!($condition $($answer)+))|+;

        fn hold_of(info: &MatchInfo, set: Option<&Set>, hellos: &Hellos<'_>) -> bool {
            let holds = |condition: u32, answer: &dyn Fn() -> Answer| {
                info.match_ & condition == 0 || answer().holds(info.invert & condition != 0)
            };
            // Patterns and sets take more time than all the others; what the others rule out is no hit of a set.
            $(term!(short holds hellos info set $condition [$($value)+] $($answer)+))&&+
                && $(term!(long holds hellos info set $condition [$($value)+] $($answer)+))&&+
                && $(term!(last holds hellos info set $condition [$($value)+] $($answer)+))&&+
        }
    };
}

/// The bit of a condition on a hello.
macro_rules! bit {
    ($condition:ident packet) => {
        0
    };
    ($condition:ident mark) => {
        0
    };
    ($condition:ident detail) => {
        0
    };
    ($condition:ident $who:ident $what:ident) => {
        bindings::$condition
    };
}

/// Whether a condition holds, in the one of three passes that it belongs to.
macro_rules! term {
    // What is not asked of hellos.
    ($pass:ident $holds:ident $hellos:ident $info:ident $set:ident $condition:ident $value:tt $other:ident) => { true };
    (long $holds:ident $hellos:ident $info:ident $set:ident $condition:ident [pattern $($fields:ident)+] $($answer:ident)+) => {
        $holds(bindings::$condition, &|| answer!($hellos $info [pattern $($fields)+] $($answer)+))
    };
    (long $holds:ident $hellos:ident $info:ident $set:ident $condition:ident [fingerprint $($fields:ident)+] $($answer:ident)+) => {
        $holds(bindings::$condition, &|| answer!($hellos $info [pattern $($fields)+] $($answer)+))
    };
    (last $holds:ident $hellos:ident $info:ident $set:ident $condition:ident [set $($fields:ident)+] set $known:ident) => {
        $holds(bindings::$condition, &|| {
            let is_hit = |name| $set.is_some_and(|set| set.is_hit(name));
            $hellos.client_field($hellos.identity.$known.map(is_hit))
        })
    };
    ($pass:ident $holds:ident $hellos:ident $info:ident $set:ident $condition:ident [pattern $($fields:ident)+] $($answer:ident)+) => { true };
    ($pass:ident $holds:ident $hellos:ident $info:ident $set:ident $condition:ident [fingerprint $($fields:ident)+] $($answer:ident)+) => { true };
    ($pass:ident $holds:ident $hellos:ident $info:ident $set:ident $condition:ident [set $($fields:ident)+] $($answer:ident)+) => { true };
    (short $holds:ident $hellos:ident $info:ident $set:ident $condition:ident $value:tt $($answer:ident)+) => {
        $holds(bindings::$condition, &|| answer!($hellos $info $value $($answer)+))
    };
    ($pass:ident $holds:ident $hellos:ident $info:ident $set:ident $condition:ident $value:tt $($answer:ident)+) => { true };
}

/// The answer to a condition.
macro_rules! answer {
    ($hellos:ident $info:ident [flag] ask $question:ident) => { $hellos.$question() };
    ($hellos:ident $info:ident [versions $min:ident $max:ident] ask $question:ident) => {
        $hellos.$question($info.$min, $info.$max)
    };
    ($hellos:ident $info:ident [$kind:ident $field:ident $len:ident] ask $question:ident) => {
        $hellos.$question(front(&$info.$field, $info.$len))
    };
    ($hellos:ident $info:ident $value:tt client $field:ident) => {
        $hellos.client_field(compared!($hellos $info $value $field))
    };
    ($hellos:ident $info:ident $value:tt server $field:ident) => {
        $hellos.server_field(compared!($hellos $info $value $field))
    };
}

/// What a field of the identity says of an option's value.
macro_rules! compared {
    ($hellos:ident $info:ident [flag] $known:ident) => {
        $hellos.identity.$known
    };
    ($hellos:ident $info:ident [prefix $field:ident $len:ident] $known:ident) => {
        begins($hellos.identity.$known, front(&$info.$field, $info.$len))
    };
}

crate::match_options! { options }

/// Whether a rule has a condition on them.
#[inline]
pub fn are_asked(info: &MatchInfo) -> bool {
    info.match_ & CONDITIONS != 0
}

/// Whether a packet fits a rule's conditions on the hellos. Where there is no connection they are false, with `!` too.
/// Softirq or process context.
#[cold]
pub fn hold(info: &MatchInfo, set: Option<&Set>, net: &NetState, skb: Skb<'_>) -> bool {
    let (Some(tcp), Some((ct, direction))) = (Tcp::new(skb), skb.conntrack()) else {
        return false;
    };
    let rcu = Reader::begin();
    let entry = net.table.find(ct, &rcu);
    let locked = entry.map(|entry| entry.lock());
    hold_of(
        info,
        set,
        &match locked.as_ref().and_then(|locked| locked.get()) {
            Some(tracked) => Hellos {
                state: tracked.connection.state(),
                identity: tracked.identity(),
            },
            None => Hellos {
                state: without_record(net, ct, direction.into(), &tcp).1,
                identity: IdentityRef::default(),
            },
        },
    )
}

/// The bytes of a field that count. Its length was checked when the rule came in.
fn front(field: &[u8], len: u8) -> &[u8] {
    field.get(..usize::from(len)).unwrap_or(field)
}
