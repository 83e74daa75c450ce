// SPDX-License-Identifier: GPL-2.0-only

//! Why a command on sets is not done.

use core::ffi::CStr;
use kernel::error::Error;

/// The error, and a word why for whoever asked.
pub type Refusal = (Error, &'static CStr);
