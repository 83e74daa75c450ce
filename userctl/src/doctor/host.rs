// SPDX-License-Identifier: GPL-2.0-only

//! What the checks look at, asked for once: files of the kernel, and what the tools of netfilter print.

use std::fs;

use super::{
    follow::Firewall,
    interfaces::{self, Interface},
    marks,
    network::Network,
    nft::NftRule,
    of_iptables, of_nft,
    read::{self, number, run, Ran},
    ruleset::Ruleset,
    tri::Tri,
};
use crate::{
    failure::Failure,
    model::{Connection, Pin, Tracking},
    netlink::Tlsconn,
    running,
};

/// Both variants of iptables, for both versions of IP.
const VARIANTS: [&str; 4] = [
    "iptables-legacy",
    "iptables-nft",
    "ip6tables-legacy",
    "ip6tables-nft",
];
/// What iptables is called where it has one variant only.
const PLAIN: [&str; 2] = ["iptables", "ip6tables"];

/// What the module tells: connections with a mark, pins, and why it tracks.
pub(super) type Tracked = (Vec<Connection>, Vec<Pin>, Tracking);

/// This machine, and the network namespace.
#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) release: String,
    /// CONFIG_RUST of the running kernel; None where its configuration is nowhere to be found.
    pub(super) has_rust: Option<bool>,
    /// Whether modprobe would find xt_tlsconn.
    pub(super) is_installed: bool,
    /// Whether that is for another architecture.
    pub(super) is_foreign: bool,
    pub(super) is_loaded: bool,
    pub(super) module_version: Option<String>,
    /// What came of asking the module, if it is loaded.
    pub(super) asked: Option<Result<Tracked, Failure>>,
    /// Entries of conntrack's table, and how many it may have.
    pub(super) conntrack: Option<(u64, u64)>,
    /// None where they cannot be read.
    pub(super) interfaces: Option<Vec<Interface>>,
    /// Routing rules that look at the packet mark, and at which bits.
    pub(super) routing: Vec<(String, u32)>,
    /// What `-m tlsconn --help` came to, by command; None where the command is not there.
    pub(super) help: Vec<(&'static str, Option<Ran>)>,
    pub(super) rulesets: Vec<Ruleset>,
    /// Why rules could not be read.
    pub(super) unread: Vec<String>,
    pub(super) nft: Vec<NftRule>,
    /// None where nft is not installed, or could not read them.
    pub(super) tables: Option<of_nft::Tables>,
    /// All rules, as packets come to them.
    pub(super) firewall: Firewall,
    /// Entries of conntrack's table that bypass the hooks.
    pub(super) offloaded: usize,
}

impl Host {
    /// Looks at everything.
    pub(super) fn look() -> Self {
        let release = running::release();
        let is_loaded = fs::exists("/sys/module/xt_tlsconn").unwrap_or(false);
        let mut host = Self {
            has_rust: read::has_rust(&release),
            is_installed: running::is_installed(&release),
            is_foreign: running::is_foreign(&release),
            is_loaded,
            module_version: read::file("/sys/module/xt_tlsconn/version"),
            asked: is_loaded.then(ask),
            conntrack: number("/proc/sys/net/netfilter/nf_conntrack_count")
                .zip(number("/proc/sys/net/netfilter/nf_conntrack_max")),
            interfaces: run("ip", &["-j", "-details", "address"])
                .and_then(|listed| interfaces::read(&listed.stdout)),
            routing: read::routing(),
            help: PLAIN
                .map(|command| (command, run(command, &["-m", "tlsconn", "--help"])))
                .into(),
            offloaded: read::file("/proc/net/nf_conntrack").map_or(0, |entries| {
                entries
                    .lines()
                    .filter(|line| line.contains("OFFLOAD]"))
                    .count()
            }),
            release,
            ..Self::default()
        };
        host.read_rules();
        host.read_tables();
        host.build();
        host
    }

    /// The tables of nft, without those of iptables-nft.
    fn read_tables(&mut self) {
        let Some(listed) = run("nft", &["-a", "list", "ruleset"]) else {
            if running::has(&self.release, "nf_tables") {
                self.unread
                    .push("nft is not installed (apt-get install nftables)".into());
            }
            return;
        };
        self.nft = NftRule::parse(&listed.stdout);
        let (rules, rulesets) = (&mut self.nft, &self.rulesets);
        rules.retain(|rule| !rulesets.iter().any(|of| of.has_nft_chain(&rule.chain)));
        let listed = run("nft", &["-j", "list", "ruleset"]).unwrap_or_default();
        self.tables = of_nft::read(&listed.stdout, &self.rulesets);
        if self.tables.is_none() {
            self.unread
                .push(format!("nft -j list ruleset: {}", listed.complaint));
        }
    }

    /// Puts the rules of all tools together, in the order in which the kernel goes through them.
    pub(super) fn build(&mut self) {
        let is_asked = |base: &super::firewall::Base, dormant: &[String]| {
            let table = base.name.split_whitespace().nth(1).unwrap_or_default();
            let family = if base.is_ipv6 == Some(true) {
                "ip6"
            } else {
                "ip"
            };
            !base.name.contains("-nft: ") || !dormant.contains(&format!("{family} {table}"))
        };
        let dormant = self
            .tables
            .as_ref()
            .map(|tables| tables.dormant.clone())
            .unwrap_or_default();
        let of_iptables = self.rulesets.iter().flat_map(of_iptables::bases);
        let mut bases: Vec<_> = of_iptables
            .filter(|base| is_asked(base, &dormant))
            .collect();
        bases.extend(self.tables.iter().flat_map(|tables| tables.bases.clone()));
        bases.sort_by_key(|base| (base.hook, base.priority));
        let pass_mark = self
            .tracked()
            .and_then(|(_, _, tracking)| tracking.pass_mark);
        self.firewall = Firewall {
            bases,
            pass_mark,
            pin_bits: marks::pin_bits(self),
            marks: marks::may_be_given(self),
        };
    }

    /// Why it cannot be told that a packet passes: something else may stop it.
    pub(super) fn may_stop(&self) -> Option<String> {
        let outer = self.tables.as_ref().and_then(|tables| tables.outer.first());
        match (self.unread.first(), outer) {
            (Some(why), _) => Some(format!("not all rules can be read: {why}")),
            (None, Some(table)) => Some(format!(
                "nft's table {table} may drop frames outside of IP's hooks"
            )),
            (None, None) => None,
        }
    }

    /// Whether rules of ours hold what is in doubt too.
    pub(super) fn is_strict(&self) -> bool {
        let rules = self.rulesets.iter().flat_map(Ruleset::rules);
        rules
            .filter_map(|(_, rule)| rule.value("--record-type"))
            .any(|types| types.contains("in-doubt"))
    }

    /// Whether an address, or one with a port, is this machine's.
    pub(super) fn is_own_address(&self, text: &str) -> bool {
        let address = text
            .parse()
            .map(|parsed: std::net::SocketAddr| parsed.ip())
            .or_else(|_| text.parse());
        let Some(network) = address.ok().and_then(|address| Network::new(address, None)) else {
            return false;
        };
        let loopback = Network::parse("127.0.0.0/8");
        let all = self
            .interfaces
            .iter()
            .flatten()
            .flat_map(|one| &one.addresses);
        all.chain(&loopback)
            .any(|own| own.has(Some(&network), network.is_ipv6) == Tri::Yes)
    }

    fn read_rules(&mut self) {
        for (names, command) in [
            ("ip_tables_names", "iptables-legacy-save"),
            ("ip6_tables_names", "ip6tables-legacy-save"),
        ] {
            let tables = read::file(&format!("/proc/net/{names}")).unwrap_or_default();
            if !tables.is_empty() && run(command, &["--version"]).is_none() {
                self.unread
                    .push(format!("there are legacy tables, and no {command}"));
            }
        }
        let mut found = false;
        for command in VARIANTS {
            found |= self.read_rules_of(command);
        }
        if !found {
            for command in PLAIN {
                self.read_rules_of(command);
            }
        }
    }

    /// False where the command is not there.
    fn read_rules_of(&mut self, command: &'static str) -> bool {
        let Some(saved) = run(&format!("{command}-save"), &[]) else {
            return false;
        };
        if saved.ok {
            self.rulesets.push(Ruleset::parse(command, &saved.stdout));
        } else {
            self.unread
                .push(format!("{command}-save: {}", saved.complaint));
        }
        true
    }

    /// Rules of iptables, ip6tables.
    pub(super) fn rulesets_of(&self, is_ipv6: bool) -> impl Iterator<Item = &Ruleset> {
        self.rulesets
            .iter()
            .filter(move |ruleset| ruleset.is_ipv6() == is_ipv6)
    }

    /// Connections and pins, if the module gave them.
    pub(super) fn tracked(&self) -> Option<&Tracked> {
        self.asked.as_ref()?.as_ref().ok()
    }

    /// The command that puts rules in where this machine's own are.
    pub(super) fn command(&self, is_ipv6: bool) -> &'static str {
        let in_use = self
            .rulesets_of(is_ipv6)
            .find(|ruleset| !ruleset.is_empty());
        in_use.map_or(PLAIN[usize::from(is_ipv6)], |ruleset| ruleset.command)
    }
}

fn ask() -> Result<Tracked, Failure> {
    let mut tlsconn = Tlsconn::open()?;
    let tracking = tlsconn.tracking()?;
    // Of all others nothing is asked: no pin has a mark of zero.
    let marked = |connection: &Connection| {
        let marking = connection.marking.as_ref();
        marking.is_some_and(|marking| marking.mark != 0)
    };
    let connections = tlsconn
        .connections()?
        .filter(|connection| connection.as_ref().map_or(true, marked));
    let connections = connections.collect::<Result<_, _>>()?;
    Ok((connections, tlsconn.pins()?, tracking))
}
