// SPDX-License-Identifier: GPL-2.0-only

//! A cache of one packet on each CPU: what the hook found out about the packet that the CPU is busy with, for the rules that
//! the packet meets next.
//!
//! The packet on its way through the rules is nearly always the one that this CPU's hook saw last; where it is not
//! (it was queued to user space, another came in between), the rules look elsewhere.
//!
//! It is two words, each of which is read and written at once. The first is the packet's address with what it is, so
//! that these two stay together: addresses have 16 bits at the top and 3 at the bottom that are the same for all. The second
//! says which packet is at that address, by its conntrack entry and direction, its size and its sequence number, and once
//! more what it is: whoever is moved to another CPU in between does not take one packet's first word with another's
//! second.
//!
//! So it needs neither a lock nor softirqs off. With PREEMPT_RT another task may come in between two words of one packet, and
//! store and look up packets of its own: the pair is then one packet's first and another's second, which fits neither. The
//! first word is a packet's address only if whoever stored it had that packet: two tasks never have one at the same time, so
//! that nobody stores an old packet's words over a new one's of the same address.

use super::skb::Skb;

/// What is noted of a packet has so many bits: the rest of the first word is the packet's address.
pub const BITS: u32 = 19;

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

/// Stores what a packet is whose header has that sequence number, in the lowest [`BITS`] of `known`. Any context; who comes
/// in between the two words, a softirq or another task, has the packet looked up elsewhere.
#[inline(always)]
pub fn store(skb: Skb<'_>, seq: u32, known: u32) {
    let known = u64::from(known);
    words::write::<1>(packet(skb, seq.to_be_bytes()) ^ known);
    words::write::<0>(address(skb) | known);
}

/// Nothing is known of any packet: another one may have the address of that of which something was. Any context.
#[inline(always)]
pub fn invalidate() {
    words::write::<0>(0);
}

/// What was stored of a packet whose TCP header is at `tcp`, if it was the last on this CPU. An address may be used
/// again, but not for the same bytes with no look of ours in between, unless they come again. Any context.
#[inline(always)]
pub fn lookup(skb: Skb<'_>, tcp: u32) -> Option<u32> {
    let known = words::read::<0>() ^ address(skb);
    if known >> BITS != 0 {
        return None;
    }
    let [_, _, _, _, s0, s1, s2, s3]: &[u8; 8] = skb.linear(tcp)?;
    if words::read::<1>() != packet(skb, [*s0, *s1, *s2, *s3]) ^ known {
        return None;
    }
    Some(known as u32)
}

/// This CPU's words (`tlsconn_packet_cache` in kmod/helpers.c), as `this_cpu_read()` and `this_cpu_write()` reach them: a call for
/// each would be a good part of what a rule costs.
#[cfg(all(CONFIG_X86_64, CONFIG_SMP, not(CONFIG_UML)))]
mod words {
    use core::arch::asm;

    /// This CPU's word 0 or 1. Any context; with preemption off if the two words have to be of one CPU.
    #[inline(always)]
    pub(super) fn read<const WORD: usize>() -> u64 {
        const { assert!(WORD < 2) };
        let word;
        // SAFETY: The variable has two words on every CPU, which `gs` leads to.
        unsafe {
            asm!(
                "mov {word}, gs:[rip + tlsconn_packet_cache + {at}]",
                word = out(reg) word,
                at = const WORD * 8,
                options(nostack, readonly, preserves_flags)
            );
        }
        word
    }

    /// Sets this CPU's word 0 or 1. Any context, likewise.
    #[inline(always)]
    pub(super) fn write<const WORD: usize>(word: u64) {
        const { assert!(WORD < 2) };
        // SAFETY: As above.
        unsafe {
            asm!(
                "mov gs:[rip + tlsconn_packet_cache + {at}], {word}",
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

    /// This CPU's word 0 or 1. Any context; with preemption off if the two words have to be of one CPU.
    pub(super) fn read<const WORD: usize>() -> u64 {
        // SAFETY: There are two words. Any context.
        unsafe { bindings::tlsconn_packet_cache_read(WORD as u32 & 1) }
    }

    /// Sets this CPU's word 0 or 1. Any context, likewise.
    pub(super) fn write<const WORD: usize>(word: u64) {
        // SAFETY: There are two words. Any context.
        unsafe { bindings::tlsconn_packet_cache_write(WORD as u32 & 1, word) }
    }
}
