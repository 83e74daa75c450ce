// SPDX-License-Identifier: GPL-2.0-only

//! A rule written back as options, always in the same form whatever way it was typed.

use tlsconn_uapi as uapi;
use tlsconn_values::hex;
use uapi::xt_tlsconn_mtinfo;

use crate::{
    alpn,
    mark::Mark,
    options::DEFAULT_PIN_MARK,
    version,
    words::{STATES, TYPES},
};

/// How a condition is written.
struct Condition {
    bit: u32,
    option: &'static str,
    /// The option's argument.
    argument: Option<fn(&xt_tlsconn_mtinfo) -> String>,
}

impl Condition {
    const fn flag(bit: u32, option: &'static str) -> Self {
        Condition {
            bit,
            option,
            argument: None,
        }
    }

    const fn with(
        bit: u32,
        option: &'static str,
        argument: fn(&xt_tlsconn_mtinfo) -> String,
    ) -> Self {
        Condition {
            bit,
            option,
            argument: Some(argument),
        }
    }
}

const CONDITIONS: [Condition; 12] = [
    Condition::with(uapi::XT_TLSCONN_RECORD_TYPE, "record-type", |info| {
        TYPES.print(info.types)
    }),
    Condition::with(uapi::XT_TLSCONN_STATE, "state", |info| {
        STATES.print(info.states)
    }),
    Condition::flag(uapi::XT_TLSCONN_PINNED, "pinned"),
    Condition::with(uapi::XT_TLSCONN_TLS_VERSION, "tls-version", |info| {
        version::print(info.version_min, info.version_max)
    }),
    Condition::flag(uapi::XT_TLSCONN_RESUMED, "resumed"),
    Condition::with(uapi::XT_TLSCONN_SNI, "sni", |info| {
        // What the kernel lets in needs no escapes.
        alpn::print(front(&info.sni, info.sni_len))
    }),
    Condition::flag(uapi::XT_TLSCONN_NO_SNI, "no-sni"),
    Condition::with(uapi::XT_TLSCONN_ALPN, "alpn", |info| {
        alpn::print(front(&info.alpn, info.alpn_len))
    }),
    Condition::flag(uapi::XT_TLSCONN_ECH, "ech"),
    Condition::with(uapi::XT_TLSCONN_SESSION_ID, "session-id", |info| {
        hex::print(front(&info.session_id, info.session_id_len))
    }),
    Condition::with(uapi::XT_TLSCONN_CLIENT_RANDOM, "client-random", |info| {
        hex::print(front(&info.client_random, info.client_random_len))
    }),
    Condition::with(uapi::XT_TLSCONN_SERVER_RANDOM, "server-random", |info| {
        hex::print(front(&info.server_random, info.server_random_len))
    }),
];

/// The octets of a field that count; none where the length is longer than the field, as the kernel never has it.
fn front(field: &[u8], len: u8) -> &[u8] {
    field.get(..usize::from(len)).unwrap_or_default()
}

/// The options that say how a condition is meant, with their arguments.
fn details(info: &xt_tlsconn_mtinfo, condition: u32) -> Vec<String> {
    let mut given = Vec::new();
    if condition == uapi::XT_TLSCONN_RECORD_TYPE {
        if u32::from(info.flags) & uapi::XT_TLSCONN_WIRE != 0 {
            given.push("wire".to_owned());
        }
        if u32::from(info.flags) & uapi::XT_TLSCONN_ALL != 0 {
            given.push("all".to_owned());
        }
    }
    if condition == uapi::XT_TLSCONN_PINNED {
        let mark = Mark {
            value: info.pin_mark,
            mask: info.pin_mask,
        };
        if mark != DEFAULT_PIN_MARK {
            given.push(format!("pin-mark {}", mark.print()));
        }
    }
    given
}

/// Whether a rule from the kernel says more than this version can write: options would be lost.
pub(crate) fn is_newer(info: &xt_tlsconn_mtinfo) -> bool {
    let known = CONDITIONS
        .iter()
        .fold(0, |bits, condition| bits | condition.bit);
    (info.match_ | info.invert) & !known != 0
        || u32::from(info.flags) & !(uapi::XT_TLSCONN_WIRE | uapi::XT_TLSCONN_ALL) != 0
        || u32::from(info.types) & !uapi::XT_TLSCONN_TYPES_ALL != 0
        || u32::from(info.states) & !uapi::XT_TLSCONN_STATES_ALL != 0
        || info.reserved != 0
        || (info.match_ & uapi::XT_TLSCONN_TLS_VERSION != 0
            && ![info.version_min, info.version_max]
                .into_iter()
                .all(version::is_known))
}

/// The rule's conditions with a space in front of each word. `dashes` stand in front of an option's name: `--` where
/// iptables shall read it back, nothing in a listing.
pub(crate) fn options(info: &xt_tlsconn_mtinfo, dashes: &str) -> String {
    let mut text = String::new();
    for condition in CONDITIONS
        .iter()
        .filter(|condition| info.match_ & condition.bit != 0)
    {
        if info.invert & condition.bit != 0 {
            text += " !";
        }
        text += &format!(" {dashes}{}", condition.option);
        if let Some(argument) = condition.argument {
            text += &format!(" {}", argument(info));
        }
        for detail in details(info, condition.bit) {
            text += &format!(" {dashes}{detail}");
        }
    }
    text
}
