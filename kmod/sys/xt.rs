// SPDX-License-Identifier: GPL-2.0-only

//! The registration of the iptables match with x_tables.

use super::{
    c_name,
    pernet::{Net, NetState},
    skb::Skb,
    zeroed, Global,
};
use crate::{bindings, check, rule};
use kernel::{
    bindings::sk_buff,
    error::to_result,
    ffi::{c_int, c_uint},
    prelude::*,
    ThisModule,
};

/// What a rule holds, as user space gave it (kmod/uapi/xt_tlsconn.h).
pub use crate::bindings::xt_tlsconn_mtinfo as MatchInfo;

const fn registration(family: u32) -> bindings::xt_match {
    bindings::xt_match {
        name: c_name(c"tlsconn"),
        revision: 0,
        match_: Some(tlsconn_mt),
        checkentry: Some(tlsconn_mt_check),
        destroy: Some(tlsconn_mt_destroy),
        matchsize: size_of::<MatchInfo>() as c_uint,
        // x_tables refuses rules without `-p tcp` itself.
        proto: bindings::IPPROTO_TCP as u16,
        family: family as u16,
        // SAFETY: All-zero octets are a match that is none.
        ..unsafe { zeroed() }
    }
}

static MATCHES: Global<[bindings::xt_match; 2]> = Global::new([
    registration(bindings::NFPROTO_IPV4),
    registration(bindings::NFPROTO_IPV6),
]);

/// The registered match, for IPv4 and IPv6; gone when dropped. A rule that uses it holds the module.
pub struct Registration(());

impl Registration {
    /// Registers. Process context. Called once, by [`super::Registrations::new`].
    pub(super) fn new(module: &'static ThisModule) -> Result<Self> {
        // SAFETY: This is called once, so they are not registered, and nobody else knows of them.
        let matches = unsafe { &mut *MATCHES.get() };
        for entry in matches.iter_mut() {
            entry.me = module.as_ptr();
        }
        // SAFETY: The matches are complete and live as long as the module.
        to_result(unsafe { bindings::xt_register_matches(matches.as_mut_ptr(), 2) })?;
        Ok(Self(()))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: They were registered.
        unsafe { bindings::xt_unregister_matches(MATCHES.get().cast(), 2) };
    }
}

/// Whether a packet matches a rule. Softirq or process context, under RCU.
///
/// # Safety
///
/// For x_tables, which hands over a valid packet with its network header set, and valid parameters; so below.
unsafe extern "C" fn tlsconn_mt(
    skb: *const sk_buff,
    parameters: *mut bindings::xt_action_param,
) -> bool {
    // SAFETY: As the caller promises.
    let (packet, info, tcp) = unsafe { packet_and_rule(skb, parameters) };
    match rule::quick_matches(info, packet, tcp) {
        Some(matches) => matches,
        // SAFETY: As the caller promises.
        None => unsafe { any_matches(skb, parameters) },
    }
}

/// What [`tlsconn_mt`] does, whatever the rule asks for.
///
/// # Safety
///
/// As above.
#[inline(never)]
unsafe fn any_matches(skb: *const sk_buff, parameters: *mut bindings::xt_action_param) -> bool {
    // SAFETY: As the caller promises.
    let (packet, info, tcp) = unsafe { packet_and_rule(skb, parameters) };
    // SAFETY: As above.
    let net = || unsafe { Net::from_raw((*(*parameters).state).net) };
    rule::matches(info, net, packet, tcp)
}

/// A packet, the rule that it meets, and where its TCP header is.
///
/// # Safety
///
/// As above.
#[inline(always)]
unsafe fn packet_and_rule<'a>(
    skb: *const sk_buff,
    parameters: *mut bindings::xt_action_param,
) -> (Skb<'a>, &'a MatchInfo, u32) {
    // SAFETY: As the caller promises.
    let packet = unsafe { Skb::from_raw(skb) };
    // SAFETY: As the caller promises; the rule's data is ours and was checked.
    unsafe {
        (
            packet,
            &*(*parameters).__bindgen_anon_2.matchinfo.cast::<MatchInfo>(),
            (*parameters).thoff,
        )
    }
}

/// Checks a rule that is to be inserted. Process context. Runs for every rule at every replacement of a table.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn tlsconn_mt_check(parameters: *const bindings::xt_mtchk_param) -> c_int {
    // SAFETY: x_tables hands over valid parameters, with as much data as the match asked for.
    let (info, net) = unsafe {
        (
            &*(*parameters).matchinfo.cast::<MatchInfo>(),
            (*parameters).net,
        )
    };
    if let Err(why) = check::check(info) {
        // SAFETY: The reason is a C string.
        unsafe { bindings::tlsconn_refused(why.as_char_ptr()) };
        return EINVAL.to_errno();
    }
    // SAFETY: The namespace is alive, as its table is being changed.
    let state = NetState::of(&unsafe { Net::from_raw(net) });
    let acquired = state.get_conntrack().and_then(|()| {
        state
            .begin_tracking()
            .inspect_err(|_| state.put_conntrack())
    });
    match acquired {
        Ok(()) => 0,
        Err(error) => error.to_errno(),
    }
}

/// Gives back what the check of a rule took. Process context; may run after the namespace's exit.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn tlsconn_mt_destroy(parameters: *const bindings::xt_mtdtor_param) {
    // SAFETY: x_tables hands over valid parameters; the namespace's memory outlives its rules.
    let state = NetState::of(&unsafe { Net::from_raw((*parameters).net) });
    state.hooks.release();
    state.put_conntrack();
}
