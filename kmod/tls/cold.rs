// SPDX-License-Identifier: GPL-2.0-only
//! The part of a direction that few packets touch, apart from the rest so that they need not fetch it.

use super::resync::Chain;

/// What the packet path seldom touches of a direction.
#[derive(Clone, Debug)]
pub(super) struct ColdState {
    first: u32,
    /// The sequence number of the FIN, once there is one.
    pub(super) fin: u32,
    pub(super) chain: Chain,
    /// Complete records of the other wire types: 20, 21, 22, 24.
    pub(super) records: [u16; 4],
}

impl ColdState {
    pub(super) fn new(first: u32) -> Self {
        ColdState {
            first,
            fin: 0,
            chain: Chain::default(),
            records: [0; 4],
        }
    }

    /// The sequence number of the first byte.
    pub(super) fn first(&self) -> u32 {
        self.first
    }
}
