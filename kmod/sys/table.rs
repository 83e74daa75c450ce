// SPDX-License-Identifier: GPL-2.0-only

//! The table of tracked connections of a network namespace: by conntrack entry for packets, by id for people.
//!
//! An entry is made when a packet is seen and is owned by the table. It is found under RCU, used under its own lock,
//! and freed a grace period after it was taken out; what it holds besides its memory (a reference to the conntrack
//! entry, the handshake) is given back when it is taken out.

use super::{
    conntrack::{self, Conntrack},
    lock::PacketLock,
    memory::Cache,
    rcu::Reader,
    skb::Skb,
};
use crate::bindings::{self, bucket_table, tlsconn_node};
use core::{
    ffi::c_void,
    marker::PhantomData,
    pin::Pin,
    ptr::{addr_of, NonNull},
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{ordering::Relaxed, Atomic},
    },
    types::Opaque,
};

/// How often room is made for one connection.
const TRIES: u32 = 4;

mod held;
mod walk;

use held::Held;

pub use held::Locked;
pub use walk::Mark;

/// What is kept of a connection.
pub trait Content: Sized + Send + 'static {
    /// What packets reach of it without the lock.
    type Unlocked: Default + Sync;

    /// Memory for entries: a `static`.
    fn memory() -> &'static Cache<Entry<Self>>;

    /// The connection's conntrack entry, to which it holds a reference for as long as it is in the table: always the same one.
    fn conntrack(&self) -> &ARef<Conntrack>;
}

/// A connection in the table.
///
/// In the order of how often packets touch it.
///
/// # Invariants
///
/// `node` comes first, so that a pointer to it is one to the entry. `node.ct` is the conntrack entry of its connection,
/// which holds a reference to it; once the connection is gone it is a number to find the entry by, and no more.
#[pin_data]
#[repr(C)]
pub struct Entry<T: Content> {
    node: Opaque<tlsconn_node>,
    /// What is reached without the lock.
    pub unlocked: T::Unlocked,
    #[pin]
    locked: PacketLock<Held<T>>,
    /// Its number: from 1 upward per namespace, never used again.
    pub id: u64,
}

// What bindgen makes of it has the kernel's layout.
const _: () = assert!(
    core::mem::offset_of!(bucket_table, buckets) == bindings::TLSCONN_TABLE_BUCKETS as usize
);

/// How many connections there may be.
pub struct Max {
    /// In the table.
    pub own: u64,
    /// In all tables that count together.
    pub shared: u64,
}

/// What putting a connection in has come to.
pub enum Inserted<'a, T: Content> {
    /// It is in, and still locked.
    Made(&'a Entry<T>, Locked<'a, T>),
    /// Another CPU has put one in for the same conntrack entry.
    Found(&'a Entry<T>),
}

impl<T: Content> Entry<T> {
    /// Where in it the connection begins: before that are what it is found by and its lock. One that is checked is larger.
    pub const LOCKED: usize = core::mem::offset_of!(Self, locked)
        + size_of::<PacketLock<Held<T>>>()
        - size_of::<Held<T>>();

    /// Locks the connection; none is held where the entry was taken out of the table meanwhile.
    ///
    /// Any context but hard interrupts. Comes before the lock of the namespace's pins.
    #[inline]
    pub fn lock(&self) -> Locked<'_, T> {
        Locked::new(&self.locked)
    }

    /// Drops its connection, and gives its memory back once nobody can have found it any more. Any context; its lock is not
    /// held.
    ///
    /// # Safety
    ///
    /// It is in no index any more, and whoever took it out does this once.
    unsafe fn free(&self) {
        let mut locked = self.lock();
        let content = locked.take();
        let rcu = locked.rcu();
        drop(locked);
        drop(content);
        if let Some(rcu) = rcu {
            // SAFETY: By the caller's promise; it comes from a `KBox`, and holds nothing any more that needs a drop.
            unsafe { bindings::tlsconn_node_free_rcu(self.node.get(), rcu) };
        }
    }

    /// Whether its conntrack entry is dying, or was: it may be another's by now. Under RCU.
    fn is_suspect(&self) -> bool {
        // SAFETY: The key is written once, before the entry is shared.
        let ct = unsafe { (*self.node.get()).ct };
        // SAFETY: It was an entry's, and the caller is an RCU reader.
        unsafe { conntrack::is_dying(ct) }
    }
}

/// The connections of one network namespace.
#[pin_data(PinnedDrop)]
pub struct Table<T: Content> {
    #[pin]
    by_ct: Opaque<bindings::rhashtable>,
    #[pin]
    by_id: Opaque<kernel::bindings::xarray>,
    last_id: Atomic<u64>,
    count: Atomic<u64>,
    peak: Atomic<u64>,
    /// Counts for a bound over several tables too.
    shared: Option<&'static Shared>,
    _of: PhantomData<T>,
}

/// Connections of several tables together.
pub struct Shared(Atomic<u64>);

impl Shared {
    /// None yet.
    pub const fn none() -> Self {
        Self(Atomic::new(0))
    }
}

// SAFETY: Both indexes are made for use from every CPU, and the rest is atomic.
unsafe impl<T: Content> Send for Table<T> {}
// SAFETY: As above.
unsafe impl<T: Content> Sync for Table<T> {}

impl<T: Content> Table<T> {
    /// An empty table, whose connections count among `shared` ones too. Process context.
    pub fn new(shared: Option<&'static Shared>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            by_ct <- Opaque::try_ffi_init(|table| {
                // SAFETY: `table` is memory for a table, which is pinned.
                to_result(unsafe { bindings::tlsconn_table_init(table) })
            }),
            by_id <- Opaque::ffi_init(|xa| {
                // SAFETY: `xa` is memory for an xarray, which is pinned.
                unsafe { bindings::tlsconn_xa_init(xa) }
            }),
            last_id: Atomic::new(0),
            count: Atomic::new(0),
            peak: Atomic::new(0),
            shared,
            _of: PhantomData,
        })
    }

    /// How many connections it holds.
    pub fn len(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// The most connections that it has held, one or two more or less.
    pub fn peak(&self) -> u64 {
        self.peak.load(Relaxed)
    }

    /// Whether it holds no connection.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The connection of a packet's conntrack entry. The packet may be one that is only about the connection (an ICMP
    /// error). Any context.
    pub fn of_packet<'a>(
        &'a self,
        skb: Skb<'a>,
        _rcu: &'a Reader,
    ) -> Option<(&'a Entry<T>, &'a Conntrack)> {
        let ct = skb.entry()?;
        // SAFETY: The table is initialised, a node is the first part of an entry, and RCU keeps what is found; of the key
        // nothing is read.
        let entry = unsafe {
            let node = bindings::tlsconn_table_find(self.by_ct.get(), ct);
            node.cast::<Entry<T>>().as_ref()?
        };
        // SAFETY: The packet holds a reference to it. It is TCP: the table has it.
        Some((entry, unsafe { Conntrack::from_raw(ct) }))
    }

    /// The same, if the connection is the first one in its bucket: three of four are at least, as the kernel makes the
    /// table larger once it is three quarters full. For them it saves the call of a whole look-up.
    #[inline(always)]
    pub fn first_of_packet<'a>(
        &'a self,
        skb: Skb<'a>,
        _rcu: &'a Reader,
    ) -> Option<(&'a Entry<T>, &'a Conntrack)> {
        let ct = skb.entry()?;
        // SAFETY: The table is initialised, and begins with a pointer to its buckets (kmod/helpers.c makes sure), which RCU keeps.
        let buckets = unsafe {
            self.by_ct
                .get()
                .cast::<*const bucket_table>()
                .read_volatile()
        };
        // SAFETY: As above. These do not change once others know of the buckets.
        let (nest, size, seed) = unsafe { ((*buckets).nest, (*buckets).size, (*buckets).hash_rnd) };
        // One that was made while memory was short has another shape.
        if nest != 0 {
            return None;
        }
        // `tlsconn_table_hash()` in kmod/helpers.c.
        let hash = (ct as u64)
            .wrapping_add(seed.into())
            .wrapping_mul(bindings::TLSCONN_TABLE_HASH.into())
            >> 32;
        let bucket = hash as u32 & size.wrapping_sub(1);
        // SAFETY: There are `size` of them, a power of two.
        let first = unsafe {
            let first = addr_of!((*buckets).buckets).cast::<*mut tlsconn_node>();
            first.add(bucket as usize).read_volatile()
        };
        // The lowest bit is the bucket's lock.
        let node = NonNull::new(first.map_addr(|address| address & !1))?;
        // SAFETY: What is in a bucket is the first part of an entry that RCU keeps, and its key does not change. The packet
        // holds a reference to its conntrack entry, which is TCP: the table has it.
        unsafe {
            if (*node.as_ptr()).ct.cast_const() != ct {
                return None;
            }
            Some((node.cast().as_ref(), Conntrack::from_raw(ct)))
        }
    }

    /// The connection of a conntrack entry. Any context.
    #[inline]
    pub fn find<'a>(&'a self, ct: &Conntrack, _rcu: &'a Reader) -> Option<&'a Entry<T>> {
        // SAFETY: The table is initialised, and RCU keeps what is found.
        unsafe {
            bindings::tlsconn_table_find(self.by_ct.get(), ct.as_raw())
                .cast::<Entry<T>>()
                .as_ref()
        }
    }

    /// The connection with the smallest id that is not below `id`. Any context.
    pub fn at_or_after<'a>(&'a self, id: u64, _rcu: &'a Reader) -> Option<&'a Entry<T>> {
        let mut index = id as usize;
        // SAFETY: The xarray is initialised.
        let found = unsafe { bindings::tlsconn_xa_find(self.by_id.get(), &mut index) };
        // SAFETY: Only entries are stored there, and RCU keeps what is found.
        unsafe { found.cast::<Entry<T>>().as_ref() }
    }

    /// The connection of that id. Any context.
    pub fn by_id<'a>(&'a self, id: u64, rcu: &'a Reader) -> Option<&'a Entry<T>> {
        self.at_or_after(id, rcu).filter(|entry| entry.id == id)
    }

    /// Whether it, or those that share a bound with it, holds as many as it may.
    #[inline]
    pub fn is_full(&self, max: &Max) -> bool {
        let shared = |shared: &Shared| shared.0.load(Relaxed) >= max.shared;
        self.len() >= max.own || self.shared.is_some_and(shared)
    }

    /// Counts one more, unless it is full. First of all, so that racing CPUs cannot put in more than `max` together.
    fn count_in(&self, max: &Max) -> bool {
        if self.count.fetch_add(1, Relaxed) >= max.own {
            self.count.fetch_sub(1, Relaxed);
            return false;
        }
        match self.shared {
            Some(shared) if shared.0.fetch_add(1, Relaxed) >= max.shared => {
                self.count_out();
                false
            }
            _ => true,
        }
    }

    fn count_out(&self) {
        self.count.fetch_sub(1, Relaxed);
        if let Some(shared) = self.shared {
            shared.0.fetch_sub(1, Relaxed);
        }
    }

    /// Puts a connection of a conntrack entry in. Where it is full it has room made, and tries again: another processor may
    /// have taken that room. None when there is no memory, or no room after so many tries. Any context; no entry is locked.
    pub fn insert<'a>(
        &'a self,
        content: T,
        max: &Max,
        make_room: impl Fn(),
        rcu: &'a Reader,
    ) -> Option<Inserted<'a, T>> {
        let try_again = |_| {
            make_room();
            self.count_in(max)
        };
        if !self.count_in(max) && !(0..TRIES).any(try_again) {
            return None;
        }
        let now = self.len();
        if now > self.peak() {
            self.peak.store(now, Relaxed);
        }
        let inserted = self.insert_counted(content, rcu);
        if !matches!(inserted, Some(Inserted::Made(..))) {
            self.count_out();
        }
        inserted
    }

    fn insert_counted<'a>(&'a self, content: T, _rcu: &'a Reader) -> Option<Inserted<'a, T>> {
        const {
            assert!(
                !core::mem::needs_drop::<T::Unlocked>(),
                "RCU frees it without a drop"
            )
        };
        let id = self.last_id.fetch_add(1, Relaxed).wrapping_add(1);
        let node = bindings::tlsconn_node {
            ct: content.conntrack().as_raw(),
            ..Default::default()
        };
        let entry = T::memory()
            .alloc()?
            .write_pin_init(pin_init!(Entry {
                node: Opaque::new(node),
                unlocked: T::Unlocked::default(),
                id,
                locked <- PacketLock::new(
                    Held::new(content),
                    c"tlsconn entry",
                    kernel::static_lock_class!()
                ),
            }))
            .ok()?;
        // SAFETY: The entry stays where it is until it is freed.
        let entry = KBox::into_raw(unsafe { Pin::into_inner_unchecked(entry) });
        let node = entry.cast::<bindings::tlsconn_node>();
        // SAFETY: Until it is put in it is ours, from then on RCU keeps it for `'a`, whoever takes it out.
        let made = unsafe { &*entry };
        // Whoever finds it in an index waits here until it is in both, or in none again.
        let mut locked = made.lock();
        // By its id first: that can fail while no packet has used it yet.
        // SAFETY: The xarray is initialised; the entry is taken out of it before it is freed.
        let inserted = to_result(unsafe {
            bindings::tlsconn_xa_insert(self.by_id.get(), id as usize, entry.cast::<c_void>())
        });
        if inserted.is_err() {
            drop(locked);
            // SAFETY: The entry was not put in, so nobody but us knows of it.
            drop(unsafe { KBox::from_raw(entry) });
            return None;
        }
        // SAFETY: The table is initialised, and the node is a live one that is in no table.
        let other = unsafe { bindings::tlsconn_table_insert(self.by_ct.get(), node) };
        if other.is_null() {
            return Some(Inserted::Made(made, locked));
        }
        // Whoever has found it by its id finds no connection in it.
        let content = locked.take();
        drop(locked);
        drop(content);
        // SAFETY: The xarray is initialised.
        unsafe { bindings::tlsconn_xa_erase(self.by_id.get(), id as usize) };
        // SAFETY: It is in no index any more, and nobody else has taken it out.
        unsafe { made.free() };
        // The function gives an error pointer when it has no memory.
        kernel::error::from_err_ptr(other).ok()?;
        // SAFETY: It is another CPU's entry for the same key, which RCU keeps.
        unsafe { other.cast::<Entry<T>>().as_ref() }.map(Inserted::Found)
    }

    /// Takes an entry out with its connection, which `act` has in between: nobody finds it in the entry any longer. It is
    /// dropped last: its reference to the conntrack entry keeps that from becoming another's while the table knows it. Any
    /// context; `act` runs without the entry's lock.
    pub fn end(&self, entry: &Entry<T>, mut locked: Locked<'_, T>, act: impl FnOnce(&mut T)) {
        let mut content = locked.take();
        drop(locked);
        if let Some(content) = &mut content {
            act(content);
        }
        self.remove(entry);
    }

    /// Takes an entry out. Its connection goes at once, its memory after a grace period; false where another did.
    /// Any context; the entry's lock must not be held, and the caller has released its pins.
    pub fn remove(&self, entry: &Entry<T>) -> bool {
        let node = entry.node.get();
        // SAFETY: The table is initialised and the node is valid under RCU; exactly one caller gets 0.
        if unsafe { bindings::tlsconn_table_remove(self.by_ct.get(), node) } != 0 {
            return false;
        }
        // SAFETY: The xarray is initialised.
        unsafe { bindings::tlsconn_xa_erase(self.by_id.get(), entry.id as usize) };
        self.count_out();
        // SAFETY: It is in no index any more, and it was us who took it out.
        unsafe { entry.free() };
        true
    }

    /// Takes every entry out. Process context; no entry is locked.
    pub fn clear(&self) {
        self.for_each(|entry| {
            self.remove(entry);
        });
    }
}

/// Process context: a namespace lets go of it last.
#[pinned_drop]
impl<T: Content> PinnedDrop for Table<T> {
    fn drop(self: Pin<&mut Self>) {
        self.clear();
        // SAFETY: The table is initialised and empty, and nobody else has it.
        unsafe { bindings::tlsconn_table_destroy(self.by_ct.get()) };
    }
}
