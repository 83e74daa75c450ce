// SPDX-License-Identifier: GPL-2.0-only

//! Work of a namespace that is done later, in process context (`struct delayed_work`).

use super::pernet::{Namespace, Place};
use crate::bindings;
use core::mem::offset_of;
use kernel::{bindings::work_struct, ffi::c_uint, prelude::*, types::Opaque};

/// A piece of work, once at a time. Cancelled when dropped: a state has it before all that it is about.
#[pin_data(PinnedDrop)]
pub struct Work<S> {
    #[pin]
    work: Opaque<kernel::bindings::delayed_work>,
    namespace: Place<S>,
    run: fn(&Namespace<S>),
}

// SAFETY: The kernel's own structure is made for every CPU, the rest is only read.
unsafe impl<S: Sync> Send for Work<S> {}
// SAFETY: As above.
unsafe impl<S: Sync> Sync for Work<S> {}

impl<S: Sync> Work<S> {
    /// Work of the namespace whose state this is, or will be, part of.
    pub fn new(namespace: Place<S>, run: fn(&Namespace<S>)) -> impl PinInit<Self> {
        pin_init!(Self {
            work <- Opaque::ffi_init(|work| {
                // SAFETY: `work` is memory for it, which is pinned.
                unsafe { bindings::tlsconn_work_init(work, Some(run_it::<S>)) }
            }),
            namespace,
            run,
        })
    }

    /// Has it done in so many milliseconds, if it is not to be done already. Any context.
    pub fn schedule(&self, milliseconds: c_uint) {
        // SAFETY: The work was initialised.
        unsafe { bindings::tlsconn_work_schedule(self.work.get(), milliseconds) };
    }

    /// Has it done in so many milliseconds, or when it was to be done before. Any context.
    pub fn hasten(&self, milliseconds: c_uint) {
        // SAFETY: The work was initialised.
        unsafe { bindings::tlsconn_work_hasten(self.work.get(), milliseconds) };
    }

    /// Has it done no more, and waits until it is done if it runs. Process context; may sleep.
    pub fn cancel(&self) {
        // SAFETY: The work was initialised.
        unsafe { bindings::tlsconn_work_cancel(self.work.get()) };
    }
}

/// Process context; may sleep.
#[pinned_drop]
impl<S> PinnedDrop for Work<S> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The work was initialised.
        unsafe { bindings::tlsconn_work_cancel(self.work.get()) };
    }
}

/// Process context.
///
/// # Safety
///
/// For the workqueue, which hands over what `new` has initialised.
unsafe extern "C" fn run_it<S>(work: *mut work_struct) {
    // SAFETY: It is part of a `delayed_work`.
    let delayed = unsafe { bindings::tlsconn_work_of(work) }.cast::<u8>();
    // SAFETY: That is a field of a `Work`, which stays until it is cancelled.
    let this = unsafe { &*delayed.sub(offset_of!(Work<S>, work)).cast::<Work<S>>() };
    // SAFETY: The namespace's state was made before its work was asked for, and cancels it before it is gone.
    (this.run)(unsafe { &*this.namespace.as_raw() });
}
