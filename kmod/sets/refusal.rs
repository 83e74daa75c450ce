// SPDX-License-Identifier: GPL-2.0-only

//! Why a command on sets is not done.

use core::ffi::CStr;
use kernel::error::{
    code::{E2BIG, ENOENT, ENOMEM},
    Error,
};

/// The error, and a word why for whoever asked.
pub type Refusal = (Error, &'static CStr);

/// There is no memory for it.
pub(super) const NO_MEMORY: Refusal = (ENOMEM, c"there is no memory for the names");

/// They are more than [`super::names::MAX_NAMES`].
pub(super) const TOO_MANY: Refusal = (
    E2BIG,
    c"a set has 4194304 names at most: make several of it",
);

/// What is asked for is not there.
pub const MISSING: Refusal = (ENOENT, c"there is no set of that name");
