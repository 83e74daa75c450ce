// SPDX-License-Identifier: GPL-2.0-only
//! Many connections at once, and packets on any of them.

use std::{
    io::{self, BufRead},
    ops::Range,
};

use serde::Serialize;

use crate::{
    choice::Choice,
    connection::{Connection, Sent, Side},
    hello::{self, Turn},
    link::Links,
    port::{now, BATCH},
};

/// Octets of a message, as `Kind::Short`.
const MESSAGE: usize = 200;

/// Nanoseconds of one measurement at least, so that work which comes once a second is in it.
const AT_LEAST: u64 = 2_000_000_000;

/// What is printed for each size.
#[derive(Debug, Serialize)]
struct Size {
    connections: usize,
    /// Nanoseconds a packet: the median of all batches, in which a packet's own work shows.
    ns: Vec<f64>,
    /// The mean, in which the work shows that the kernel does in between.
    with_background: Vec<f64>,
}

/// Makes the crowd grow to each of the sizes. At each it prints a line and waits for one on standard input, so that the
/// caller can look at the memory before packets flow; then it measures, and prints a line with the result.
pub(crate) fn grow(
    links: &Links,
    sizes: &[usize],
    packets: usize,
    repeat: usize,
) -> io::Result<()> {
    let mut connections = vec![];
    let mut choose = Choice::default();
    let handshake = hello::small_handshake();
    let mut input = io::stdin().lock();
    for &size in sizes {
        while connections.len() < size {
            let next = connections.len();
            let numbers = next as u32..size.min(next + BATCH) as u32;
            connections.extend(establish(links, numbers, &handshake)?);
        }
        println!("{size}");
        input.read_line(&mut String::new())?;
        flow(links, &mut connections, &mut choose, packets / 4)?;
        let flown: Vec<(f64, f64)> = (0..repeat)
            .map(|_| flow(links, &mut connections, &mut choose, packets))
            .collect::<io::Result<_>>()?;
        let (ns, with_background) = flown.into_iter().unzip();
        let size = Size {
            connections: size,
            ns,
            with_background,
        };
        println!(
            "{}",
            serde_json::to_string(&size).map_err(io::Error::other)?
        );
    }
    Ok(())
}

/// Establishes the connections of those numbers, all in step: their first packets, their second, and so on.
fn establish(
    links: &Links,
    numbers: Range<u32>,
    handshake: &[Turn],
) -> io::Result<Vec<Connection>> {
    let mut connections: Vec<Connection> = numbers.map(Connection::new).collect();
    let mut dialogues: Vec<_> = connections
        .iter_mut()
        .map(|connection| {
            let mut sent = connection.open();
            // The handshake's last packet is the ClientHello itself.
            sent.pop();
            sent.extend(connection.say(handshake));
            sent.into_iter()
        })
        .collect();
    loop {
        let step: Vec<Sent> = dialogues.iter_mut().filter_map(Iterator::next).collect();
        if step.is_empty() {
            return Ok(connections);
        }
        links.play(step)?;
    }
}

/// Nanoseconds a packet, median of the batches and mean, over messages on connections chosen at random. Their
/// acknowledgements are not counted.
fn flow(
    links: &Links,
    connections: &mut [Connection],
    choose: &mut Choice,
    packets: usize,
) -> io::Result<(f64, f64)> {
    let message = hello::data(MESSAGE);
    let mut batches = vec![];
    let start = now();
    while batches.len() < packets.div_ceil(BATCH) || now() - start < AT_LEAST {
        let chosen: Vec<usize> = (0..BATCH)
            .map(|_| choose.below(connections.len()))
            .collect();
        let mut send = |from, octets: &[u8]| -> io::Result<u64> {
            let frames: Vec<Vec<u8>> = chosen
                .iter()
                .map(|&at| connections[at].send(from, octets).1)
                .collect();
            links.flood(from, &frames)
        };
        batches.push(send(Side::Client, &message)?);
        send(Side::Server, &[])?;
    }
    batches.sort_unstable();
    let mean = batches.iter().sum::<u64>() as f64 / batches.len() as f64;
    let median = batches[batches.len() / 2] as f64;
    Ok((median / BATCH as f64, mean / BATCH as f64))
}
