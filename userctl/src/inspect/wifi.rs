// SPDX-License-Identifier: GPL-2.0-only

//! 802.11 data frames that are not encrypted.

use super::wrapping::{snap, Typed};

const DATA: u8 = 2;
/// Bits of a data frame's subtype.
const WITHOUT_DATA: u8 = 4;
const QOS: u8 = 8;
/// Bits of the second octet.
const BETWEEN_STATIONS: u8 = 3;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

/// From the frame control on (IEEE 802.11, 9.3.2).
pub(super) fn frame(octets: &[u8]) -> Option<Typed<'_>> {
    let [control, flags, ..] = *octets else {
        return None;
    };
    let subtype = control >> 4;
    if (control >> 2) & 3 != DATA || subtype & WITHOUT_DATA != 0 || flags & PROTECTED != 0 {
        return None;
    }
    let mut header = 24;
    if flags & BETWEEN_STATIONS == BETWEEN_STATIONS {
        header += 6;
    }
    if subtype & QOS != 0 {
        header += 2;
        if flags & ORDER != 0 {
            header += 4;
        }
    }
    snap(octets.get(header..)?)
}

/// With what a driver says of it in front (radiotap): it has its own length, in the order of Intel's processors.
pub(super) fn radiotap(octets: &[u8]) -> Option<Typed<'_>> {
    let [_, _, low, high, ..] = *octets else {
        return None;
    };
    frame(octets.get(usize::from(u16::from_le_bytes([low, high]))..)?)
}
