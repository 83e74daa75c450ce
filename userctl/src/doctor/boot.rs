// SPDX-License-Identifier: GPL-2.0-only

//! What a boot, or a run of `batch --fail-closed`, has left.

use std::fs;

use super::{finding::Finding, host::Host};

/// What tlsconn.service runs.
const FILE: &str = "/etc/tlsconn/tlsconn.conf";

/// No table stands in for rules that could not be loaded. Nothing is said where there is none.
pub(super) fn guard(host: &Host) -> Vec<Finding> {
    let mut rules = host.nft.iter();
    if !rules.any(|rule| rule.chain.starts_with("inet tlsconn-guard ")) {
        return Vec::new();
    }
    // It takes the table away once what holds in its place is there.
    let fix = fs::exists(FILE)
        .unwrap_or(false)
        .then(|| format!("tlsconnctl batch --fail-closed {FILE}"));
    vec![Finding {
        check: "boot",
        ok: Some(false),
        detail: "nft's table inet tlsconn-guard drops what the boot file's rules are about, handshakes and pinned connections too: \
                 `tlsconnctl batch --fail-closed` has not run all lines (`systemctl status tlsconn` says why)"
            .into(),
        fix,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::nft::NftRule;

    #[test]
    fn a_table_that_stands_in() {
        let of = |table: &str| Host {
            nft: vec![NftRule {
                chain: format!("inet {table} forward"),
                handle: "2".into(),
                text: "meta l4proto tcp drop".into(),
            }],
            ..Host::default()
        };
        assert!(guard(&of("tlsconn-guard"))[0].is_wrong());
        assert_eq!(guard(&of("tlsconn")), []);
    }
}
