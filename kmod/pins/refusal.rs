// SPDX-License-Identifier: GPL-2.0-only

//! What somebody is told whose request is refused.

use core::ffi::CStr;
use kernel::error::Error;

/// Why a pin cannot be set.
pub type Refusal = (Error, &'static CStr);
