// SPDX-License-Identifier: GPL-2.0-only

//! What is missing for tlsconn to work here: checks over what this machine says of itself, each with the command that
//! fixes what it finds.

mod asked;
mod boot;
mod condition;
mod connects;
mod finding;
mod firewall;
mod fix;
mod follow;
mod foreign_marks;
mod held;
mod host;
mod interfaces;
mod iptables;
mod kernel;
mod marks;
mod network;
mod nft;
mod nft_terms;
mod of_iptables;
mod of_nft;
mod offload;
mod packet;
mod paths;
mod quic;
mod read;
mod ruleset;
#[cfg(test)]
mod tests;
mod traffic;
mod tri;
mod walk;

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
        boot::guard(&host),
        held::held(&host),
        paths::pass_mark(&host),
        iptables::raw(&host),
        iptables::variants(&host),
        paths::none(&host),
        offload::none(&host),
        quic::held(&host),
        marks::overlap(&host),
    ]
    .concat()
}
