// SPDX-License-Identifier: GPL-2.0-only

//! What nft can express of a rule, for iptables-translate.

use tlsconn_uapi as uapi;
use uapi::xt_tlsconn_mtinfo;

/// The rule as an nft expression; none if nft has no words for it.
///
/// nft has no match of ours, but it reads the connection mark, which is all that `--pinned` is. Not `! --pinned`, which
/// holds for packets that conntrack has no entry for: there every comparison with `ct mark` is false.
pub(crate) fn expression(info: &xt_tlsconn_mtinfo) -> Option<String> {
    if info.match_ != uapi::XT_TLSCONN_PINNED || info.invert != 0 {
        return None;
    }
    let (mark, mask) = (info.pin_mark, info.pin_mask);
    Some(match mask {
        // As connmark's translation is written.
        u32::MAX => format!("ct mark {mark:#x}"),
        _ => format!("ct mark and {mask:#x} == {mark:#x}"),
    })
}
