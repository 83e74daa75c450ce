// SPDX-License-Identifier: GPL-2.0-only

//! The rules of iptables and nft in one form, as far as they are understood.

use super::{network::Network, packet::State};
use crate::mark::Mark;

/// What a rule asks of a packet.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// Interfaces by name; a `+` or `*` at its end stands for the rest.
    In(String),
    Out(String),
    Source(Network),
    Destination(Network),
    /// Whether it is IPv6.
    IsIpv6(bool),
    Protocol(String),
    /// Ports from, to.
    SourcePort(Vec<(u16, u16)>),
    DestinationPort(Vec<(u16, u16)>),
    /// What conntrack says; and whether there is something else in the list.
    States(Vec<State>, bool),
    /// Which of the bits of TCP's flags are looked at, and which of these are set.
    TcpFlags(u8, u8),
    Tls(Tls),
    /// Bits of the packet mark: value, mask.
    Mark(u32, u32),
    /// Bits of the connection mark: value, mask.
    ConnectionMark(u32, u32),
    Any(Vec<Condition>),
    Untold,
}

/// What the match tlsconn is asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Tls {
    /// Types, and whether `!` stands before them.
    pub(super) types: Option<(Vec<String>, bool)>,
    pub(super) all: bool,
    pub(super) wire: bool,
    pub(super) states: Option<(Vec<String>, bool)>,
    /// `--pinned`: false with `!`.
    pub(super) pinned: Option<bool>,
    pub(super) pin_mark: Mark,
    /// Something else, such as `--sni`.
    pub(super) more: bool,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Accept,
    Stop,
    Return,
    Jump(String),
    Goto(String),
    /// The bits that are kept of the packet mark, and those that are turned; None: anything.
    SetMark(Option<(u32, u32)>),
    NoTrack,
    /// To these devices' flowtable.
    Offload(Vec<String>),
    /// It may accept, stop, or do something else.
    Untold,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The rule goes on if it is so; with true if it is not so.
    If(Condition, bool),
    Do(Action),
    /// The first of these that fits.
    Choose(Vec<(Condition, Action)>),
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// As a reader finds it: tool, chain, place, text.
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
}

/// Where packets that are forwarded come by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Hook {
    Prerouting,
    Forward,
    Postrouting,
}

/// A chain that the kernel calls.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) hook: Hook,
    pub(super) priority: i64,
    /// IPv4, IPv6, or both.
    pub(super) is_ipv6: Option<bool>,
    pub(super) accepts: bool,
    /// Whether it sees no more than a connection's first packet.
    pub(super) is_nat: bool,
    pub(super) name: String,
    pub(super) first: usize,
    /// The table's chains.
    pub(super) chains: Vec<Chain>,
}

/// Conntrack's priority: what comes before does not know connections.
pub(super) const CONNTRACK: i64 = -200;

impl Rule {
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.steps.iter().filter_map(|step| match step {
            Step::If(condition, _) => Some(condition),
            _ => None,
        })
    }

    /// Whether it reads a bit of the packet mark.
    pub(super) fn reads_mark(&self, bit: u32) -> bool {
        self.conditions()
            .any(|condition| matches!(condition, Condition::Mark(_, mask) if *mask == bit))
    }
}
