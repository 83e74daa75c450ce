// SPDX-License-Identifier: GPL-2.0-only

//! A rule written back as options, always in the same form whatever way it was typed.

use tlsconn_uapi as uapi;
use uapi::xt_tlsconn_mtinfo;

use crate::{
    options::{FLAGS, OPTIONS},
    version,
};

/// Whether a rule from the kernel says more than this version can write: options would be lost.
pub(crate) fn is_newer(info: &xt_tlsconn_mtinfo) -> bool {
    let known = OPTIONS
        .iter()
        .fold(0, |bits, option| bits | option.condition);
    (info.match_ | info.invert) & !known != 0
        || u32::from(info.flags) & !FLAGS != 0
        || u32::from(info.types) & !uapi::XT_TLSCONN_TYPES_ALL != 0
        || u32::from(info.states) & !uapi::XT_TLSCONN_STATES_ALL != 0
        || (info.match_ & uapi::XT_TLSCONN_TLS_VERSION != 0
            && ![info.version_min, info.version_max]
                .into_iter()
                .all(version::is_known))
}

/// The rule's conditions with a space before each word. `dashes` stand before an option's name: `--` where iptables shall
/// read it back, nothing in a listing.
pub(crate) fn options(info: &xt_tlsconn_mtinfo, dashes: &str) -> String {
    let mut text = String::new();
    for option in OPTIONS
        .iter()
        .filter(|option| info.match_ & option.condition != 0)
    {
        let Some(value) = (option.print)(info) else {
            continue;
        };
        if !option.is_detail && info.invert & option.condition != 0 {
            text += " !";
        }
        text += &format!(" {dashes}{}", option.name());
        if !option.value.is_empty() {
            text += &format!(" {value}");
        }
    }
    text
}
