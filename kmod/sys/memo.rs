// SPDX-License-Identifier: GPL-2.0-only

//! What the tracker found out about the packet that this CPU is busy with, for the rules that the packet meets next.
//!
//! The packet on its way through the rules is nearly always the one that this CPU's tracker saw last; where it is not
//! (it was queued to user space, another came in between), the rules look in the table.
//!
//! It is two words, each of which is read and written at once. The first is the packet's address with what it is, so
//! that these two stay together: addresses have 16 bits in front and 3 at the end that are the same for all. The second
//! says which packet is at that address, by its conntrack entry and direction, its size and its sequence number, and once
//! more what it is: whoever is moved to another CPU in between does not take one packet's first word with another's
//! second.

use super::skb::Skb;
use crate::tls::{PacketTypes, State, Types};

/// What a packet is: bits of its types by content, by wire type from [`WIRE`](Self::WIRE) on (one type less, as none is in doubt there), and its connection's state
/// from [`STATE`](Self::STATE) on.
#[derive(Clone, Copy)]
pub struct Known(u32);

impl Known {
    const WIRE: u32 = 8;
    const STATE: u32 = 15;
    /// What it is stays below.
    const END: u64 = 1 << 19;

    /// A packet of such types, in a connection of that state.
    #[inline(always)]
    pub fn new(types: PacketTypes, state: State) -> Self {
        let PacketTypes { content, wire } = types;
        Self(
            u32::from(content.0)
                | (u32::from(wire.0) << Self::WIRE)
                | ((state as u32) << Self::STATE),
        )
    }

    /// As one number, which is not 0, as no packet is without a type.
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// From its number.
    #[inline(always)]
    pub(super) fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The same of a packet of the same connection that has no payload.
    pub fn without_payload(self) -> Self {
        let types = (1 << Self::STATE) - 1;
        let none = Self::new(PacketTypes::both(Types::NONE), State::New);
        Self((self.0 & !types) | none.0)
    }

    /// The types of its payload by what its records carry.
    #[inline(always)]
    pub fn content(self) -> Types {
        Types(self.0 as u8 & Types::ALL.0)
    }

    /// Those by their headers.
    pub fn wire(self) -> Types {
        Types((self.0 >> Self::WIRE) as u8 & !Types::IN_DOUBT.0)
    }

    /// A bit for its connection's state when it was taken in: those of a rule's `states`.
    pub fn state(self) -> u16 {
        1 << ((self.0 >> Self::STATE) & 0xf)
    }
}

/// The first word, of a packet about which nothing is known.
#[inline(always)]
fn address(skb: Skb<'_>) -> u64 {
    (skb.as_raw() as u64) << 16
}

/// The second word, but for what the packet is. A size has 20 bits, an entry's address another end.
#[inline(always)]
fn packet(skb: Skb<'_>, seq: [u8; 4]) -> u64 {
    skb.entry_and_direction()
        ^ (u64::from(skb.size()) << 44)
        ^ (u64::from(u32::from_ne_bytes(seq)) << 12)
}

/// Notes what a packet is whose header has that sequence number. Softirqs are off.
#[inline(always)]
pub fn note(skb: Skb<'_>, seq: u32, known: Known) {
    let known = u64::from(known.0);
    words::write::<1>(packet(skb, seq.to_be_bytes()) ^ known);
    words::write::<0>(address(skb) | known);
}

/// Nothing is known of any packet. Softirqs are off.
#[inline(always)]
pub fn forget() {
    words::write::<0>(0);
}

/// What was noted of a packet whose TCP header is at `tcp`, if it was the last on this CPU. An address may be used
/// again, but not for the same octets with no look of ours in between, unless they come again. Any context.
#[inline(always)]
pub fn look(skb: Skb<'_>, tcp: u32) -> Option<Known> {
    let known = words::read::<0>() ^ address(skb);
    if known >= Known::END {
        return None;
    }
    let [_, _, _, _, s0, s1, s2, s3]: &[u8; 8] = skb.linear(tcp)?;
    if words::read::<1>() != packet(skb, [*s0, *s1, *s2, *s3]) ^ known {
        return None;
    }
    Some(Known(known as u32))
}

/// This CPU's words (`tlsconn_memo` in kmod/shims.c), as `this_cpu_read()` and `this_cpu_write()` reach them: a call for
/// each would be a good part of what a rule costs.
#[cfg(all(CONFIG_X86_64, CONFIG_SMP, not(CONFIG_UML)))]
mod words {
    use core::arch::asm;

    #[inline(always)]
    pub(super) fn read<const WORD: usize>() -> u64 {
        const { assert!(WORD < 2) };
        let word;
        // SAFETY: The variable has two words on every CPU, which `gs` leads to.
        unsafe {
            asm!(
                "mov {word}, gs:[rip + tlsconn_memo + {at}]",
                word = out(reg) word,
                at = const WORD * 8,
                options(nostack, readonly, preserves_flags)
            );
        }
        word
    }

    #[inline(always)]
    pub(super) fn write<const WORD: usize>(word: u64) {
        const { assert!(WORD < 2) };
        // SAFETY: As above.
        unsafe {
            asm!(
                "mov gs:[rip + tlsconn_memo + {at}], {word}",
                word = in(reg) word,
                at = const WORD * 8,
                options(nostack, preserves_flags)
            );
        }
    }
}

/// This CPU's words, by the kernel's own macros.
#[cfg(not(all(CONFIG_X86_64, CONFIG_SMP, not(CONFIG_UML))))]
mod words {
    use crate::bindings;

    pub(super) fn read<const WORD: usize>() -> u64 {
        // SAFETY: There are two words. Any context.
        unsafe { bindings::tlsconn_memo_read(WORD as u32 & 1) }
    }

    pub(super) fn write<const WORD: usize>(word: u64) {
        // SAFETY: There are two words. Any context.
        unsafe { bindings::tlsconn_memo_write(WORD as u32 & 1, word) }
    }
}
