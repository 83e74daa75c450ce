// SPDX-License-Identifier: GPL-2.0-only

//! A SYN's packet: what is made of its data before it is kept, and the connection that begins with it.

use super::{Nodes, Syn, SynData};
use crate::{
    handshakes::Slot,
    holes::Limits,
    packet::{Packet, SkbPayload},
    sys::{self, memory::charged},
    tls::{Connection, Payload, Segment, Side},
    tracked::Tracked,
};
use kernel::{prelude::*, sync::Arc};

/// What is to be kept of a SYN's data. None without memory.
pub(super) fn made(limits: &Limits<'_>, packet: &Packet<'_>) -> Option<(Syn, Nodes)> {
    let payload = &packet.tcp.payload;
    let mut bytes = KVec::from_elem(0, payload.len() as usize, charged()).ok()?;
    if !payload.read(0, &mut bytes) {
        return None;
    }
    let segment = packet.segment();
    let mut connection = Connection::opened_by_syn_data(segment.seq);
    let mut slot = Slot::empty();
    // It is given back at once: nothing is kept for a handshake before a SYN-ACK.
    slot.with(limits.handshakes, false, |place| {
        connection.segment(place, limits.engine, &segment, &Bytes(&bytes))
    });
    slot.release(limits.handshakes);
    let syn = Syn {
        types: connection.types(Side::Src, segment.seq, payload.len()),
        state: connection.state(),
        bytes: Arc::new(bytes, charged()).ok()?,
        since: sys::seconds(),
        age: 0,
        urgent: segment.urgent,
        others: false,
        differs: false,
    };
    Some((syn, Nodes::new()?))
}

impl SynData {
    /// Has a connection, which has just been made, begin with the data, as the SYN-ACK with these numbers answered it.
    pub fn begin(
        &self,
        tracked: &mut Tracked,
        limits: &Limits<'_>,
        src_first: u32,
        dst_first: u32,
    ) {
        tracked.connection = Connection::opened_by_syn_data(self.first);
        let connection = &mut tracked.connection;
        let segment = Segment {
            from: Side::Src,
            seq: self.first,
            ack: None,
            fin: false,
            urgent: self.urgent,
        };
        limits.take_in(
            connection,
            &mut tracked.handshake,
            &segment,
            &Bytes(&self.bytes),
        );
        if self.differs {
            connection.contradict(Side::Src);
        }
        if self.others {
            connection.syn(self.first.wrapping_add(1));
        }
        connection.answered(src_first, dst_first);
    }
}

/// Bytes in one piece as a payload.
struct Bytes<'a>(&'a [u8]);

impl Payload for Bytes<'_> {
    fn len(&self) -> u32 {
        self.0.len() as u32
    }

    fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        let from = self
            .0
            .get(offset as usize..)
            .and_then(|from| from.get(..to.len()));
        from.is_some_and(|from| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            true
        })
    }
}

/// Whether bytes begin with a payload.
pub(super) fn begins_with(bytes: &[u8], payload: &SkbPayload<'_>) -> bool {
    if bytes.len() < payload.len() as usize {
        return false;
    }
    for (piece, at) in bytes.chunks(64).zip((0..payload.len()).step_by(64)) {
        let mut read = [0; 64];
        let count = payload.len().saturating_sub(at).min(64) as usize;
        let (Some(read), Some(piece)) = (read.get_mut(..count), piece.get(..count)) else {
            return false;
        };
        if !payload.read(at, read) || read != piece {
            return false;
        }
    }
    true
}
