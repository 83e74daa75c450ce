// SPDX-License-Identifier: GPL-2.0-only
//! Both directions, in any order: the input is a list of segments, each with a header of its own.
#![no_main]

#[path = "../../../kmod/tls/tests/common/mod.rs"]
mod common;

use common::reorder::Reorder;
use common::Wire;
use libfuzzer_sys::fuzz_target;
use tlsconn_tls::{Connection, Handshake, Segment, Side, State, Types};

/// Octets of a segment's header: flags, where it stands relative to what comes next, its length.
const HEADER: usize = 4;

fuzz_target!(|input: &[u8]| {
    let Some((&how, mut rest)) = input.split_first() else {
        return;
    };
    let mut wire = Wire::at(0xffff_ff00, 0x7fff_ff00);
    wire.handshake = Handshake::keyed([1, 2]);
    match how & 3 {
        1 => wire.connection = Connection::picked_up(),
        2 => wire.connection = Connection::opened_by_syn_data(0xffff_ff00),
        _ => {}
    }
    let mut reorder = Reorder::default();
    let mut now = 0;
    while let Some((&[flags, place, high, low], behind)) = rest.split_first_chunk::<HEADER>() {
        let len = usize::from(u16::from_be_bytes([high, low])).min(behind.len());
        let (octets, behind) = behind.split_at(len);
        rest = behind;
        let from = match flags & 1 {
            0 => Side::Src,
            _ => Side::Dst,
        };
        let side = from as usize;
        // Mostly what comes next; else some octets back or ahead.
        let ahead = i32::from(place as i8) * if flags & 2 != 0 { 64 } else { 1 };
        let seq = wire.next[side].wrapping_add_signed(ahead);
        let segment = Segment {
            from,
            seq,
            ack: (flags & 4 == 0).then_some(wire.next[from.other() as usize]),
            fin: flags & 0x38 == 0x38,
            urgent: flags & 0xf8 == 0xf0,
        };
        now += u32::from(flags >> 6) * 20;
        let Wire {
            connection,
            handshake,
            config,
            ..
        } = &mut wire;
        reorder.take(connection, handshake, config, &segment, octets, now);
        assert!(reorder.octets() <= config.hole_octets as usize);
        let end = seq.wrapping_add(len as u32);
        if end.wrapping_sub(wire.next[side]) < 1 << 31 {
            wire.next[side] = end;
        }
        let types = wire.types(from, seq, len);
        assert_ne!(types.content, Types::EMPTY);
        if len > 0 && matches!(wire.connection.state(), State::NotTls | State::Tainted) {
            assert_eq!(types.content, Types::UNKNOWN);
        }
        if how & 4 != 0 {
            wire.connection.set_dst_first(0x7fff_ff00);
        }
    }
});
