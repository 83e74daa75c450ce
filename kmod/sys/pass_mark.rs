// SPDX-License-Identifier: GPL-2.0-only

//! A bit of the packet mark that says which packets carry nothing to be held, for chains at one priority only.
//!
//! One hook sets or clears the bit just before them, another puts its old value back just after them, so that nobody else
//! ever sees what it says. Both are registered while a pass mark is on, and cost nothing else.
//!
//! Whether the bit was set before is kept with the packet, in the last byte of its control block. That belongs to IP at these
//! hooks, which uses the first half of it, as segmentation does all but this byte. So it stays with a packet that waits in a
//! queue, comes back on another CPU, or is cut into segments. A packet without it has not met the first hook, and is left
//! alone by the second.

use super::{
    pernet::{Namespace, State},
    rcu::synchronize_rcu,
    skb::Skb,
    word::Word,
    zeroed,
};
use crate::bindings;
use kernel::{
    bindings::{net, sk_buff},
    error::to_result,
    ffi::{c_int, c_uint, c_void},
    new_mutex,
    prelude::*,
    sync::Mutex,
    types::Opaque,
};

/// The chains that look at the bit are between the two.
const SET: c_int = bindings::NF_IP_PRI_FILTER - 6;
const PUT_BACK: c_int = bindings::NF_IP_PRI_FILTER - 4;

/// Hooks of each priority: of two families, at three places.
const COUNT: usize = 6;

/// What is kept with a packet between the two: whether its bit was set. At other times it has neither.
const WAS_CLEAR: u8 = 0xa4;
const WAS_SET: u8 = 0xa5;

/// A namespace's pass mark.
#[pin_data]
pub struct PassMark {
    // 0: off.
    bit: Word,
    // 1: what is in doubt does not pass.
    strict: Word,
    // What netfilter keeps pointers to while they are on; each has the namespace with its state.
    put_back: Opaque<[bindings::nf_hook_ops; COUNT]>,
    set: Opaque<[bindings::nf_hook_ops; COUNT]>,
    #[pin]
    hooks: Mutex<Hooks>,
}

// SAFETY: What netfilter keeps pointers to is reached under the mutex only.
unsafe impl Send for PassMark {}
// SAFETY: As above.
unsafe impl Sync for PassMark {}

/// Which hooks are registered.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Hooks {
    Off,
    On,
    /// The namespace is going: those that put back are there still.
    Closing,
    /// The namespace is going: none is there any more.
    Shut,
}

/// The fields of a packet that are written to: its mark, and the last byte of its control block.
struct Fields<'a> {
    mark: &'a mut u32,
    before: &'a mut u8,
}

impl PassMark {
    /// For a namespace with its state, which is, or will be, at `place`: off.
    pub(super) fn new<S: State>(place: *const Namespace<S>) -> impl PinInit<Self> {
        pin_init!(Self {
            bit: Word::default(),
            strict: Word::default(),
            put_back: Opaque::new(hooks(put_back::<S>, PUT_BACK, place)),
            set: Opaque::new(hooks(set::<S>, SET, place)),
            hooks <- new_mutex!(Hooks::Off),
        })
    }

    /// The bit, if one is on, and whether what is in doubt is held. Any context.
    pub fn status(&self) -> (Option<u32>, bool) {
        let bit = self.bit.get();
        ((bit != 0).then_some(bit), self.strict.get() != 0)
    }

    /// Has the bit say which packets may pass. Process context; may sleep.
    pub(super) fn turn_on(&self, net: *mut net, bit: u32, strict: bool) -> Result {
        let mut hooks = self.hooks.lock();
        if matches!(*hooks, Hooks::Closing | Hooks::Shut) {
            return Err(ENOENT);
        }
        if self.bit.get() != bit {
            self.unregister(net, &mut hooks);
            self.bit.set(bit);
        }
        self.strict.set(strict.into());
        match *hooks {
            Hooks::On => Ok(()),
            _ => self
                .register(net, &mut hooks)
                .inspect_err(|_| self.bit.set(0)),
        }
    }

    /// Whether what is in doubt is held, whatever the bit is. Process context; may sleep.
    pub(super) fn set_strict(&self, strict: bool) {
        let _hooks = self.hooks.lock();
        self.strict.set(strict.into());
    }

    /// Packets are left alone. Process context; may sleep.
    pub(super) fn turn_off(&self, net: *mut net) {
        let mut hooks = self.hooks.lock();
        self.unregister(net, &mut hooks);
        self.bit.set(0);
        self.strict.set(0);
    }

    /// The first half of turning it off for good, as the namespace goes. A grace period has to follow before the second: the
    /// caller waits for those of many namespaces at once. Process context; may sleep.
    pub(super) fn begin_shutting(&self, net: *mut net) {
        let mut hooks = self.hooks.lock();
        *hooks = match *hooks {
            Hooks::On => {
                unregister(net, &self.set);
                Hooks::Closing
            }
            _ => Hooks::Shut,
        };
    }

    /// The second half. True: a grace period has to follow before the namespace's memory goes. As above.
    pub(super) fn end_shutting(&self, net: *mut net) -> bool {
        let mut hooks = self.hooks.lock();
        let was_on = *hooks == Hooks::Closing;
        if was_on {
            unregister(net, &self.put_back);
        }
        *hooks = Hooks::Shut;
        was_on
    }

    /// Those that put back come first: whoever meets one of the others meets them too.
    fn register(&self, net: *mut net, hooks: &mut Hooks) -> Result {
        register(net, &self.put_back)?;
        register(net, &self.set).inspect_err(|_| unregister(net, &self.put_back))?;
        *hooks = Hooks::On;
        Ok(())
    }

    /// Those that put back go last, when no packet is between the two; netfilter drops what is queued then.
    fn unregister(&self, net: *mut net, hooks: &mut Hooks) {
        if *hooks == Hooks::On {
            unregister(net, &self.set);
            synchronize_rcu();
            unregister(net, &self.put_back);
            *hooks = Hooks::Off;
        }
    }

    /// Writes to a packet's mark whether it may pass. Softirq or process context.
    #[inline(always)]
    fn set(&self, packet: Fields<'_>, may_pass: impl FnOnce(bool) -> bool) {
        let bit = self.bit.get();
        *packet.before = match *packet.mark & bit {
            0 => WAS_CLEAR,
            _ => WAS_SET,
        };
        *packet.mark = match may_pass(self.strict.get() != 0) {
            true => *packet.mark | bit,
            false => *packet.mark & !bit,
        };
    }

    /// Puts back what it was. As above.
    #[inline(always)]
    fn put_back(&self, packet: Fields<'_>) {
        let bit = self.bit.get();
        match core::mem::take(packet.before) {
            WAS_CLEAR => *packet.mark &= !bit,
            WAS_SET => *packet.mark |= bit,
            // It has not met the first hook.
            before => *packet.before = before,
        }
    }
}

type Function = unsafe extern "C" fn(
    private: *mut c_void,
    skb: *mut sk_buff,
    state: *const bindings::nf_hook_state,
) -> c_uint;

/// Both families' hooks of a priority.
fn hooks<S: State>(
    function: Function,
    priority: c_int,
    namespace: *const Namespace<S>,
) -> [bindings::nf_hook_ops; COUNT] {
    let hook = |family: u32, place: u32| {
        // SAFETY: All-zero bytes are a hook that is none.
        let mut hook: bindings::nf_hook_ops = unsafe { zeroed() };
        hook.hook = Some(function);
        hook.pf = family as u8;
        hook.hooknum = place;
        hook.priority = priority;
        hook.priv_ = namespace.cast_mut().cast();
        hook
    };
    [
        hook(bindings::NFPROTO_IPV4, bindings::NF_INET_LOCAL_IN),
        hook(bindings::NFPROTO_IPV4, bindings::NF_INET_FORWARD),
        hook(bindings::NFPROTO_IPV4, bindings::NF_INET_LOCAL_OUT),
        hook(bindings::NFPROTO_IPV6, bindings::NF_INET_LOCAL_IN),
        hook(bindings::NFPROTO_IPV6, bindings::NF_INET_FORWARD),
        hook(bindings::NFPROTO_IPV6, bindings::NF_INET_LOCAL_OUT),
    ]
}

/// Under the mutex; process context.
fn register(net: *mut net, hooks: &Opaque<[bindings::nf_hook_ops; COUNT]>) -> Result {
    // SAFETY: The namespace is alive until it is shut; the operations stay where they are until then.
    to_result(unsafe { bindings::nf_register_net_hooks(net, hooks.get().cast(), COUNT as c_uint) })
}

/// As above, of what is registered.
fn unregister(net: *mut net, hooks: &Opaque<[bindings::nf_hook_ops; COUNT]>) {
    // SAFETY: The namespace is alive until it is shut, and the caller has registered them.
    unsafe { bindings::nf_unregister_net_hooks(net, hooks.get().cast(), COUNT as c_uint) };
}

/// A namespace, a packet and what of it is written to.
///
/// # Safety
///
/// For netfilter, which hands over a valid packet that is its caller's to write to, with the network header set, and the
/// namespace that was given with the hook; so below.
#[inline(always)]
unsafe fn parts<'a, S: State>(
    private: *mut c_void,
    skb: *mut sk_buff,
) -> (&'a Namespace<S>, Skb<'a>, Fields<'a>) {
    // SAFETY: As the caller promises; the namespace outlives its hooks. Nobody else reads or writes these fields meanwhile:
    // they are in the packet's own struct, of which `Skb` looks at others only.
    unsafe {
        (
            &*private.cast::<Namespace<S>>(),
            Skb::from_raw(skb),
            Fields {
                mark: &mut *skb.byte_add(bindings::TLSCONN_SKB_MARK as usize).cast(),
                before: &mut *skb.byte_add(bindings::TLSCONN_SKB_BEFORE as usize).cast(),
            },
        )
    }
}

/// The hook before the chains. Softirq context, or process context at LOCAL_OUT; under RCU.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn set<S: State>(
    private: *mut c_void,
    skb: *mut sk_buff,
    _state: *const bindings::nf_hook_state,
) -> c_uint {
    // SAFETY: As the caller promises.
    let (net, skb, fields) = unsafe { parts::<S>(private, skb) };
    net.pass_mark
        .set(fields, |strict| S::may_pass(net, skb, strict));
    bindings::NF_ACCEPT
}

/// The hook after them. As above.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn put_back<S: State>(
    private: *mut c_void,
    skb: *mut sk_buff,
    _state: *const bindings::nf_hook_state,
) -> c_uint {
    // SAFETY: As the caller promises.
    let (net, _, fields) = unsafe { parts::<S>(private, skb) };
    net.pass_mark.put_back(fields);
    bindings::NF_ACCEPT
}
