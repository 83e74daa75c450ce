// SPDX-License-Identifier: GPL-2.0-only
//! Both directions, in any order: the input is a list of segments, each with a header of its own. Where the handshake is
//! kept makes no difference.
#![no_main]

#[path = "../../../kmod/tls/tests/common/mod.rs"]
mod common;

use common::places::Place;
use common::reorder::Reorder;
use common::Wire;
use libfuzzer_sys::fuzz_target;
use tlsconn_tls::{Connection, Segment, Side, State, Types};

/// Bytes of a segment's header: flags, where it stands relative to what comes next, its length.
const HEADER: usize = 4;

fuzz_target!(|input: &[u8]| {
    let Some((&how, mut rest)) = input.split_first() else {
        return;
    };
    let mut wire = Wire::at(0xffff_ff00, 0x7fff_ff00);
    match how & 3 {
        1 => wire.connection = Connection::picked_up(),
        2 => wire.connection = Connection::opened_by_syn_data(0xffff_ff00),
        _ => {}
    }
    let mut reorder = Reorder::default();
    // The same with a handshake that is made late and given back, as in the kernel.
    let (mut other, mut place) = (wire.connection.clone(), Place::default());
    let mut other_reorder = Reorder::default();
    let mut now = 0;
    while let Some((&[flags, ahead, high, low], after)) = rest.split_first_chunk::<HEADER>() {
        let len = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (bytes, after) = after.split_at(len);
        rest = after;
        let from = match flags & 1 {
            0 => Side::Src,
            _ => Side::Dst,
        };
        let side = from as usize;
        // Mostly what comes next; else some bytes back or ahead.
        let ahead = i32::from(ahead as i8) * if flags & 2 != 0 { 64 } else { 1 };
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
        reorder.take(connection, handshake, config, &segment, bytes, now);
        other_reorder.take(&mut other, &mut place, config, &segment, bytes, now);
        if place.0.as_ref().is_some_and(|it| other.has_settled(it)) {
            place.0 = None;
        }
        assert!(reorder.bytes() <= config.hole_octets as usize);
        let end = seq.wrapping_add(len as u32);
        if end.wrapping_sub(wire.next[side]) < 1 << 31 {
            wire.next[side] = end;
        }
        let types = wire.types(from, seq, len);
        assert_ne!(types.content, Types::EMPTY);
        if len > 0 && matches!(wire.connection.state(), State::NotTls | State::Tainted) {
            assert_eq!(types.content, Types::UNKNOWN);
        }
        // What is on its way at the end is of no interest.
        if !wire.connection.ended() {
            assert_eq!(other.state(), wire.connection.state());
            assert_eq!(other.reason(), wire.connection.reason());
            assert_eq!(other.counters(from), wire.connection.counters(from));
            assert_eq!(other.types(from, seq, len as u32), types);
        }
        if how & 4 != 0 {
            other.answered(0xffff_ff00, 0x7fff_ff00);
            wire.connection.answered(0xffff_ff00, 0x7fff_ff00);
        }
    }
});
