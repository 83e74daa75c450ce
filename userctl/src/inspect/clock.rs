// SPDX-License-Identifier: GPL-2.0-only

//! Times of frames, by which waits and idle connections are judged: a time that both neighbours contradict is none.

use std::time::Instant;

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
    /// When that time came, by this machine's clock, if the capture is read as it is made.
    heard: Option<Instant>,
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
    /// For a capture that is read as it is made: a frame after a pause is believed where the pause was as long here.
    pub(super) fn live() -> Self {
        Self {
            heard: Some(Instant::now()),
            ..Self::default()
        }
    }

    /// The frame that has waited for this one. Its time is its own if the next frame's is nearer to that than to what was
    /// believed before it; else it is what was believed.
    pub(super) fn settle(&mut self, next: Time) -> Option<Doubted> {
        let mut doubted = self.doubted.take()?;
        let far = |from: Time| next.abs_diff(from);
        match self.believed {
            Some(believed) if far(believed) < far(doubted.time) => doubted.time = believed,
            _ => self.believe(doubted.time),
        }
        Some(doubted)
    }

    /// The frame that no other came after: nothing contradicts its time.
    pub(super) fn last(&mut self) -> Option<Doubted> {
        self.doubted.take()
    }

    /// Whether a frame's time is to be believed at once; else the frame waits here for the next one.
    pub(super) fn believes(&mut self, frame: &Frame<'_>) -> bool {
        let is_near = |to: Time| frame.time.abs_diff(to) <= NEAR.unsigned_abs();
        let passed =
            |heard: Instant| Time::try_from(heard.elapsed().as_nanos()).unwrap_or(Time::MAX);
        let is_believed = self.believed.is_none_or(|believed| {
            is_near(believed)
                || self
                    .heard
                    .is_some_and(|heard| is_near(believed.saturating_add(passed(heard))))
        });
        match is_believed {
            true => self.believe(frame.time),
            false => self.doubted = Some(Doubted::of(frame)),
        }
        is_believed
    }

    fn believe(&mut self, time: Time) {
        self.believed = Some(time);
        if let Some(heard) = &mut self.heard {
            *heard = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BEGIN: Time = 1_000_000 * SECOND;

    fn frame(time: Time) -> Frame<'static> {
        Frame {
            number: 1,
            offset: 0,
            link: 1,
            big_endian: false,
            time,
            octets: &[],
        }
    }

    /// After a pause of so many seconds here.
    fn paused(mut clock: Clock, seconds: u64) -> Clock {
        assert!(clock.believes(&frame(BEGIN)));
        clock.heard = clock
            .heard
            .and_then(|heard| heard.checked_sub(Duration::from_secs(seconds)));
        clock
    }

    #[test]
    fn a_pause_of_a_live_capture_is_believed_at_once() {
        for (pause, late, is_believed) in [
            (300, 300, true),
            (300, 250, true),
            (300, 0, true),
            (300, 400, false),
            (300, 150, false),
            (0, 300, false),
        ] {
            let mut clock = paused(Clock::live(), pause);
            let frame = frame(BEGIN + late * SECOND);
            assert_eq!(clock.believes(&frame), is_believed, "{pause} {late}");
            let mut read = paused(Clock::default(), pause);
            assert_eq!(read.believes(&frame), late <= 60, "{pause} {late}");
        }
    }
}
