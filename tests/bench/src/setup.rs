// SPDX-License-Identifier: GPL-2.0-only
//! Connections set up one after the other.

use std::io;

use crate::{
    connection::{Connection, Sent},
    hello,
    link::Links,
    wire::unwanted,
};

/// Sets up `count` connections with whole handshakes, from number `first` on; gives how many packets that were, and the
/// nanoseconds of them all.
pub(crate) fn connect(
    links: &Links,
    first: u32,
    count: usize,
    to_nobody: bool,
) -> io::Result<(usize, u64)> {
    let handshake = hello::handshake();
    let (mut packets, mut taken) = (0, 0);
    for number in (first..).take(count) {
        let mut connection = Connection::new(number);
        let mut sent: Vec<Sent> = connection.open();
        sent.extend(connection.say(&handshake));
        if to_nobody {
            sent = sent
                .into_iter()
                .map(|(from, frame)| (from, unwanted(frame)))
                .collect();
        }
        packets += sent.len();
        taken += links.play(sent)?;
    }
    Ok((packets, taken))
}
