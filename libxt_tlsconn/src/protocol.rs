// SPDX-License-Identifier: GPL-2.0-only

//! Whether a rule is for TCP.
//!
//! The kernel refuses one that is not, but iptables can then say no more than "Invalid argument". libxtables shows the
//! rest of a rule to the parser of an option only, where `-p tcp` may still be to come, so the place is remembered
//! there and looked at once the rule is complete.

use std::ffi::c_void;

use crate::xtables::{ip6t_entry, ipt_entry, IPPROTO_TCP, XT_INV_PROTO};

/// Where the protocol of the rule stands. libxtables keeps one for each match of a rule, zero at first.
pub(crate) struct Place {
    protocol: *const u16,
    inverted: *const u8,
}

impl Place {
    /// # Safety
    ///
    /// `rule` is null or points to an IPv4 rule that lives until the match has been checked.
    pub(crate) unsafe fn in_ipv4(rule: *const c_void) -> Self {
        let rule = rule.cast::<ipt_entry>();
        if rule.is_null() {
            return Self::unknown();
        }
        Self {
            // SAFETY: As the caller says.
            protocol: unsafe { &raw const (*rule).ip.proto },
            // SAFETY: As the caller says.
            inverted: unsafe { &raw const (*rule).ip.invflags },
        }
    }

    /// # Safety
    ///
    /// `rule` is null or points to an IPv6 rule that lives until the match has been checked.
    pub(crate) unsafe fn in_ipv6(rule: *const c_void) -> Self {
        let rule = rule.cast::<ip6t_entry>();
        if rule.is_null() {
            return Self::unknown();
        }
        Self {
            // SAFETY: As the caller says.
            protocol: unsafe { &raw const (*rule).ipv6.proto },
            // SAFETY: As the caller says.
            inverted: unsafe { &raw const (*rule).ipv6.invflags },
        }
    }

    /// Programs other than iptables may have no rule around the match.
    fn unknown() -> Self {
        Self {
            protocol: std::ptr::null(),
            inverted: std::ptr::null(),
        }
    }

    /// Whether the rule can match TCP only. Where that is unknown, the kernel has the last word.
    ///
    /// # Safety
    ///
    /// The rule that this was made from is still there.
    pub(crate) unsafe fn is_tcp(&self) -> bool {
        if self.protocol.is_null() {
            return true;
        }
        // SAFETY: As the caller says.
        let protocol = unsafe { *self.protocol };
        // SAFETY: As the caller says.
        let inverted = unsafe { *self.inverted };
        u32::from(protocol) == IPPROTO_TCP && u32::from(inverted) & XT_INV_PROTO == 0
    }
}
