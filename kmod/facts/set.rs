// SPDX-License-Identifier: GPL-2.0-only

//! What is said of a set of server names.

/// What becomes of names that were sent for a set.
#[macro_export]
macro_rules! set_changes {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { Replace TLSCONN_SET_CHANGE_REPLACE "replace" "The set has them and no others; it is made where there is none." }
            { Add TLSCONN_SET_CHANGE_ADD "add" "The set has them too." }
            { Remove TLSCONN_SET_CHANGE_REMOVE "remove" "The set has them no longer." }
        }
    };
}
