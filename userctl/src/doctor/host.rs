// SPDX-License-Identifier: GPL-2.0-only

//! What the checks look at, asked for once: files of the kernel, and what the tools of netfilter print.

use std::{
    fs,
    io::ErrorKind,
    process::{Command, Stdio},
};

use super::{nft::NftRule, ruleset::Ruleset};
use crate::{
    failure::Failure,
    model::{Connection, Pin},
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

/// What a command came to.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) ok: bool,
    pub(super) stdout: String,
    /// The first line of standard error.
    pub(super) complaint: String,
}

/// What the module tells: connections with a mark, pins, and how many connections it tracks at most.
pub(super) type Tracked = (Vec<Connection>, Vec<Pin>, Option<u64>);

/// This machine, and the network namespace.
#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) release: String,
    /// CONFIG_RUST of the running kernel; None where its configuration is nowhere to be found.
    pub(super) has_rust: Option<bool>,
    /// Whether modprobe would find xt_tlsconn.
    pub(super) is_installed: bool,
    pub(super) is_loaded: bool,
    pub(super) module_version: Option<String>,
    /// What came of asking the module, if it is loaded.
    pub(super) asked: Option<Result<Tracked, Failure>>,
    /// Entries of conntrack's table, and how many it may have.
    pub(super) conntrack: Option<(u64, u64)>,
    pub(super) forwards_ipv4: bool,
    pub(super) forwards_ipv6: bool,
    /// What `-m tlsconn --help` came to, by command; None where the command is not there.
    pub(super) help: Vec<(&'static str, Option<Ran>)>,
    pub(super) rulesets: Vec<Ruleset>,
    /// Why rules could not be read.
    pub(super) unread: Vec<String>,
    pub(super) nft: Vec<NftRule>,
    /// Entries of conntrack's table that bypass the hooks.
    pub(super) offloaded: usize,
}

impl Host {
    /// Looks at everything.
    pub(super) fn look() -> Self {
        let release = running::release();
        let is_loaded = fs::exists("/sys/module/xt_tlsconn").unwrap_or(false);
        let mut host = Self {
            has_rust: has_rust(&release),
            is_installed: running::is_installed(&release),
            is_loaded,
            module_version: read("/sys/module/xt_tlsconn/version"),
            asked: is_loaded.then(ask),
            conntrack: number("/proc/sys/net/netfilter/nf_conntrack_count")
                .zip(number("/proc/sys/net/netfilter/nf_conntrack_max")),
            forwards_ipv4: number("/proc/sys/net/ipv4/ip_forward") == Some(1),
            forwards_ipv6: number("/proc/sys/net/ipv6/conf/all/forwarding") == Some(1),
            help: PLAIN
                .map(|command| (command, run(command, &["-m", "tlsconn", "--help"])))
                .into(),
            offloaded: read("/proc/net/nf_conntrack").map_or(0, |entries| {
                entries
                    .lines()
                    .filter(|line| line.contains("OFFLOAD]"))
                    .count()
            }),
            release,
            ..Self::default()
        };
        host.read_rules();
        if let Some(listed) = run("nft", &["-a", "list", "ruleset"]) {
            host.nft = NftRule::parse(&listed.stdout);
            let (rules, rulesets) = (&mut host.nft, &host.rulesets);
            rules.retain(|rule| !rulesets.iter().any(|of| of.has_nft_chain(&rule.chain)));
        }
        host
    }

    fn read_rules(&mut self) {
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
    let max = tlsconn.tracking()?.max_connections;
    // Of all others nothing is asked: no pin has a mark of zero.
    let marked = |connection: &Connection| {
        let marking = connection.marking.as_ref();
        marking.is_some_and(|marking| marking.mark != 0)
    };
    let connections = tlsconn
        .connections()?
        .filter(|connection| connection.as_ref().map_or(true, marked));
    let connections = connections.collect::<Result<_, _>>()?;
    Ok((connections, tlsconn.pins()?, max))
}

/// Runs a command to its end; None where it is not there.
fn run(command: &str, arguments: &[&str]) -> Option<Ran> {
    let output = Command::new(command)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(Ran {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            complaint: String::from_utf8_lossy(&output.stderr)
                .lines()
                .next()
                .unwrap_or("it failed and did not say why")
                .into(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(Ran {
            complaint: error.to_string(),
            ..Ran::default()
        }),
    }
}

/// A file's text without the space around it.
fn read(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().into())
}

fn number(path: &str) -> Option<u64> {
    read(path)?.parse().ok()
}

fn has_rust(release: &str) -> Option<bool> {
    let places = [
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/build/.config"),
        format!("/lib/modules/{release}/config"),
    ];
    let config = places.iter().find_map(|place| read(place)).or_else(|| {
        fs::exists("/proc/config.gz").ok().filter(|there| *there)?;
        run("zcat", &["/proc/config.gz"])
            .filter(|ran| ran.ok)
            .map(|ran| ran.stdout)
    })?;
    Some(config.lines().any(|line| line == "CONFIG_RUST=y"))
}
