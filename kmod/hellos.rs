// SPDX-License-Identifier: GPL-2.0-only

//! A rule's conditions on what the hellos said, which the engine answers (`tls::Hellos`).

use crate::{
    bindings::{
        xt_tlsconn_mtinfo as MatchInfo, XT_TLSCONN_ALPN, XT_TLSCONN_CLIENT_RANDOM, XT_TLSCONN_ECH,
        XT_TLSCONN_NO_SNI, XT_TLSCONN_RESUMED, XT_TLSCONN_SERVER_RANDOM, XT_TLSCONN_SESSION_ID,
        XT_TLSCONN_SNI, XT_TLSCONN_TLS_VERSION,
    },
    namespace::NetState,
    packet::Tcp,
    rule::without_record,
    sys::{rcu::Reader, skb::Skb},
    tls::{Answer, Hellos, IdentityRef},
};

const CONDITIONS: u32 = XT_TLSCONN_TLS_VERSION
    | XT_TLSCONN_RESUMED
    | XT_TLSCONN_SNI
    | XT_TLSCONN_NO_SNI
    | XT_TLSCONN_ALPN
    | XT_TLSCONN_ECH
    | XT_TLSCONN_SESSION_ID
    | XT_TLSCONN_CLIENT_RANDOM
    | XT_TLSCONN_SERVER_RANDOM;

/// Whether a rule has a condition on them.
#[inline]
pub fn are_asked(info: &MatchInfo) -> bool {
    info.match_ & CONDITIONS != 0
}

/// Whether a packet fits a rule's conditions on the hellos. Where there is no connection they are false, with `!` too.
/// Softirq or process context.
#[cold]
pub fn hold(info: &MatchInfo, net: &NetState, skb: Skb<'_>) -> bool {
    let (Some(tcp), Some((ct, direction))) = (Tcp::new(skb), skb.conntrack()) else {
        return false;
    };
    let rcu = Reader::begin();
    let entry = net.table.find(ct, &rcu);
    let locked = entry.map(|entry| entry.lock());
    hold_of(
        info,
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

fn hold_of(info: &MatchInfo, hellos: &Hellos<'_>) -> bool {
    let holds = |condition: u32, answer: &dyn Fn() -> Answer| {
        info.match_ & condition == 0 || answer().holds(info.invert & condition != 0)
    };
    holds(XT_TLSCONN_TLS_VERSION, &|| {
        hellos.version_is_between(info.version_min, info.version_max)
    }) && holds(XT_TLSCONN_RESUMED, &|| hellos.is_resumed())
        && holds(XT_TLSCONN_NO_SNI, &|| hellos.has_no_sni())
        && holds(XT_TLSCONN_ECH, &|| hellos.offers_ech())
        && holds(XT_TLSCONN_SESSION_ID, &|| {
            hellos.session_id_begins(front(&info.session_id, info.session_id_len))
        })
        && holds(XT_TLSCONN_CLIENT_RANDOM, &|| {
            hellos.client_random_begins(front(&info.client_random, info.client_random_len))
        })
        && holds(XT_TLSCONN_SERVER_RANDOM, &|| {
            hellos.server_random_begins(front(&info.server_random, info.server_random_len))
        })
        && holds(XT_TLSCONN_ALPN, &|| {
            hellos.alpn_is(front(&info.alpn, info.alpn_len))
        })
        && holds(XT_TLSCONN_SNI, &|| {
            hellos.sni_fits(front(&info.sni, info.sni_len))
        })
}

/// The bytes of a field that count. Its length was checked when the rule came in.
fn front(field: &[u8], len: u8) -> &[u8] {
    field.get(..usize::from(len)).unwrap_or(field)
}
