// SPDX-License-Identifier: GPL-2.0-only

//! xt_tlsconn: an iptables match that follows TLS records and handshakes, and pins that tie a connection mark to one
//! connection.
//!
//! A packet's way: the hook hands it to the fast path or the `tracker`, which finds its connection in the namespace's
//! table (`connections`) and lets the engine (`tls`) take it in; rules (`rule`) look up what is stored; people ask by
//! `netlink`. docs/architecture.md has the layers.
//!
//! Locks, in the order in which they are taken: a namespace's commands and its hooks (mutexes, process context); an
//! entry's (keeps softirqs out); a namespace's pins (likewise). Entries are found under RCU.

#![deny(unsafe_code)]

use connections::CONNECTIONS;
use handshakes::HANDSHAKES;
use kernel::prelude::*;
use links::LINKS;
use namespace::Tracker;
use sys::{genl, memory, pernet, xt};

#[cfg(not(target_pointer_width = "64"))]
compile_error!("xt_tlsconn needs a 64-bit kernel: the numbers of connections have 64 bits");

pub mod aging;
pub mod binding;
#[allow(unsafe_code, reason = "generated")]
mod bindings;
pub mod changes;
pub mod check;
pub mod collect;
pub mod connections;
pub mod counters;
pub mod facts;
pub mod fast;
pub mod fingerprint;
pub mod foreign_marks;
pub mod handshakes;
pub mod hellos;
pub mod holes;
pub mod hook;
pub mod known;
pub mod links;
pub mod marks;
pub mod moment;
#[path = "names/mod.rs"]
pub mod names;
pub mod namespace;
pub mod netlink;
mod numbers;
pub mod opening;
pub mod packet;
pub mod parameters;
pub mod pass;
#[allow(unsafe_code, reason = "memory that is not cleared each time")]
pub mod pieces;
pub mod pins;
pub mod rare;
pub mod release;
pub mod rule;
pub mod sessions;
pub mod sets;
pub mod syns;
#[allow(unsafe_code, reason = "safe faces of C")]
pub mod sys;
pub mod tables;
#[path = "tls/mod.rs"]
pub mod tls;
pub mod tracked;
pub mod tracker;
pub mod tries;

use bindings as uapi;
/// Memory that the engine holds.
use KBox as Held;

module! {
    type: Tlsconn,
    name: "xt_tlsconn",
    authors: ["The tlsconn developers"],
    description: "Xtables: match TLS records per connection, and pin one connection",
    license: "GPL v2",
    params: {
        max_connections: u32 {
            default: 262144,
            description: "Connections tracked per network namespace, at most",
        },
        max_connections_unprivileged: u32 {
            default: 65536,
            description: "Connections tracked in all network namespaces together that the initial user namespace does not own",
        },
        max_handshakes: u32 {
            default: 65536,
            description: "Connections per network namespace that hold memory for a handshake",
        },
        handshake_octets_total: u32 {
            default: 67108864,
            description: "Bytes of memory per network namespace for handshake bytes that are not acknowledged, to compare them when they are sent again",
        },
        client_flight_budget: u32 {
            default: 40960,
            description: "Bytes that may pass as a TLS 1.3 client's certificate flight",
        },
        hole_octets: u32 {
            default: 65536,
            description: "Bytes of a connection kept after holes in its streams, at most",
        },
        hole_octets_total: u32 {
            default: 16777216,
            description: "Bytes of memory per network namespace for segments kept after holes, at most",
        },
    },
}

/// What is registered, in the order in which it is taken back: nobody can reach what is gone.
struct Tlsconn {
    _match: xt::Registration<rule::Tlsconn>,
    _family: genl::Registration<Tracker>,
    _namespaces: pernet::Registration<Tracker>,
    _memory: [memory::Registration; 4],
}

impl kernel::Module for Tlsconn {
    fn init(module: &'static ThisModule) -> Result<Self> {
        parameters::check()?;
        let memory = [
            memory::Registration::new(&CONNECTIONS, c"tlsconn_connection")?,
            memory::Registration::new(&HANDSHAKES, c"tlsconn_handshake")?,
            pieces::register()?,
            memory::Registration::new(&LINKS, c"tlsconn_session")?,
        ];
        let namespaces = pernet::Registration::new()?;
        let family = genl::Registration::new(module, &namespaces)?;
        let registered = xt::Registration::new(module, &namespaces)?;
        family.open();
        Ok(Self {
            _match: registered,
            _family: family,
            _namespaces: namespaces,
            _memory: memory,
        })
    }
}
