// SPDX-License-Identifier: GPL-2.0-only

//! The engine's numbers are those of both ABI headers, or nothing is built. The module and the tool include this file each.

use crate::{
    tls::{Reason, Resumption, Side, State, Types},
    uapi::*,
};

/// Each variant's number in the header.
macro_rules! same {
    ($of:ident { $($first:ident $zero:ident)? } $({ $variant:ident $number:ident $($more:tt)* })+) => {
        const _: () = {
            $(assert!($of::$first as u32 == $zero);)?
            $(assert!($of::$variant as u32 == $number);)+
        };
    };
}

/// Each state's bit in a rule.
macro_rules! bits {
    ($({ $variant:ident $number:ident $word:literal $means:literal $bit:ident $($more:tt)* })+) => {
        const _: () = {
            $(assert!(1 << State::$variant as u32 == $bit);)+
            assert!(XT_TLSCONN_STATES_ALL == $($bit)|+);
        };
    };
}

/// Each record type's bit in a rule.
macro_rules! types {
    ($({ $name:ident $bit:ident $($more:tt)* })+) => {
        const _: () = {
            $(assert!(Types::$name.0 as u32 == $bit);)+
            assert!(XT_TLSCONN_TYPES_ALL == $($bit)|+);
            assert!(Types::ALL.0 as u32 == XT_TLSCONN_TYPES_ALL);
        };
    };
}

crate::sides! { same Side {} }
crate::states! { same State {} }
crate::states! { bits }
crate::reasons! { same Reason { None TLSCONN_REASON_NONE } }
crate::resumptions! { same Resumption {} }
crate::record_types! { types }
