// SPDX-License-Identifier: GPL-2.0-only

//! What is missing for tlsconn to work here: checks over what this machine says of itself, each with the command that
//! fixes what it finds.

mod finding;
mod foreign_marks;
mod host;
mod iptables;
mod kernel;
mod marks;
mod nft;
mod offload;
mod quic;
mod ruleset;

pub(crate) use self::finding::Finding;
use self::host::Host;

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
        offload::none(&host),
        quic::held(&host),
        marks::overlap(&host),
    ]
    .concat()
}
