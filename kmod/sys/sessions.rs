// SPDX-License-Identifier: GPL-2.0-only

//! The sessions of a network namespace that a tracked connection was issued, by the digests of what they are continued
//! by (`tls::Sessions`).
//!
//! A session is put in by the connection that issued it, which owns its memory, and taken out when that connection goes;
//! its memory is freed a grace period later. Finding one needs RCU and no lock; putting in and taking out lock a bucket of
//! the table, below every lock of ours. There are no more than two for each tracked connection, and none for those of
//! TLS 1.3.

use super::{memory::Cache, rcu::Reader};
use crate::bindings;
use core::{
    marker::PhantomPinned,
    mem::{offset_of, ManuallyDrop},
    ptr::NonNull,
};
use kernel::{
    error::{from_err_ptr, to_result},
    prelude::*,
    sync::Arc,
    types::Opaque,
};

/// How often it is tried to put a session in whose digest others put in and take out meanwhile.
const TRIES: u32 = 3;

/// The sessions of one network namespace.
#[pin_data(PinnedDrop)]
pub struct Index {
    #[pin]
    table: Opaque<bindings::rhashtable>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The table is made for use from every CPU.
unsafe impl Send for Index {}
// SAFETY: As above.
unsafe impl Sync for Index {}

impl Index {
    /// An empty one. Process context.
    pub fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            table <- Opaque::try_ffi_init(|table| {
                // SAFETY: `table` is memory for a table, which is pinned.
                to_result(unsafe { bindings::tlsconn_sessions_init(table) })
            }),
            _pin: PhantomPinned,
        })
    }

    /// The id of the connection that issued a session. Any context.
    pub fn issuer(&self, digest: u64, _rcu: &Reader) -> Option<u64> {
        // SAFETY: The table is initialised.
        let session = unsafe { bindings::tlsconn_sessions_find(self.table.get(), digest) };
        // SAFETY: RCU keeps what is found, and what it says is written before it is put in.
        unsafe { session.as_ref() }.map(|session| session.connection)
    }

    /// Puts a session in, in the place of another one that has its digest: a server that gives the same again has the later
    /// session in mind. Any context; without memory it cannot be found.
    ///
    /// # Safety
    ///
    /// The session is in no table, stays where it is, and is taken out before it is freed a grace period later.
    unsafe fn put(&self, session: *mut bindings::tlsconn_session, _rcu: &Reader) {
        let table = self.table.get();
        for _ in 0..TRIES {
            // SAFETY: The table is initialised; of the session as the caller promises.
            let other = unsafe { bindings::tlsconn_sessions_insert(table, session) };
            match from_err_ptr(other) {
                Ok(other) if !other.is_null() => {
                    // SAFETY: As above; RCU keeps the other one.
                    if unsafe { bindings::tlsconn_sessions_replace(table, other, session) } == 0 {
                        return;
                    }
                }
                _ => return,
            }
        }
    }
}

/// Process context: the namespace lets go of its index last.
#[pinned_drop]
impl PinnedDrop for Index {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The table is initialised. Nobody else has it; it is empty, as what is in it is taken out by somebody who
        // has it.
        unsafe { bindings::tlsconn_sessions_destroy(self.table.get()) };
    }
}

/// What a connection issued, and what it continues.
///
/// # Invariants
///
/// The sessions that have a connection's id were given to `index`, at most once each.
#[repr(C)]
pub struct Record<A> {
    issued: [Opaque<bindings::tlsconn_session>; 2],
    rcu: Opaque<kernel::bindings::callback_head>,
    index: ManuallyDrop<Arc<Index>>,
    resumes: Option<u64>,
    answer: Option<A>,
}

// The helper that frees one knows the first two fields.
const _: () = assert!(
    offset_of!(Record<u8>, rcu) == offset_of!(bindings::tlsconn_sessions, rcu)
        && offset_of!(Record<u8>, index) == size_of::<bindings::tlsconn_sessions>()
);

/// What a connection up to TLS 1.2 issued and what it continues, kept where it did either. Under its entry's lock, or kept by
/// pins; when it is dropped nobody finds what was issued any longer.
pub struct Links<A: Copy>(NonNull<Record<A>>);

// SAFETY: It owns its record, and the index is made for every CPU.
unsafe impl<A: Copy + Send> Send for Links<A> {}
// SAFETY: Shared, it is only read.
unsafe impl<A: Copy + Sync> Sync for Links<A> {}

impl<A: Copy> Links<A> {
    /// Neither yet. Any context; None when there is no memory.
    pub fn new(memory: &Cache<Record<A>>, index: &Arc<Index>) -> Option<Self> {
        let none = || Opaque::new(bindings::tlsconn_session::default());
        let record = KBox::write(
            memory.alloc()?,
            Record {
                issued: [none(), none()],
                rcu: Opaque::new(Default::default()),
                index: ManuallyDrop::new(index.clone()),
                resumes: None,
                answer: None,
            },
        );
        NonNull::new(KBox::into_raw(record)).map(Self)
    }

    fn record(&self) -> &Record<A> {
        // SAFETY: It is freed when this is dropped and not before.
        unsafe { self.0.as_ref() }
    }

    /// The id of the connection whose session it continues.
    pub fn resumes(&self) -> Option<u64> {
        self.record().resumes
    }

    /// Notes that id.
    pub fn set_resumes(&mut self, id: u64) {
        // SAFETY: As above; nobody else looks at this field.
        unsafe { (*self.0.as_ptr()).resumes = Some(id) };
    }

    /// How far the server's answer to the client's Finished has come.
    pub fn answer(&self) -> Option<A> {
        self.record().answer
    }

    /// Notes that.
    pub fn set_answer(&mut self, answer: A) {
        // SAFETY: As above; nobody else looks at this field.
        unsafe { (*self.0.as_ptr()).answer = Some(answer) };
    }

    /// Puts in what connection `id` issued, of which there is one of each kind. Any context.
    pub fn issue(&mut self, id: u64, digests: [Option<u64>; 2], rcu: &Reader) {
        let record = self.record();
        for (session, digest) in record.issued.iter().zip(digests) {
            let session = session.get();
            // SAFETY: It is ours; once it is in the table these fields are only read.
            let is_in = unsafe { (*session).connection } != 0;
            let Some(digest) = digest.filter(|_| !is_in) else {
                continue;
            };
            // SAFETY: As above, and it is not in the table yet.
            unsafe { (*session).digest = digest };
            // SAFETY: As above.
            unsafe { (*session).connection = id };
            // SAFETY: The session is put in once, and taken out by `drop`.
            unsafe { record.index.put(session, rcu) };
        }
    }
}

impl<A: Copy> Drop for Links<A> {
    fn drop(&mut self) {
        let record = self.record();
        // SAFETY: The record, which does not drop it, is not used after this.
        let _index = unsafe { core::ptr::read(&*record.index) };
        for session in &record.issued {
            // SAFETY: It is ours.
            if unsafe { (*session.get()).connection } != 0 {
                let table = record.index.table.get();
                // SAFETY: The table is initialised; one that another took the place of is not in it, and not found.
                unsafe { bindings::tlsconn_sessions_remove(table, session.get()) };
            }
        }
        // SAFETY: It comes from a `KBox`, begins with the fields of such a struct, is in no table, and needs no drop.
        unsafe { bindings::tlsconn_sessions_free_rcu(self.0.as_ptr().cast()) };
    }
}
