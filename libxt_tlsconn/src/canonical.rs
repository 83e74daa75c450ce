// SPDX-License-Identifier: GPL-2.0-only

//! A rule written back as options, always in the same form whatever way it was typed.

use tlsconn_uapi as uapi;
use uapi::xt_tlsconn_mtinfo;

use crate::{
    mark::Mark,
    options::DEFAULT_PIN_MARK,
    words::{STATES, TYPES},
};

/// How a condition is written.
struct Condition {
    bit: u32,
    option: &'static str,
    /// The option's argument.
    argument: Option<fn(&xt_tlsconn_mtinfo) -> String>,
    /// The options that say how it is meant, with their arguments.
    details: fn(&xt_tlsconn_mtinfo) -> Vec<String>,
}

const CONDITIONS: &[Condition] = &[
    Condition {
        bit: uapi::XT_TLSCONN_RECORD_TYPE,
        option: "record-type",
        argument: Some(|info| TYPES.print(info.types)),
        details: |info| {
            let flags = [
                (uapi::XT_TLSCONN_WIRE, "wire"),
                (uapi::XT_TLSCONN_ALL, "all"),
            ];
            let given = flags
                .iter()
                .filter(|(flag, _)| u32::from(info.flags) & flag != 0);
            given.map(|&(_, name)| name.to_owned()).collect()
        },
    },
    Condition {
        bit: uapi::XT_TLSCONN_STATE,
        option: "state",
        argument: Some(|info| STATES.print(info.states)),
        details: |_| Vec::new(),
    },
    Condition {
        bit: uapi::XT_TLSCONN_PINNED,
        option: "pinned",
        argument: None,
        details: |info| {
            let mark = Mark {
                value: info.pin_mark,
                mask: info.pin_mask,
            };
            if mark == DEFAULT_PIN_MARK {
                Vec::new()
            } else {
                vec![format!("pin-mark {}", mark.print())]
            }
        },
    },
];

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
        for detail in (condition.details)(info) {
            text += &format!(" {dashes}{detail}");
        }
    }
    text
}
