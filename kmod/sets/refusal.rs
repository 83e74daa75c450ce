// SPDX-License-Identifier: GPL-2.0-only

//! Why a command on sets is not done.

use core::ffi::CStr;
use kernel::error::{code::ENOENT, Error};

/// The error, and a word why for whoever asked.
pub type Refusal = (Error, &'static CStr);

/// What is asked for is not there.
pub const MISSING: Refusal = (ENOENT, c"there is no set of that name");
