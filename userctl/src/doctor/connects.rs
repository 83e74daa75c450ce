// SPDX-License-Identifier: GPL-2.0-only

//! Whether a connection gets as far as data: where it cannot be made, nothing passes on it.

use super::{
    follow::Reading,
    host::Host,
    interfaces::Interface,
    packet::{Carries, Packet, State},
    traffic::{self, Way},
};

/// Whether a connection on which such a packet is sent is made for sure.
pub(super) fn surely(host: &Host, way: Way<'_>, packet: &Packet<'_>) -> bool {
    let forwards = |interface: &Interface| interface.forwards[usize::from(packet.is_ipv6)];
    if !forwards(way.from) || !forwards(way.to) {
        return false;
    }
    let back = Way {
        from: way.to,
        to: way.from,
        ..way
    };
    let (there, back) = match packet.to_server {
        true => (way, back),
        false => (back, way),
    };
    let passes = |way: Way<'_>, to_server, carries, state| {
        let mut packets = traffic::plain(way, packet.is_ipv6, carries).into_iter();
        let one = packets.find(|one| one.port == packet.port && one.to_server == to_server);
        one.is_some_and(|one| {
            let one = Packet { state, ..one };
            host.firewall.follow(&one, Reading::Plain).passes()
        })
    };
    let both = |carries| {
        passes(there, true, carries, State::Established)
            && passes(back, false, carries, State::Established)
    };
    passes(there, true, Carries::Nothing, State::New)
        && both(Carries::Nothing)
        && (packet.carries != Carries::Data || both(Carries::Handshake))
}
