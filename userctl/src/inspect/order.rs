// SPDX-License-Identifier: GPL-2.0-only

//! The engine tells a packet's types as a set; people want them in the order of the stream.

use tlsconn_tls::Types;

use super::describe::TYPES;

/// Names of the types in a packet's payload of `len` octets, in the order in which they begin. `types` tells the types
/// of the first so many octets: the set grows with their number, so that a type's first octet is found by halving.
pub(crate) fn names(len: u32, types: impl Fn(u32) -> Types) -> Vec<&'static str> {
    let all = types(len);
    let mut found: Vec<(u32, &str)> = TYPES
        .into_iter()
        .filter(|(kind, _)| all.contains(*kind))
        .map(|(kind, name)| (first(len, |octets| types(octets).contains(kind)), name))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).collect()
}

/// The least number of octets, at most `len`, for which `has` holds.
fn first(len: u32, has: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (1, len);
    while low < high {
        let middle = low + (high - low) / 2;
        match has(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    low
}
