// SPDX-License-Identifier: GPL-2.0-only

//! A bit of the packet mark that says which packets carry nothing to be held, for chains at one priority only.
//!
//! One hook sets or clears the bit just before them, another puts its old value back just after them, so that nobody else
//! ever sees what it says. Both are registered while a pass mark is on, and cost nothing else.
//!
//! Where the bit was set before, that is noted for this CPU by the packet's address (`notes`). A packet that does not find
//! its note leaves with the bit clear: it was queued in between and comes back on another CPU, or it was cut into segments.
//! So what the first hook said never goes further, and what is lost is a bit that somebody else had set.

use super::{
    pernet::{Namespace, State},
    rcu::synchronize_rcu,
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
    sync::{
        atomic::{ordering::Relaxed, Atomic},
        Mutex,
    },
    types::Opaque,
};

/// The chains that look at the bit are between the two.
const SET: c_int = bindings::NF_IP_PRI_FILTER - 6;
const PUT_BACK: c_int = bindings::NF_IP_PRI_FILTER - 4;

/// Hooks of each priority: of two families, at three places.
const COUNT: usize = 6;

/// A namespace's pass mark.
#[pin_data]
pub struct PassMark {
    rule: Atomic<u64>,
    // Whether a packet came with the bit set since it was turned on: until then there are no notes to look for.
    noted: Atomic<u32>,
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

struct Hooks {
    are_on: bool,
    // The namespace is going: they are off for good.
    shut: bool,
    // How often they were turned on: notes of another time are none.
    generation: u16,
}

/// What is done to packets: the bit in the lower half, flags, and which time it is at the top.
#[derive(Clone, Copy)]
struct Rule(u64);

impl Rule {
    /// What is in doubt does not pass.
    const STRICT: u64 = 1 << 32;
    /// Packets are changed; else it is only noted what they were.
    const ON: u64 = 1 << 33;
    const GENERATION: u32 = 48;

    fn new(bit: u32, strict: bool, generation: u16) -> Self {
        let strict = if strict { Self::STRICT } else { 0 };
        Self(u64::from(bit) | strict | (u64::from(generation) << Self::GENERATION))
    }

    fn bit(self) -> u32 {
        self.0 as u32
    }

    fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    /// What is noted of a packet whose bit was set.
    fn note(self, skb: Skb<'_>) -> u64 {
        (skb.as_raw() as u64) << 16 | self.0 >> Self::GENERATION
    }
}

impl PassMark {
    /// For a namespace with its state, which is, or will be, at `place`: off.
    pub(super) fn new<S: State>(place: *const Namespace<S>) -> impl PinInit<Self> {
        pin_init!(Self {
            rule: Atomic::new(0),
            noted: Atomic::new(0),
            put_back: Opaque::new(hooks(put_back::<S>, PUT_BACK, place)),
            set: Opaque::new(hooks(set::<S>, SET, place)),
            hooks <- new_mutex!(Hooks { are_on: false, shut: false, generation: 0 }),
        })
    }

    /// The bit, if one is on, and whether what is in doubt is held. Any context.
    pub fn status(&self) -> (Option<u32>, bool) {
        let rule = Rule(self.rule.load(Relaxed));
        let bit = rule.bit();
        ((bit != 0).then_some(bit), rule.has(Rule::STRICT))
    }

    /// Has the bit say which packets may pass. Process context; may sleep.
    pub(super) fn turn_on(&self, net: *mut net, bit: u32, strict: bool) -> Result {
        let mut hooks = self.hooks.lock();
        if hooks.shut {
            return Err(ENOENT);
        }
        if self.status().0 != Some(bit) {
            self.unregister(net, &mut hooks);
            self.register(net, &mut hooks)?;
            hooks.generation = hooks.generation.wrapping_add(1);
        }
        let rule = Rule::new(bit, strict, hooks.generation);
        if !Rule(self.rule.load(Relaxed)).has(Rule::ON) {
            // Whoever has missed the first hook has passed the second one.
            synchronize_rcu();
            self.noted.store(0, Relaxed);
            self.rule.store(rule.0, Relaxed);
            // And whoever did not note there what its bit was.
            synchronize_rcu();
        }
        self.rule.store(rule.0 | Rule::ON, Relaxed);
        Ok(())
    }

    /// Whether what is in doubt is held, whatever the bit is. Process context; may sleep.
    pub(super) fn set_strict(&self, strict: bool) {
        let _hooks = self.hooks.lock();
        let rule = self.rule.load(Relaxed) & !Rule::STRICT;
        self.rule.store(rule | Rule::new(0, strict, 0).0, Relaxed);
    }

    /// Packets are left alone. Process context; may sleep.
    pub(super) fn turn_off(&self, net: *mut net) {
        self.unregister(net, &mut self.hooks.lock());
    }

    /// The same for good, as the namespace goes. Process context; may sleep.
    pub(super) fn shut(&self, net: *mut net) {
        let mut hooks = self.hooks.lock();
        self.unregister(net, &mut hooks);
        hooks.shut = true;
    }

    /// Those that put back come first: whoever meets one of the others meets them too.
    fn register(&self, net: *mut net, hooks: &mut Hooks) -> Result {
        register(net, &self.put_back)?;
        register(net, &self.set).inspect_err(|_| unregister(net, &self.put_back))?;
        hooks.are_on = true;
        Ok(())
    }

    /// Those that put back go last, when no packet is between the two; netfilter drops what is queued then.
    fn unregister(&self, net: *mut net, hooks: &mut Hooks) {
        if core::mem::take(&mut hooks.are_on) {
            unregister(net, &self.set);
            synchronize_rcu();
            unregister(net, &self.put_back);
        }
        self.rule.store(0, Relaxed);
    }

    /// Writes to a packet's mark whether it may pass. Softirq or process context.
    #[inline(always)]
    fn set(&self, skb: Skb<'_>, mark: &mut u32, may_pass: impl FnOnce(bool) -> bool) {
        let rule = Rule(self.rule.load(Relaxed));
        let bit = rule.bit();
        let was_set = *mark & bit != 0;
        if was_set || self.noted.load(Relaxed) != 0 {
            self.note(rule, skb, was_set);
        }
        if rule.has(Rule::ON) {
            *mark = match may_pass(rule.has(Rule::STRICT)) {
                true => *mark | bit,
                false => *mark & !bit,
            };
        }
    }

    /// Notes whether a packet's bit was set, or takes away what was noted of another that had its address.
    #[cold]
    fn note(&self, rule: Rule, skb: Skb<'_>, was_set: bool) {
        if was_set {
            self.noted.store(1, Relaxed);
            notes::write(skb, rule.note(skb));
        } else {
            notes::take(skb, rule.note(skb));
        }
    }

    /// Puts back what it was. As above.
    #[inline(always)]
    fn put_back(&self, skb: Skb<'_>, mark: &mut u32) {
        let rule = Rule(self.rule.load(Relaxed));
        if rule.has(Rule::ON) {
            let was_set = self.noted.load(Relaxed) != 0 && notes::take(skb, rule.note(skb));
            *mark = match was_set {
                true => *mark | rule.bit(),
                false => *mark & !rule.bit(),
            };
        }
    }
}

/// This CPU's notes of packets that are between the two hooks: a few, as one packet may come in between another's way.
mod notes {
    use super::Skb;
    use crate::bindings;

    const COUNT: usize = bindings::TLSCONN_PASS_NOTES as usize;

    /// Packets lie 256 bytes apart.
    fn place(skb: Skb<'_>) -> u32 {
        ((skb.as_raw() as usize >> 8) % COUNT) as u32
    }

    /// Instead of what is there. Any context.
    pub(super) fn write(skb: Skb<'_>, note: u64) {
        // SAFETY: There are as many places. Any context.
        unsafe { bindings::tlsconn_pass_note_write(place(skb), note) };
    }

    /// Whether it is there, where it is no more then. Any context.
    #[cold]
    pub(super) fn take(skb: Skb<'_>, note: u64) -> bool {
        // SAFETY: There are as many places. Any context.
        let found = unsafe { bindings::tlsconn_pass_note_read(place(skb)) == note };
        if found {
            write(skb, 0);
        }
        found
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

/// A namespace, a packet and its mark.
///
/// # Safety
///
/// For netfilter, which hands over a valid packet that is its caller's to write to, with the network header set, and the
/// namespace that was given with the hook; so below.
#[inline(always)]
unsafe fn parts<'a, S: State>(
    private: *mut c_void,
    skb: *mut sk_buff,
) -> (&'a Namespace<S>, Skb<'a>, &'a mut u32) {
    // SAFETY: As the caller promises; the namespace outlives its hooks. Nobody else reads or writes the mark meanwhile: it is
    // in the packet's own struct, of which `Skb` looks at other fields only.
    unsafe {
        (
            &*private.cast::<Namespace<S>>(),
            Skb::from_raw(skb),
            &mut *skb.byte_add(bindings::TLSCONN_SKB_MARK as usize).cast(),
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
    let (net, skb, mark) = unsafe { parts::<S>(private, skb) };
    net.pass_mark
        .set(skb, mark, |strict| S::may_pass(net, skb, strict));
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
    let (net, skb, mark) = unsafe { parts::<S>(private, skb) };
    net.pass_mark.put_back(skb, mark);
    bindings::NF_ACCEPT
}
