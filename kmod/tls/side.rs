// SPDX-License-Identifier: GPL-2.0-only
//! The two sides of a connection.

/// A side of a TCP connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Side {
    /// The TCP initiator.
    Src = 0,
    /// The TCP responder.
    Dst = 1,
}

impl Side {
    /// The one on the other end.
    pub fn other(self) -> Self {
        match self {
            Side::Src => Side::Dst,
            Side::Dst => Side::Src,
        }
    }
}

/// One of something for each side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PerSide<T> {
    src: T,
    dst: T,
}

impl<T> PerSide<T> {
    /// That of a side, and the other.
    #[inline(always)]
    pub(super) fn both_mut(&mut self, side: Side) -> (&mut T, &mut T) {
        match side {
            Side::Src => (&mut self.src, &mut self.dst),
            Side::Dst => (&mut self.dst, &mut self.src),
        }
    }

    /// That of each.
    pub const fn new(src: T, dst: T) -> Self {
        PerSide { src, dst }
    }

    /// That of a side.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Src => &self.src,
            Side::Dst => &self.dst,
        }
    }

    /// That of a side.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Src => &mut self.src,
            Side::Dst => &mut self.dst,
        }
    }
}
