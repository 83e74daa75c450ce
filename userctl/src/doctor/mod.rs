// SPDX-License-Identifier: GPL-2.0-only

//! What is missing for tlsconn to work here: checks over what this machine says of itself, each with the command that
//! mends what it finds.

mod host;
mod iptables;
mod kernel;
mod marks;
mod nft;
mod quic;
mod ruleset;
mod strays;

use serde::Serialize;

use self::host::Host;

/// What a check found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// The check's name; it may have several findings.
    pub(crate) check: &'static str,
    pub(crate) ok: bool,
    pub(crate) detail: String,
    /// A command line for a shell; none where nothing is wrong.
    pub(crate) fix: Option<String>,
}

impl Finding {
    /// All is well.
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self {
            check,
            ok: true,
            detail: detail.into(),
            fix: None,
        }
    }

    /// Something is wrong, and a command mends it.
    fn bad(check: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            check,
            ok: false,
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }
}

/// What a check found wrong, or the one good finding where it found nothing.
fn or_good(bad: Vec<Finding>, check: &'static str, detail: &str) -> Vec<Finding> {
    if bad.is_empty() {
        vec![Finding::good(check, detail)]
    } else {
        bad
    }
}

/// Looks at this machine and the network namespace that the process is in.
pub(crate) fn examine() -> Vec<Finding> {
    let host = Host::look();
    [
        kernel::kernel(&host),
        kernel::module(&host),
        kernel::conntrack(&host),
        iptables::extension(&host),
        iptables::holding(&host),
        iptables::order(&host),
        iptables::raw(&host),
        iptables::variants(&host),
        nft::offload(&host),
        quic::held(&host),
        marks::overlap(&host),
    ]
    .concat()
}
