// SPDX-License-Identifier: GPL-2.0-only

//! Which connection's session another one continues, up to TLS 1.2.
//!
//! A connection's id stands for it as long as it is tracked. Where a resumption is shown only then, it is said to continue
//! none; what was noted before stays, as ids are never used again.

use crate::{
    connections::Entry,
    counters::Counter,
    links::{Links, LINKS},
    namespace::NetState,
    pins::Progress,
    sys::rcu::Reader,
    tls::State,
    tracked::{Flags, Tracked},
};

/// Looks at what a connection has issued and what it continues, after each of its packets while it has a handshake: a
/// ticket comes before the server's Finished, so that it is known before a client can have it. Any context; the
/// entry is locked.
#[cold]
pub fn look(net: &NetState, entry: &Entry, tracked: &mut Tracked, rcu: &Reader) {
    if tracked.flags.has(Flags::LINKED) {
        return;
    }
    let seen = tracked.sessions();
    let issuer = seen
        .continues
        .filter(|_| tracked.resumes().is_none())
        .and_then(|digest| net.sessions.issuer(digest, rcu))
        .filter(|&id| id != entry.id);
    if issuer.is_some() || seen.issued.iter().any(Option::is_some) {
        let links = tracked.rare.make().and_then(|rare| {
            if rare.links.is_none() {
                rare.links = Links::new(&LINKS, &net.sessions);
            }
            rare.links.as_mut()
        });
        if links.is_none() {
            net.counters.count(Counter::AllocationFailures);
        }
        if let Some(links) = links {
            if let Some(id) = issuer {
                links.set_resumes(id);
                if tracked.progress == Progress::Over {
                    tracked.progress = Progress::Resumes;
                }
            }
            links.issue(entry.id, seen.issued, rcu);
        }
    }
    if !matches!(
        tracked.connection.state(),
        State::New | State::Hello | State::Handshake
    ) {
        tracked.flags.set(Flags::LINKED);
    }
}
