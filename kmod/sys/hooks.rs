// SPDX-License-Identifier: GPL-2.0-only

//! Netfilter hooks that see every packet of a namespace, just after conntrack.

use super::{
    pernet::{Namespace, State},
    rcu::Reader,
    skb::Skb,
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

/// Just after conntrack, which has then put the packet's entry to it.
const PRIORITY: c_int = bindings::NF_IP_PRI_CONNTRACK + 1;

/// Sees the packets of a namespace.
pub trait Hook: Sized + Send + Sync + 'static {
    /// A packet comes, just after conntrack has put its entry to it. Softirq context, or process context at LOCAL_OUT; under
    /// RCU.
    fn packet(net: &Namespace<Self>, skb: Skb<'_>, rcu: &Reader) -> Verdict;

    /// Whether a packet that was seen there carries nothing to be held; `strict`: nor what may be such. Softirq or process
    /// context, under RCU.
    fn may_pass(net: &Namespace<Self>, skb: Skb<'_>, strict: bool) -> bool;
}

fn hook<S: State>(
    family: u32,
    number: u32,
    namespace: *const Namespace<S>,
) -> bindings::nf_hook_ops {
    // SAFETY: All-zero bytes are a hook that is none.
    let mut hook: bindings::nf_hook_ops = unsafe { zeroed() };
    hook.hook = Some(see::<S>);
    hook.pf = family as u8;
    hook.hooknum = number;
    hook.priority = PRIORITY;
    hook.priv_ = namespace.cast_mut().cast();
    hook
}

/// Whether and for how many users the hooks of a namespace are on.
#[pin_data]
pub struct Hooks {
    net: *mut net,
    /// What netfilter keeps pointers to while they are on; each has the namespace with its state.
    operations: Opaque<[bindings::nf_hook_ops; 4]>,
    #[pin]
    users: Mutex<Users>,
}

// SAFETY: The pointer is used only while the namespace is alive, under the mutex.
unsafe impl Send for Hooks {}
// SAFETY: As above.
unsafe impl Sync for Hooks {}

struct Users {
    rules: u32,
    // Somebody asked for it, whether there are rules or not.
    requested: bool,
    // The namespace is going: its hooks are off for good.
    shut: bool,
}

impl Users {
    fn are_any(&self) -> bool {
        self.rules != 0 || self.requested
    }
}

/// Who has packets looked at.
pub struct Use {
    /// How many rules that use the match.
    pub rules: u32,
    /// Whether it was asked for.
    pub requested: bool,
}

impl Hooks {
    /// For a namespace with its state, which is, or will be, at `place`.
    pub(super) fn new<S: State>(net: *mut net, place: *const Namespace<S>) -> impl PinInit<Self> {
        pin_init!(Self {
            net,
            operations: Opaque::new([
                hook(bindings::NFPROTO_IPV4, bindings::NF_INET_PRE_ROUTING, place),
                hook(bindings::NFPROTO_IPV4, bindings::NF_INET_LOCAL_OUT, place),
                hook(bindings::NFPROTO_IPV6, bindings::NF_INET_PRE_ROUTING, place),
                hook(bindings::NFPROTO_IPV6, bindings::NF_INET_LOCAL_OUT, place),
            ]),
            users <- new_mutex!(Users { rules: 0, requested: false, shut: false }),
        })
    }

    /// The namespace. It is alive while its hooks are not shut.
    pub(super) fn net(&self) -> *mut net {
        self.net
    }

    /// Who uses them. Process context; may sleep.
    pub fn users(&self) -> Use {
        let users = self.users.lock();
        Use {
            rules: users.rules,
            requested: users.requested,
        }
    }

    /// Turns the hooks on for one more rule, after `before` where they are off. Process context; may sleep.
    pub(super) fn acquire(&self, before: impl FnOnce()) -> Result {
        let mut users = self.users.lock();
        let rules = users.rules.checked_add(1).ok_or(EOVERFLOW)?;
        self.turn_on(&users, before)?;
        users.rules = rules;
        Ok(())
    }

    /// Gives up one `acquire`. Process context; may sleep.
    pub(super) fn release(&self) {
        let mut users = self.users.lock();
        users.rules = users.rules.saturating_sub(1);
        self.turn_off(&users);
    }

    /// Turns the hooks on, as `acquire` does, until it is withdrawn; false where they were asked for already.
    pub(super) fn request(&self, before: impl FnOnce()) -> Result<bool> {
        let mut users = self.users.lock();
        if users.requested {
            return Ok(false);
        }
        self.turn_on(&users, before)?;
        users.requested = true;
        Ok(true)
    }

    /// Gives up a `request`; false where there was none. Process context; may sleep.
    pub(super) fn withdraw(&self) -> bool {
        let mut users = self.users.lock();
        let was = core::mem::replace(&mut users.requested, false);
        if was {
            self.turn_off(&users);
        }
        was
    }

    /// Turns the hooks off for good, as the namespace goes. Process context; may sleep.
    pub(super) fn shut(&self) {
        let mut users = self.users.lock();
        if users.are_any() && !users.shut {
            self.unregister();
        }
        users.shut = true;
    }

    fn turn_on(&self, users: &Users, before: impl FnOnce()) -> Result {
        if users.shut {
            return Err(ENOENT);
        }
        if users.are_any() {
            return Ok(());
        }
        before();
        // SAFETY: The namespace is alive until it is shut; the operations stay where they are until then.
        to_result(unsafe {
            bindings::nf_register_net_hooks(self.net, self.operations.get().cast(), HOOK_COUNT)
        })
    }

    fn turn_off(&self, users: &Users) {
        if !users.are_any() && !users.shut {
            self.unregister();
        }
    }

    fn unregister(&self) {
        // SAFETY: They are registered: the caller has looked, under the mutex.
        unsafe {
            bindings::nf_unregister_net_hooks(self.net, self.operations.get().cast(), HOOK_COUNT)
        };
    }
}

const HOOK_COUNT: c_uint = 4;

/// What a hook says of a packet: that it goes on. It is returned from where the work on the packet ends, so that the calls
/// on the way to there can be jumps, and the fast path needs no stack frame.
pub struct Verdict(c_uint);

impl Verdict {
    /// On the fast path.
    pub const ACCEPT: Self = Self(bindings::NF_ACCEPT);

    /// The same, hidden from the compiler: if it knew that all paths return the same, it would return that itself, after
    /// calls that are none of the jumps then.
    #[inline(always)]
    pub fn accept() -> Self {
        let mut verdict = bindings::NF_ACCEPT as usize;
        // SAFETY: There is no instruction.
        unsafe {
            core::arch::asm!(
                "/* {0} */",
                inout(reg) verdict,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        Self(verdict as c_uint)
    }
}

/// The hook. Softirq context, or process context at LOCAL_OUT; under RCU.
///
/// # Safety
///
/// For netfilter, which hands over a valid packet and state, with the packet's network header set.
unsafe extern "C" fn see<S: State>(
    private: *mut c_void,
    skb: *mut sk_buff,
    _state: *const bindings::nf_hook_state,
) -> c_uint {
    // SAFETY: As the caller promises; the namespace was handed over with the hook, and outlives it.
    let (skb, net) = unsafe { (Skb::from_raw(skb), &*private.cast::<Namespace<S>>()) };
    // SAFETY: Netfilter runs its hooks in an RCU read-side section.
    let rcu = unsafe { Reader::within() };
    S::packet(net, skb, rcu).0
}
