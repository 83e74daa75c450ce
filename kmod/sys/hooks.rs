// SPDX-License-Identifier: GPL-2.0-only

//! The netfilter hooks that show the tracker every packet.

use super::{
    pernet::{Net, NetState},
    skb::Skb,
    zeroed, Global,
};
use crate::{bindings, packet::Packet, tracker};
use kernel::{
    bindings::{net, sk_buff},
    error::to_result,
    ffi::{c_int, c_uint, c_void},
    new_mutex,
    prelude::*,
    sync::Mutex,
};

/// Just behind conntrack, which has then put the packet's entry to it.
const PRIORITY: c_int = bindings::NF_IP_PRI_CONNTRACK + 1;

const fn hook(family: u32, number: u32) -> bindings::nf_hook_ops {
    // SAFETY: All-zero octets are a hook that is none.
    let mut hook: bindings::nf_hook_ops = unsafe { zeroed() };
    hook.hook = Some(see);
    hook.pf = family as u8;
    hook.hooknum = number;
    hook.priority = PRIORITY;
    hook
}

// The kernel copies what it needs per namespace, so one array serves all.
static HOOKS: Global<[bindings::nf_hook_ops; 4]> = Global::new([
    hook(bindings::NFPROTO_IPV4, bindings::NF_INET_PRE_ROUTING),
    hook(bindings::NFPROTO_IPV4, bindings::NF_INET_LOCAL_OUT),
    hook(bindings::NFPROTO_IPV6, bindings::NF_INET_PRE_ROUTING),
    hook(bindings::NFPROTO_IPV6, bindings::NF_INET_LOCAL_OUT),
]);

/// Whether and for how many users the hooks of a namespace are on.
#[pin_data]
pub struct Hooks {
    net: *mut net,
    #[pin]
    users: Mutex<Users>,
}

// SAFETY: The pointer is used only while the namespace is alive, under the mutex.
unsafe impl Send for Hooks {}
// SAFETY: As above.
unsafe impl Sync for Hooks {}

struct Users {
    count: u32,
    // The namespace is going: its hooks are off for good.
    shut: bool,
}

impl Hooks {
    pub(super) fn new(net: *mut net) -> impl PinInit<Self> {
        pin_init!(Self {
            net,
            users <- new_mutex!(Users { count: 0, shut: false }),
        })
    }

    /// Turns the hooks on for one more user, after `before` where they are off. Process context; may sleep.
    pub(super) fn acquire(&self, before: impl FnOnce()) -> Result {
        let mut users = self.users.lock();
        if users.shut {
            return Err(ENOENT);
        }
        let count = users.count.checked_add(1).ok_or(EOVERFLOW)?;
        if users.count == 0 {
            before();
            // SAFETY: The namespace is alive until it is shut; the hooks live as long as the module.
            to_result(unsafe {
                bindings::nf_register_net_hooks(self.net, HOOKS.get().cast(), HOOK_COUNT)
            })?;
        }
        users.count = count;
        Ok(())
    }

    /// Gives up one `acquire`. Process context; may sleep.
    pub fn release(&self) {
        let mut users = self.users.lock();
        users.count = users.count.saturating_sub(1);
        if users.count == 0 && !users.shut {
            self.unregister();
        }
    }

    /// Turns the hooks off for good, as the namespace goes. Process context; may sleep.
    pub(super) fn shut(&self) {
        let mut users = self.users.lock();
        if users.count != 0 {
            self.unregister();
        }
        users.shut = true;
    }

    fn unregister(&self) {
        // SAFETY: They are registered: the caller has looked, under the mutex.
        unsafe { bindings::nf_unregister_net_hooks(self.net, HOOKS.get().cast(), HOOK_COUNT) };
    }
}

const HOOK_COUNT: c_uint = 4;

/// The hook. Softirq context, or process context at LOCAL_OUT; under RCU.
///
/// # Safety
///
/// For netfilter, which hands over a valid packet and state, with the packet's network header set.
unsafe extern "C" fn see(
    _private: *mut c_void,
    skb: *mut sk_buff,
    state: *const bindings::nf_hook_state,
) -> c_uint {
    // SAFETY: As the caller promises; the namespace of a packet is alive.
    let (skb, net) = unsafe { (Skb::from_raw(skb), Net::from_raw((*state).net)) };
    if let Some(packet) = Packet::new(skb) {
        tracker::track(NetState::of(&net), &packet);
    }
    bindings::NF_ACCEPT
}
