// SPDX-License-Identifier: GPL-2.0-only

//! A few bytes for as long as a connection lasts: one word points to them, as there is one for each connection, and in the sizes in
//! which the kernel gives memory.

use core::ptr::NonNull;
use kernel::{alloc::Flags, prelude::*};

/// Bytes that do not change. The first one of their memory says which size it has.
pub struct Packed(NonNull<u8>);

// SAFETY: It owns its memory.
unsafe impl Send for Packed {}
// SAFETY: Shared, it is only read.
unsafe impl Sync for Packed {}

const SMALL: usize = 128;
const MEDIUM: usize = 192;
const LARGE: usize = 256;
const WHOLE: usize = Packed::MOST + 1;

impl Packed {
    /// How many bytes there may be.
    pub const MOST: usize = 739;

    /// A copy of them, with zeros after them. None when there is no memory, or too many. Any context that the flags allow.
    pub fn new(bytes: &[u8], flags: Flags) -> Option<Self> {
        match bytes.len() {
            ..SMALL => Self::of_size::<SMALL>(0, bytes, flags),
            SMALL..MEDIUM => Self::of_size::<MEDIUM>(1, bytes, flags),
            MEDIUM..LARGE => Self::of_size::<LARGE>(2, bytes, flags),
            LARGE..WHOLE => Self::of_size::<WHOLE>(3, bytes, flags),
            _ => None,
        }
    }

    fn of_size<const SIZE: usize>(size: u8, bytes: &[u8], flags: Flags) -> Option<Self> {
        let mut memory = KBox::new([0; SIZE], flags).ok()?;
        let (first, rest) = memory.split_first_mut()?;
        *first = size;
        rest.get_mut(..bytes.len())?.copy_from_slice(bytes);
        NonNull::new(KBox::into_raw(memory).cast()).map(Self)
    }

    /// The bytes, and the zeros after them.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: It is the memory of a box of that size, for as long as `self` is there.
        let all = unsafe { NonNull::slice_from_raw_parts(self.0, self.size()).as_ref() };
        all.get(1..).unwrap_or(&[])
    }

    /// # Safety
    ///
    /// Its memory has that size, and it is not used any more.
    unsafe fn free<const SIZE: usize>(&mut self) {
        // SAFETY: `of_size` made it of a box of that size.
        drop(unsafe { KBox::from_raw(self.0.as_ptr().cast::<[u8; SIZE]>()) });
    }

    fn size(&self) -> usize {
        // SAFETY: `of_size` wrote it.
        match unsafe { self.0.read() } {
            0 => SMALL,
            1 => MEDIUM,
            2 => LARGE,
            _ => WHOLE,
        }
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        // SAFETY: Each for the memory of its size, which is not used after this.
        unsafe {
            match self.size() {
                SMALL => self.free::<SMALL>(),
                MEDIUM => self.free::<MEDIUM>(),
                LARGE => self.free::<LARGE>(),
                _ => self.free::<WHOLE>(),
            }
        }
    }
}
