// SPDX-License-Identifier: GPL-2.0-only

//! What attributes requests may have: the kernel refuses all others before a handler sees them.

use super::zeroed;
use crate::bindings;
use core::mem::ManuallyDrop;

/// Policies by the numbers of their attributes.
pub(super) type Attributes = [bindings::nla_policy];

const fn policy(kind: u32, len: u16) -> bindings::nla_policy {
    // SAFETY: All-zero octets are a valid policy: no attribute of that number.
    let mut policy: bindings::nla_policy = unsafe { zeroed() };
    policy.type_ = kind as u8;
    policy.len = len;
    policy
}

/// A nest of attributes, which the kernel checks by their own policies.
const fn nested(attributes: &'static Attributes) -> bindings::nla_policy {
    let mut policy = policy(bindings::NLA_NESTED, (attributes.len() - 1) as u16);
    policy.__bindgen_anon_1.nested_policy = ManuallyDrop::new(attributes.as_ptr());
    policy
}

/// 32 bits, of which only some may be set.
const fn mask(bits: u32) -> bindings::nla_policy {
    let mut policy = policy(bindings::NLA_U32, 0);
    policy.validation_type = bindings::TLSCONN_VALIDATE_MASK as u8;
    policy.__bindgen_anon_1.mask = ManuallyDrop::new(bits);
    policy
}

/// A bit for each state.
const STATES: u32 = (2 << bindings::TLSCONN_STATE_TAINTED) - 1;

const REJECTED: bindings::nla_policy = policy(bindings::NLA_REJECT, 0);

/// A policy array, shared with the kernel, which only reads it.
pub(super) struct Policies<const N: usize>(pub(super) [bindings::nla_policy; N]);

// SAFETY: Nobody writes to it.
unsafe impl<const N: usize> Sync for Policies<N> {}

pub(super) static CONNECTION_GET: Policies<{ bindings::TLSCONN_A_CONNECTION_ID as usize + 1 }> =
    Policies([REJECTED, policy(bindings::NLA_UINT, 0)]);

pub(super) static CONNECTION_DUMP: Policies<{ bindings::TLSCONN_A_CONNECTION_LIVE as usize + 1 }> = {
    let mut policies = [REJECTED; bindings::TLSCONN_A_CONNECTION_LIVE as usize + 1];
    policies[bindings::TLSCONN_A_CONNECTION_SELECTOR as usize] = nested(&SELECTOR.0);
    policies[bindings::TLSCONN_A_CONNECTION_STATES as usize] = mask(STATES);
    policies[bindings::TLSCONN_A_CONNECTION_LIVE as usize] = policy(bindings::NLA_FLAG, 0);
    Policies(policies)
};

static SELECTOR: Policies<{ bindings::TLSCONN_A_SELECTOR_DST_PORT as usize + 1 }> = Policies([
    REJECTED,
    policy(bindings::NLA_BINARY, bindings::XT_TLSCONN_ID_MAX as u16),
    policy(bindings::NLA_BINARY, bindings::XT_TLSCONN_ID_MAX as u16),
    policy(bindings::NLA_BINARY, bindings::XT_TLSCONN_ID_MAX as u16),
    policy(bindings::NLA_BINARY, bindings::XT_TLSCONN_NAME_MAX as u16),
    policy(bindings::NLA_BINARY, 16),
    policy(bindings::NLA_U8, 0),
    policy(bindings::NLA_U16, 0),
    policy(bindings::NLA_BINARY, 16),
    policy(bindings::NLA_U8, 0),
    policy(bindings::NLA_U16, 0),
]);

pub(super) static PIN_GET: Policies<{ bindings::TLSCONN_A_PIN_NAME as usize + 1 }> = Policies([
    REJECTED,
    policy(
        bindings::NLA_NUL_STRING,
        bindings::TLSCONN_PIN_NAME_MAX as u16,
    ),
]);

pub(super) static PIN_SET: Policies<{ bindings::TLSCONN_A_PIN_FOLLOW as usize + 1 }> = Policies([
    REJECTED,
    policy(
        bindings::NLA_NUL_STRING,
        bindings::TLSCONN_PIN_NAME_MAX as u16,
    ),
    policy(bindings::NLA_U32, 0),
    policy(bindings::NLA_U32, 0),
    policy(bindings::NLA_UINT, 0),
    REJECTED,
    policy(bindings::NLA_FLAG, 0),
    REJECTED,
    policy(bindings::NLA_FLAG, 0),
    nested(&SELECTOR.0),
    policy(bindings::NLA_UINT, 0),
    REJECTED,
    REJECTED,
    policy(bindings::NLA_FLAG, 0),
]);

pub(super) static PIN_DEL: Policies<{ bindings::TLSCONN_A_PIN_ALL as usize + 1 }> = Policies([
    REJECTED,
    policy(
        bindings::NLA_NUL_STRING,
        bindings::TLSCONN_PIN_NAME_MAX as u16,
    ),
    REJECTED,
    REJECTED,
    REJECTED,
    REJECTED,
    REJECTED,
    policy(bindings::NLA_FLAG, 0),
]);

pub(super) static TRACK_SET: Policies<{ bindings::TLSCONN_A_TRACK_REQUESTED as usize + 1 }> =
    Policies([REJECTED, REJECTED, REJECTED, policy(bindings::NLA_U8, 0)]);
