// SPDX-License-Identifier: GPL-2.0-only

//! What reading can find wrong.

/// Bytes that are not what the interface says.
#[derive(Debug)]
pub(super) struct Malformed;
