// SPDX-License-Identifier: GPL-2.0-only

//! What the module keeps for each network namespace, and its coming and going (`struct pernet_operations`).

use super::{
    conntrack,
    hooks::{Hook, Hooks},
    net::Net,
    pass_mark::PassMark,
    random,
    rcu::synchronize_rcu,
    zeroed, Global,
};
use crate::bindings;
use core::{marker::PhantomData, mem::MaybeUninit, ops::Deref, ptr::drop_in_place};
use kernel::{
    bindings::{list_head, net},
    error::to_result,
    ffi::{c_int, c_uint},
    prelude::*,
    types::Opaque,
};

/// What is kept for each namespace.
pub trait State: Hook {
    /// Where all of them are: a `static`, always the same one.
    fn all() -> &'static PerNet<Self>;

    /// That of a namespace that comes, or of one that is there when the module comes. What is made stays at `place`, and is
    /// not looked for ([`Namespace::of`]) before it is made. Process context; may sleep.
    fn new(net: &Net<'_>, place: Place<Self>) -> impl PinInit<Self, Error>;

    /// Gets ready for one more user of the hooks. Process context; may sleep.
    fn prepare(net: &Namespace<Self>) -> Result;

    /// Packets will be seen again, after a while in which they were not. Process context; may sleep.
    fn resume(net: &Namespace<Self>);

    /// The namespace goes, or the module does. No packet is on its way through the hooks any more, and nobody has a socket
    /// in it. The state is dropped after this. Process context; may sleep.
    fn exit(net: &Namespace<Self>);
}

/// A namespace with its state, which it stands for.
#[pin_data]
pub struct Namespace<S> {
    /// Whether packets are seen. Stays after the state: rules are destroyed after the namespace's exit.
    #[pin]
    pub hooks: Hooks,
    /// Whether and how packets are marked; as above.
    #[pin]
    pub pass_mark: PassMark,
    /// Is dropped by itself, at the namespace's exit.
    #[pin]
    state: Opaque<S>,
}

/// Where a state will be.
pub struct Place<S>(*const Namespace<S>);

impl<S> Place<S> {
    /// Not to be used before the state is made.
    pub(super) fn as_raw(&self) -> *const Namespace<S> {
        self.0
    }
}

impl<S> Clone for Place<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Place<S> {}

impl<S> Deref for Namespace<S> {
    type Target = S;

    #[inline(always)]
    fn deref(&self) -> &S {
        // SAFETY: The state was made before anybody could ask for it, and is dropped when nobody does any longer.
        unsafe { &*self.state.get() }
    }
}

impl<S: State> Namespace<S> {
    /// That of a network namespace, once states are registered.
    pub fn of<'a>(net: &Net<'a>) -> &'a Self {
        // SAFETY: The kernel gives the memory that `init` has filled, which stays until the namespace's very end.
        unsafe { &*Self::place_in(net.as_raw()) }
    }

    /// # Safety
    ///
    /// The states are registered, and the namespace is alive.
    unsafe fn place_in(net: *mut net) -> *mut Self {
        // SAFETY: The kernel has written the number when they were registered; it gives the memory it made for it.
        unsafe { bindings::tlsconn_net_generic(net, *S::all().id.get()).cast() }
    }

    /// What is made goes to `place`.
    fn new(net: *mut net, place: *const Self) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            hooks <- Hooks::new::<S>(net, place),
            pass_mark <- PassMark::new::<S>(place),
            state <- Opaque::try_ffi_init(move |state: *mut S| {
                // SAFETY: The namespace is being made, or it is there and the module is loaded.
                let net = unsafe { Net::from_raw(net) };
                // SAFETY: `state` is memory for one, which stays where it is until the namespace's very end.
                let state: &'static mut MaybeUninit<S> = unsafe { &mut *state.cast() };
                state.write_pin_init(S::new(&net, Place(place))).map(drop)
            }),
        })
    }

    /// The network namespace.
    pub fn net(&self) -> Net<'_> {
        // SAFETY: This is memory of the namespace.
        unsafe { Net::from_raw(self.hooks.net()) }
    }

    /// Has packets seen for one more rule, with conntrack on. Process context; may sleep.
    pub(super) fn begin_tracking(&self) -> Result {
        conntrack::get(&self.net())?;
        S::prepare(self)
            .and_then(|()| self.hooks.acquire(|| S::resume(self)))
            .inspect_err(|_| conntrack::put(&self.net()))
    }

    /// Gives up one `begin_tracking`; also after the namespace's exit. Process context; may sleep.
    pub(super) fn end_tracking(&self) {
        self.hooks.release();
        conntrack::put(&self.net());
    }

    /// Has packets seen whether rules ask for it or not. Process context; may sleep.
    pub fn request_tracking(&self) -> Result {
        S::prepare(self)?;
        conntrack::get(&self.net())?;
        let requested = self.hooks.request(|| S::resume(self));
        if !matches!(requested, Ok(true)) {
            conntrack::put(&self.net());
        }
        requested.map(drop)
    }

    /// Has a bit of the packet mark say which packets carry nothing to be held. Process context; may sleep.
    pub fn turn_pass_mark_on(&self, bit: u32, strict: bool) -> Result {
        self.pass_mark.turn_on(self.hooks.net(), bit, strict)
    }

    /// Whether what is in doubt is held too. Process context; may sleep.
    pub fn set_strict(&self, strict: bool) {
        self.pass_mark.set_strict(strict);
    }

    /// Takes such a request back, and turns the pass mark off. Process context; may sleep.
    pub fn withdraw_tracking(&self) {
        self.pass_mark.turn_off(self.hooks.net());
        if self.hooks.withdraw() {
            conntrack::put(&self.net());
        }
    }
}

/// The states of all namespaces.
pub struct PerNet<S> {
    id: Global<c_uint>,
    operations: Global<bindings::pernet_operations>,
    _of: PhantomData<fn() -> S>,
}

impl<S: State> PerNet<S> {
    /// Not registered yet: for a `static`.
    pub const fn unregistered() -> Self {
        Self {
            id: Global::new(0),
            operations: Global::new(bindings::pernet_operations {
                init: Some(init::<S>),
                pre_exit: Some(pre_exit::<S>),
                exit_batch: Some(exit_batch::<S>),
                size: size_of::<Namespace<S>>(),
                // SAFETY: All-zero bytes are operations that do nothing.
                ..unsafe { zeroed() }
            }),
            _of: PhantomData,
        }
    }
}

/// A namespace comes, or the module does. Process context.
///
/// # Safety
///
/// For the kernel, which hands over a namespace with memory for a state in it; so below.
unsafe extern "C" fn init<S: State>(net: *mut net) -> c_int {
    // SAFETY: The kernel has written the number, and made memory of the size asked for in the namespace.
    let place = unsafe { Namespace::<S>::place_in(net) };
    // SAFETY: The memory is ours to fill, and stays where it is until the namespace's very end.
    let room: &'static mut MaybeUninit<Namespace<S>> = unsafe { &mut *place.cast() };
    match room.write_pin_init(Namespace::new(net, place)) {
        Ok(_) => 0,
        Err(error) => error.to_errno(),
    }
}

/// A namespace goes, or the module does. Packets may still be on their way through the hooks when this returns; not through
/// those that this has turned off when `exit_batch` begins.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn pre_exit<S: State>(net: *mut net) {
    // SAFETY: The namespace is alive until its exit is over.
    let net = unsafe { Net::from_raw(net) };
    let namespace = Namespace::<S>::of(&net);
    namespace.pass_mark.begin_shutting(net.as_raw());
    namespace.hooks.shut();
}

/// Gives back what namespaces hold that go together: all that were destroyed since the kernel last looked, or all that there
/// are when the module goes. They share the grace periods. Process context.
///
/// # Safety
///
/// As above, of each in the list.
unsafe extern "C" fn exit_batch<S: State>(going: *mut list_head) {
    // SAFETY: The kernel hands over a list of namespaces.
    if unsafe { bindings::tlsconn_net_any(going, Some(end_hooks::<S>)) } {
        synchronize_rcu();
    }
    // SAFETY: As above.
    unsafe { bindings::tlsconn_net_any(going, Some(exit::<S>)) };
}

/// Turns the last hooks off; whether there were any. Process context.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn end_hooks<S: State>(net: *mut net) -> bool {
    // SAFETY: The namespace is alive until its exit is over.
    let net = unsafe { Net::from_raw(net) };
    Namespace::<S>::of(&net)
        .pass_mark
        .end_shutting(net.as_raw())
}

/// Gives back what a namespace holds. Process context.
///
/// # Safety
///
/// As above.
unsafe extern "C" fn exit<S: State>(net: *mut net) -> bool {
    // SAFETY: The namespace is alive until its exit is over.
    let net = unsafe { Net::from_raw(net) };
    let namespace = Namespace::<S>::of(&net);
    S::exit(namespace);
    namespace.withdraw_tracking();
    // SAFETY: Nobody sees packets of the namespace any more, nor has a socket in it, and its rules are not met by packets
    // any more. What comes after this asks for the hooks only.
    unsafe { drop_in_place(namespace.state.get()) };
    false
}

/// The registration for every namespace; all of them are left when dropped.
pub struct Registration<S: State>(&'static PerNet<S>);

impl<S: State> Registration<S> {
    /// Registers. Process context. EBUSY the second time.
    pub fn new() -> Result<Self> {
        let all = S::all();
        all.operations.claim()?;
        random::draw_secret();
        let operations = all.operations.get();
        // SAFETY: Nobody else knows of them: they were not registered before.
        unsafe { (*operations).id = all.id.get() };
        // SAFETY: The operations live as long as the module.
        to_result(unsafe { bindings::register_pernet_subsys(operations) })?;
        Ok(Self(all))
    }
}

impl<S: State> Drop for Registration<S> {
    fn drop(&mut self) {
        // SAFETY: They were registered.
        unsafe { bindings::unregister_pernet_subsys(self.0.operations.get()) };
    }
}
