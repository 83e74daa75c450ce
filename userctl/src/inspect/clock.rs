// SPDX-License-Identifier: GPL-2.0-only

//! Times of frames, by which waits and idle connections are judged: a time that both neighbours contradict is none.

use super::{
    capture::Frame,
    interface::{Time, SECOND},
};

/// By how much the time of a frame may differ from that of the frame before it without a look at the frame after it.
const NEAR: Time = 60 * SECOND;

/// What is known of the time.
#[derive(Default)]
pub(super) struct Clock {
    /// The last time that is believed.
    believed: Option<Time>,
    doubted: Option<Doubted>,
}

/// A frame that waits for the next one, with what was captured of it.
pub(super) struct Doubted {
    number: u64,
    offset: u64,
    link: i32,
    big_endian: bool,
    time: Time,
    octets: Box<[u8]>,
}

impl Doubted {
    fn of(frame: &Frame<'_>) -> Self {
        Self {
            number: frame.number,
            offset: frame.offset,
            link: frame.link,
            big_endian: frame.big_endian,
            time: frame.time,
            octets: frame.octets.into(),
        }
    }

    /// The frame.
    pub(super) fn frame(&self) -> Frame<'_> {
        Frame {
            number: self.number,
            offset: self.offset,
            link: self.link,
            big_endian: self.big_endian,
            time: self.time,
            octets: &self.octets,
        }
    }
}

impl Clock {
    /// The frame that has waited for this one. Its time is its own if the next frame's is nearer to that than to what was
    /// believed before it; else it is what was believed.
    pub(super) fn settle(&mut self, next: Time) -> Option<Doubted> {
        let mut doubted = self.doubted.take()?;
        let far = |from: Time| next.abs_diff(from);
        match self.believed {
            Some(believed) if far(believed) < far(doubted.time) => doubted.time = believed,
            _ => self.believed = Some(doubted.time),
        }
        Some(doubted)
    }

    /// The frame that no other came after: nothing contradicts its time.
    pub(super) fn last(&mut self) -> Option<Doubted> {
        self.doubted.take()
    }

    /// Whether a frame's time is to be believed at once; else the frame waits here for the next one.
    pub(super) fn believes(&mut self, frame: &Frame<'_>) -> bool {
        let is_near = |believed: Time| frame.time.abs_diff(believed) <= NEAR.unsigned_abs();
        let is_believed = self.believed.is_none_or(is_near);
        match is_believed {
            true => self.believed = Some(frame.time),
            false => self.doubted = Some(Doubted::of(frame)),
        }
        is_believed
    }
}
