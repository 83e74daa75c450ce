// SPDX-License-Identifier: GPL-2.0-only

//! Memory for bytes of the stream that handshakes keep. It is cleared once, when the kernel has it from its pages, and not
//! for each piece: that would be a quarter of what a handshake costs. For that alone there is `unsafe` outside of `sys/`.

use crate::{
    sys::memory::{Cache, Registration},
    tls::Piece,
};
use core::{ffi::c_void, ptr::addr_of_mut};
use kernel::prelude::*;

static PIECES: Cache<Piece> = Cache::unmade();

/// Makes the cache. Process context; EBUSY the second time.
pub fn register() -> Result<Registration> {
    Registration::constructed(&PIECES, c"tlsconn_kept", Some(clear))
}

/// # Safety
///
/// For the kernel, which hands over room for a `Piece`.
unsafe extern "C" fn clear(room: *mut c_void) {
    // SAFETY: As the caller promises.
    unsafe { room.cast::<Piece>().write_bytes(0, 1) };
}

/// A piece with no other after it, and any bytes in it. None when there is no memory. Any context.
pub fn piece() -> Option<KBox<Piece>> {
    let mut room = PIECES.alloc()?;
    let piece: *mut Piece = room.as_mut_ptr();
    // SAFETY: There is room for a piece.
    unsafe { addr_of_mut!((*piece).next).write(None) };
    // SAFETY: The link was just written. The bytes were written by `clear` or by whoever had the piece: with a constructor
    // the kernel leaves them as they are while nobody has them (mm/slub.c, `slab_want_init_on_alloc()`, `object_poison`).
    Some(unsafe { room.assume_init() })
}
