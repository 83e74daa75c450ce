// SPDX-License-Identifier: GPL-2.0-only

//! Matches of x_tables (`struct xt_match`).

use super::{
    c_name,
    net::Net,
    pernet::{self, Namespace, State},
    skb::Skb,
    zeroed, Global,
};
use crate::bindings;
use core::{ffi::CStr, marker::PhantomData};
use kernel::{
    bindings::sk_buff,
    error::to_result,
    ffi::{c_char, c_int, c_uint},
    prelude::*,
    ThisModule,
};

/// The error with which a rule is refused, and a word why, for the kernel's log.
pub type Refusal = (Error, &'static CStr);

/// A match, for IPv4 and IPv6.
pub trait Match: Sized + 'static {
    /// What a rule holds, as user space gave it.
    type Info: 'static;
    /// What namespaces have, whose hooks are on while one has a rule.
    type State: State;
    /// What a rule may hold as long as it is there.
    type Held: Send + Sync + 'static;

    /// Its name.
    const NAME: &'static CStr;
    /// The protocol that its rules name: x_tables refuses others itself.
    const PROTOCOL: u16;
    /// Where `Info` has room for what a rule holds: 8 bytes at its end, which are the kernel's own.
    const HELD_AT: usize;

    /// It, as x_tables keeps it: a `static`.
    fn matches() -> &'static Matches<Self>;

    /// Whether a packet fits a rule, where that can be said at once; its transport header is at `transport` after the network
    /// header. Softirq or process context, under RCU.
    fn fast_path(info: &Self::Info, skb: Skb<'_>, transport: u32) -> Option<bool>;

    /// Whether it does, where that took more; `net` is the rule's namespace, `held` what the check gave. As above.
    fn fits<'a>(
        info: &Self::Info,
        held: Option<&Self::Held>,
        net: impl Fn() -> &'a Namespace<Self::State>,
        skb: Skb<'_>,
        transport: u32,
    ) -> bool;

    /// Whether a rule may be inserted into the table of that name, and what it holds then. Process context; may sleep. For
    /// every rule at every replacement of a table.
    fn check(
        info: &Self::Info,
        net: &Namespace<Self::State>,
        table: Table<'_>,
    ) -> Result<Option<Self::Held>, Refusal>;
}

/// Where a rule has what it holds: written when it is checked, before any packet meets it, and read until it is destroyed.
///
/// # Safety
///
/// `info` is a rule's data.
#[inline]
unsafe fn held<M: Match>(info: *const M::Info) -> *mut Option<M::Held> {
    const {
        assert!(M::HELD_AT + 8 == size_of::<M::Info>() && M::HELD_AT % 8 == 0);
        assert!(size_of::<Option<M::Held>>() == 8 && align_of::<Option<M::Held>>() == 8);
    }
    // SAFETY: It is within the rule's data, which x_tables and nft have at multiples of 8 bytes.
    unsafe { info.cast::<u8>().add(M::HELD_AT) }
        .cast_mut()
        .cast()
}

/// The table that a rule is in.
///
/// # Invariants
///
/// The pointer is to a C string that stays as it is for `'a`.
#[derive(Clone, Copy)]
pub struct Table<'a>(*const c_char, PhantomData<&'a c_char>);

impl Table<'_> {
    /// Whether it has that name. Any context.
    pub fn is(self, name: &CStr) -> bool {
        // SAFETY: By the invariant both are C strings.
        unsafe { bindings::strcmp(self.0, name.as_char_ptr()) == 0 }
    }
}

/// A match as x_tables keeps it.
pub struct Matches<M>(Global<[bindings::xt_match; 2]>, PhantomData<fn() -> M>);

impl<M: Match> Matches<M> {
    /// Not registered yet: for a `static`.
    pub const fn unregistered() -> Self {
        Self(
            Global::new([
                of_family::<M>(bindings::NFPROTO_IPV4),
                of_family::<M>(bindings::NFPROTO_IPV6),
            ]),
            PhantomData,
        )
    }
}

const fn of_family<M: Match>(family: u32) -> bindings::xt_match {
    bindings::xt_match {
        name: c_name(M::NAME),
        revision: 0,
        match_: Some(matches::<M>),
        checkentry: Some(check::<M>),
        destroy: Some(destroy::<M>),
        matchsize: size_of::<M::Info>() as c_uint,
        usersize: M::HELD_AT as c_uint,
        proto: M::PROTOCOL,
        family: family as u16,
        // SAFETY: All-zero bytes are a match that is none.
        ..unsafe { zeroed() }
    }
}

/// The registered match; gone when dropped, before the namespaces' states are. A rule that uses it holds the module.
pub struct Registration<M: Match>(&'static Matches<M>);

impl<M: Match> Registration<M> {
    /// Registers, once namespaces have states. Process context. EBUSY the second time. The last that can fail when the module
    /// is loaded: a rule holds the module, which a module that fails to load does not heed.
    pub fn new(module: &'static ThisModule, _: &pernet::Registration<M::State>) -> Result<Self> {
        let all = M::matches();
        all.0.claim()?;
        // SAFETY: Nobody else knows of them: they were not registered before.
        let matches = unsafe { &mut *all.0.get() };
        for entry in matches.iter_mut() {
            entry.me = module.as_ptr();
        }
        // SAFETY: The matches are complete and live as long as the module.
        to_result(unsafe { bindings::xt_register_matches(matches.as_mut_ptr(), 2) })?;
        Ok(Self(all))
    }
}

impl<M: Match> Drop for Registration<M> {
    fn drop(&mut self) {
        // SAFETY: They were registered.
        unsafe { bindings::xt_unregister_matches(self.0 .0.get().cast(), 2) };
    }
}

/// Whether a packet matches a rule. Softirq or process context, under RCU.
///
/// # Safety
///
/// For x_tables, which hands over a valid packet with its network header set, and valid parameters; so below.
unsafe extern "C" fn matches<M: Match>(
    skb: *const sk_buff,
    parameters: *mut bindings::xt_action_param,
) -> bool {
    // SAFETY: As the caller promises.
    let (packet, info, transport) = unsafe { packet_and_rule::<M>(skb, parameters) };
    match M::fast_path(info, packet, transport) {
        Some(matches) => matches,
        // SAFETY: As the caller promises.
        None => unsafe { any_matches::<M>(skb, parameters) },
    }
}

/// What [`matches`] does, whatever the rule asks for.
///
/// # Safety
///
/// As above.
#[inline(never)]
unsafe fn any_matches<M: Match>(
    skb: *const sk_buff,
    parameters: *mut bindings::xt_action_param,
) -> bool {
    // SAFETY: As the caller promises.
    let (packet, info, transport) = unsafe { packet_and_rule::<M>(skb, parameters) };
    // SAFETY: As the caller promises: a rule is of a namespace that is alive, whose state was made before the match could be
    // used.
    let net = || unsafe { Namespace::of(&Net::from_raw((*(*parameters).state).net)) };
    // SAFETY: The rule was checked, which wrote it, and is not destroyed.
    let held = unsafe { (*held::<M>(info)).as_ref() };
    M::fits(info, held, net, packet, transport)
}

/// A packet, the rule that it meets, and where its transport header is.
///
/// # Safety
///
/// As above.
#[inline(always)]
unsafe fn packet_and_rule<'a, M: Match>(
    skb: *const sk_buff,
    parameters: *mut bindings::xt_action_param,
) -> (Skb<'a>, &'a M::Info, u32) {
    // SAFETY: As the caller promises.
    let packet = unsafe { Skb::from_raw(skb) };
    // SAFETY: As the caller promises; the rule's data is of the size asked for.
    unsafe {
        (
            packet,
            &*(*parameters).__bindgen_anon_2.matchinfo.cast::<M::Info>(),
            (*parameters).thoff,
        )
    }
}

/// Checks a rule that is to be inserted. Process context. Runs for every rule at every replacement of a table.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn check<M: Match>(parameters: *const bindings::xt_mtchk_param) -> c_int {
    // SAFETY: x_tables hands over valid parameters, with as much data as the match asked for and the name of its table.
    let (info, net, table) = unsafe {
        (
            &*(*parameters).matchinfo.cast::<M::Info>(),
            (*parameters).net,
            Table((*parameters).table, PhantomData),
        )
    };
    // SAFETY: The namespace is alive, as its table is being changed.
    let net = unsafe { Net::from_raw(net) };
    let net = Namespace::<M::State>::of(&net);
    let holds = match M::check(info, net, table) {
        Ok(holds) => holds,
        Err((error, why)) => {
            // SAFETY: The reason is a C string.
            unsafe { bindings::tlsconn_refused(why.as_char_ptr()) };
            return error.to_errno();
        }
    };
    if let Err(error) = net.begin_tracking() {
        return error.to_errno();
    }
    // SAFETY: It is the data of a rule that no packet meets yet, and nobody else looks at. Whatever user space has written there
    // is no value that would have to be dropped.
    unsafe { held::<M>((*parameters).matchinfo.cast()).write(holds) };
    0
}

/// Gives back what the check of a rule took. Process context; may run after the namespace's exit.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn destroy<M: Match>(parameters: *const bindings::xt_mtdtor_param) {
    // SAFETY: x_tables hands over valid parameters: a rule that was checked, and that no packet meets any longer.
    drop(unsafe { held::<M>((*parameters).matchinfo.cast()).read() });
    // SAFETY: x_tables hands over valid parameters; the namespace's memory outlives its rules.
    let net = unsafe { Net::from_raw((*parameters).net) };
    Namespace::<M::State>::of(&net).end_tracking();
}
