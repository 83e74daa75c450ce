// SPDX-License-Identifier: GPL-2.0-only

//! The interfaces between which packets are forwarded, as `ip` tells of them.

use std::fs;

use serde::Deserialize;

use super::network::Network;

/// An interface.
#[derive(Clone, Debug, Default)]
pub(super) struct Interface {
    pub(super) name: String,
    /// Whether packets can come in by it.
    pub(super) is_up: bool,
    pub(super) is_vrf: bool,
    /// The VRF that it belongs to.
    pub(super) vrf: Option<String>,
    /// The bridge that it is a port of.
    pub(super) bridge: Option<String>,
    pub(super) is_bridge: bool,
    /// Whether a bridge's frames come to IP's hooks: IPv4, IPv6.
    pub(super) calls: [bool; 2],
    pub(super) networks: Vec<Network>,
    /// Its own in them.
    pub(super) addresses: Vec<Network>,
    /// Whether what comes in by it is forwarded: IPv4, IPv6.
    pub(super) forwards: [bool; 2],
}

#[derive(Deserialize)]
struct Link {
    ifname: String,
    #[serde(default)]
    flags: Vec<String>,
    master: Option<String>,
    #[serde(default)]
    linkinfo: Info,
    #[serde(default)]
    addr_info: Vec<Address>,
}

#[derive(Default, Deserialize)]
struct Info {
    #[serde(default)]
    info_kind: String,
    #[serde(default)]
    info_slave_kind: String,
    #[serde(default)]
    info_data: serde_json::Value,
}

#[derive(Deserialize)]
struct Address {
    local: Option<String>,
    /// The other end's, where there are two.
    address: Option<String>,
    prefixlen: u32,
    scope: Option<String>,
}

/// Reads what `ip -j -details address` printed, but for the loopback interface.
pub(super) fn read(text: &str) -> Option<Vec<Interface>> {
    let links: Vec<Link> = serde_json::from_str(text).ok()?;
    let links = links
        .into_iter()
        .filter(|link| !has(&link.flags, "LOOPBACK"));
    Some(links.map(interface).collect())
}

fn has(flags: &[String], name: &str) -> bool {
    flags.iter().any(|flag| flag == name)
}

fn interface(link: Link) -> Interface {
    let networks = link
        .addr_info
        .iter()
        .filter(|address| address.scope.as_deref() != Some("link"));
    let networks = networks.filter_map(|address| {
        Network::new(
            address
                .address
                .as_ref()
                .or(address.local.as_ref())?
                .parse()
                .ok()?,
            Some(address.prefixlen),
        )
    });
    let addresses = link
        .addr_info
        .iter()
        .filter_map(|address| Network::new(address.local.as_deref()?.parse().ok()?, None));
    let calls = |name: &str, version: &str| {
        let of_bridge = link
            .linkinfo
            .info_data
            .get(name)
            .and_then(serde_json::Value::as_u64);
        let path = format!("/proc/sys/net/bridge/bridge-nf-call-{version}");
        of_bridge == Some(1) || is_on(&path)
    };
    let forwards = |version: &str, of_all: &str, name: &str| {
        let conf = format!("/proc/sys/net/{version}/conf");
        is_on(&format!("{conf}/{}/{name}", link.ifname))
            || (!of_all.is_empty() && is_on(&format!("{conf}/all/{of_all}")))
    };
    let master = |kind: &str| {
        link.master
            .clone()
            .filter(|_| link.linkinfo.info_slave_kind == kind)
    };
    Interface {
        is_up: has(&link.flags, "UP") && has(&link.flags, "LOWER_UP"),
        is_vrf: link.linkinfo.info_kind == "vrf",
        is_bridge: link.linkinfo.info_kind == "bridge",
        vrf: master("vrf"),
        bridge: master("bridge"),
        calls: [
            calls("nf_call_iptables", "iptables"),
            calls("nf_call_ip6tables", "ip6tables"),
        ],
        networks: networks.collect(),
        addresses: addresses.collect(),
        // Of IPv6 the setting of all counts, or one of the interface's that forces it.
        forwards: [
            forwards("ipv4", "", "forwarding"),
            forwards("ipv6", "forwarding", "force_forwarding"),
        ],
        name: link.ifname,
    }
}

fn is_on(path: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.trim() != "0")
}
