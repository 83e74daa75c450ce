// SPDX-License-Identifier: GPL-2.0-only

//! Which of iptables' tables a rule may be in: some are met when nothing can be known yet.

use crate::{
    bindings::{xt_tlsconn_mtinfo as MatchInfo, XT_TLSCONN_PINNED},
    check::Reason,
    sys::xt::Table,
};

/// Checks that a rule has sense in a table; an error says where it has. Process context.
pub fn check_table(info: &MatchInfo, table: Table<'_>) -> Result<(), Reason> {
    if table.is(c"nat") {
        return Err(c"the nat table sees a connection's first packet only, before any hello: use the filter or mangle table");
    }
    if table.is(c"raw") && info.match_ != XT_TLSCONN_PINNED {
        return Err(c"the raw table comes before conntrack, where all but --pinned is unknown: use the filter or mangle table");
    }
    Ok(())
}
