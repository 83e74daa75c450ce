// SPDX-License-Identifier: GPL-2.0-only
//! A packet as the engine is given it, and what becomes of it.

use super::side::Side;

/// A packet's payload. The kernel reads it from a non-linear socket buffer, the host from a slice.
pub trait Payload {
    /// Octets of payload.
    fn len(&self) -> u32;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets from `offset` on that lie in one piece and that nobody changes meanwhile, if they do. Others are looked at
    /// once, in a copy: what is in pages may be written to by whoever sent it.
    #[inline]
    fn slice(&self, _offset: u32, _len: u32) -> Option<&[u8]> {
        None
    }

    /// Fills `to` from `offset`; false if that is beyond the end.
    fn read(&self, offset: u32, to: &mut [u8]) -> bool;

    /// `N` octets from `offset`; none if they reach beyond the end.
    #[inline]
    fn octets<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let mut octets = [0; N];
        self.read(offset, &mut octets).then_some(octets)
    }
}

/// What a TCP header says of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The side that sent it.
    pub from: Side,
    /// Sequence number of the first payload octet: the header's, one more with SYN.
    pub seq: u32,
    /// The acknowledgement number, if the ACK flag is set.
    pub ack: Option<u32>,
    /// The FIN flag.
    pub fin: bool,
    /// The URG flag.
    pub urgent: bool,
}

/// What has become of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// Its new octets were taken in. Segments that were kept may have no hole in front of them any longer.
    New,
    /// It has no new octets.
    Nothing,
    /// Octets in front of it are missing. Whoever can keeps it and hands it in once more when
    /// [`is_behind_hole`](super::Connection::is_behind_hole) says no. One that is already kept has to be kept too if its
    /// octets are not the same: which of the two the receiver takes is not known here.
    BehindHole,
}
