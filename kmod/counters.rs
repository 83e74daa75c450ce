// SPDX-License-Identifier: GPL-2.0-only

//! What a namespace's tracker has seen, in numbers (`tlsconnctl stats`).

use crate::{bindings, sys::percpu::PerCpu, tls::Reason};
use kernel::prelude::*;

/// The enumeration, and each by its attribute.
macro_rules! counted {
    ($({ $counter:ident $number:ident $word:literal $means:literal $remedy:literal $(of $reason:ident)? })+) => {
        /// What is counted.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub enum Counter {
            $(#[doc = $means] $counter,)+
        }

        impl Counter {
            /// All there are.
            pub const ALL: [Self; bindings::TLSCONN_A_STATS_MAX as usize] = [$(Self::$counter,)+];

            /// The attribute that tells it.
            pub const fn attribute(self) -> u32 {
                (self as u32).wrapping_add(1)
            }

            /// That of connections which have become lost, tainted or not TLS for a reason.
            pub fn of(reason: Reason) -> Option<Self> {
                match reason {
                    Reason::None => None,
                    $($(Reason::$reason => Some(Self::$counter),)?)+
                }
            }
        }

        const _: () = {
            $(assert!(Counter::$counter.attribute() == bindings::$number);)+
        };
    };
}

crate::counters! { counted }

const COUNTERS: usize = Counter::ALL.len();

/// A namespace's counters.
pub struct Counters(PerCpu<COUNTERS>);

impl Counters {
    /// All 0. Process context.
    pub fn new() -> Result<Self> {
        Ok(Self(PerCpu::new()?))
    }

    /// Counts a packet with so many bytes of payload. Any context.
    #[inline]
    pub fn packet(&self, bytes: u32) {
        self.0.add_pair(bytes);
    }

    /// Counts one. Any context.
    pub fn count(&self, counter: Counter) {
        self.0.add(counter as usize, 1);
    }

    /// Counts some. Any context.
    pub fn add(&self, counter: Counter, number: u64) {
        self.0.add(counter as usize, number);
    }

    /// What was counted so far.
    pub fn sum(&self, counter: Counter) -> u64 {
        self.0.sum(counter as usize)
    }
}
