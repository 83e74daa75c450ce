// SPDX-License-Identifier: GPL-2.0-only

//! Whether a rule that user space hands over is one: every field, as it may have been written by anybody.
//!
//! What is let in is canonical: a field of a condition that is not asked for is zero, as are bytes after a length, so
//! that `iptables-save` can write every rule in the kernel, and reads it back as the same bytes. The extension's tests
//! compile this file too, and hold it to that.

use crate::bindings::{
    self, xt_tlsconn_mtinfo as MatchInfo, XT_TLSCONN_NO_SNI, XT_TLSCONN_PINNED,
    XT_TLSCONN_RECORD_TYPE, XT_TLSCONN_SNI, XT_TLSCONN_STATE, XT_TLSCONN_STATES_ALL,
    XT_TLSCONN_TLS_VERSION, XT_TLSCONN_TYPES_ALL, XT_TLSCONN_TYPE_IN_DOUBT, XT_TLSCONN_WIRE,
};
use core::ffi::CStr;

/// Why a rule is refused, for the kernel's log.
pub(crate) type Reason = &'static CStr;

macro_rules! options {
    ($({ $variant:ident $condition:ident $word:literal [$($value:tt)+] $($more:tt)* })+) => {
        /// The conditions that this version knows.
        const CONDITIONS: u32 = $(bindings::$condition)|+;

        /// The bits of `flags` that it knows.
        const FLAGS: u32 = $(bit!($($value)+))|+;

        /// Checks the fields of every option, those of conditions that are not asked for too.
        fn check_values(info: &MatchInfo) -> Result<(), Reason> {
            $(value!(info $condition $word $($value)+);)+
            Ok(())
        }
    };
}

macro_rules! bit {
    (bit $flag:ident) => {
        bindings::$flag
    };
    ($($other:tt)+) => {
        0
    };
}

/// Checks an option's fields by how its value is read.
macro_rules! value {
    // Types have the bits that say how they compare.
    ($info:ident $condition:ident $word:literal bit $flag:ident) => {};
    ($info:ident $condition:ident $word:literal flag) => {};
    // The mark is checked where its condition is.
    ($info:ident $condition:ident $word:literal mark $mark:ident $mask:ident) => {};
    ($info:ident $condition:ident $word:literal types $field:ident) => { check_types($info)? };
    ($info:ident $condition:ident $word:literal states $field:ident) => { check_states($info)? };
    ($info:ident $condition:ident $word:literal versions $min:ident $max:ident) => { check_versions($info)? };
    ($info:ident $condition:ident $word:literal pinned $mark:ident $mask:ident) => { check_pin_mark($info)? };
    ($info:ident $condition:ident $word:literal pattern $field:ident $len:ident) => { check_sni($info)? };
    ($info:ident $condition:ident $word:literal set $field:ident $len:ident) => {
        filled!($info $condition $field $len, $word, "the set's name is empty, too long, or there without its condition");
        if $info.match_ & bindings::$condition != 0 && !is_set_name(front(&$info.$field, $info.$len)) {
            const WHY: Reason = reason(concat!("--", $word, ": a set's name has letters, digits, . - and _, no - first\0"));
            return Err(WHY);
        }
    };
    ($info:ident $condition:ident $word:literal fingerprint $field:ident $len:ident) => {
        filled!($info $condition $field $len, $word, "the pattern is empty, too long, or there without its condition");
        if !is_ja4_pattern(front(&$info.$field, $info.$len)) {
            const WHY: Reason = reason(concat!("--", $word, ": the pattern has something else than a-z 0-9 _ * and ?\0"));
            return Err(WHY);
        }
    };
    ($info:ident $condition:ident $word:literal protocol $field:ident $len:ident) => {
        filled!($info $condition $field $len, $word, "the protocol is empty, too long, or there without its condition")
    };
    ($info:ident $condition:ident $word:literal prefix $field:ident $len:ident) => {
        filled!($info $condition $field $len, $word, "it is not of 1 to 32 bytes, or there without its condition")
    };
}

macro_rules! filled {
    ($info:ident $condition:ident $field:ident $len:ident, $word:literal, $why:literal) => {
        if !is_filled(
            $info.match_ & bindings::$condition != 0,
            $info.$len,
            &$info.$field,
        ) {
            const WHY: Reason = reason(concat!("--", $word, ": ", $why, "\0"));
            return Err(WHY);
        }
    };
}

/// A text with a NUL at its end as the kernel's log takes it.
const fn reason(text: &'static str) -> Reason {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

crate::match_options! { options }

/// SSL 3 and TLS 1.3 on the wire.
const SSL3: u16 = 0x0300;
const TLS13: u16 = 0x0304;

/// Checks a rule; an error says what is wrong with it.
pub(crate) fn check(info: &MatchInfo) -> Result<(), Reason> {
    if info.match_ & !CONDITIONS != 0 {
        return Err(c"a condition is unknown: update the module xt_tlsconn to the version of libxt_tlsconn.so");
    }
    if info.match_ == 0 {
        return Err(c"there is no condition: give one");
    }
    if info.invert & !info.match_ != 0 {
        return Err(c"a condition is inverted that is not there");
    }
    check_values(info)
}

fn check_types(info: &MatchInfo) -> Result<(), Reason> {
    if info.match_ & XT_TLSCONN_RECORD_TYPE == 0 {
        return if info.types == 0 && info.flags == 0 {
            Ok(())
        } else {
            Err(c"--wire, --all or types are there without --record-type")
        };
    }
    if info.types == 0 {
        return Err(c"--record-type: there is no type");
    }
    if u32::from(info.types) & !XT_TLSCONN_TYPES_ALL != 0 {
        return Err(c"--record-type: a type is unknown: update the module xt_tlsconn to the version of libxt_tlsconn.so");
    }
    if u32::from(info.flags) & XT_TLSCONN_WIRE != 0
        && u32::from(info.types) & XT_TLSCONN_TYPE_IN_DOUBT != 0
    {
        return Err(c"--record-type: in-doubt is no type on the wire: leave it or --wire out");
    }
    if u32::from(info.flags) & !FLAGS != 0 {
        return Err(c"--record-type: a flag is unknown: update the module xt_tlsconn to the version of libxt_tlsconn.so");
    }
    Ok(())
}

fn check_states(info: &MatchInfo) -> Result<(), Reason> {
    let wanted = info.match_ & XT_TLSCONN_STATE != 0;
    if wanted != (info.states != 0) {
        return Err(c"--state: there is no state, or one without its condition");
    }
    if u32::from(info.states) & !XT_TLSCONN_STATES_ALL != 0 {
        return Err(c"--state: a state is unknown: update the module xt_tlsconn to the version of libxt_tlsconn.so");
    }
    Ok(())
}

fn check_pin_mark(info: &MatchInfo) -> Result<(), Reason> {
    let wanted = info.match_ & XT_TLSCONN_PINNED != 0;
    if wanted != (info.pin_mask != 0) || info.pin_mark & !info.pin_mask != 0 {
        return Err(
            c"--pin-mark: it has no mask, bits outside of it, or is there without --pinned",
        );
    }
    Ok(())
}

fn check_versions(info: &MatchInfo) -> Result<(), Reason> {
    let (min, max) = (info.version_min, info.version_max);
    let good = if info.match_ & XT_TLSCONN_TLS_VERSION != 0 {
        SSL3 <= min && min <= max
    } else {
        min == 0 && max == 0
    };
    if !good {
        return Err(
            c"--tls-version: it begins below SSL 3, is empty, or is there without its condition",
        );
    }
    if max > TLS13 {
        return Err(c"--tls-version: a version is unknown: update the module xt_tlsconn to the version of libxt_tlsconn.so");
    }
    Ok(())
}

fn check_sni(info: &MatchInfo) -> Result<(), Reason> {
    let wanted = info.match_ & XT_TLSCONN_SNI != 0;
    if wanted && info.match_ & XT_TLSCONN_NO_SNI != 0 {
        return Err(c"--sni and --no-sni exclude each other");
    }
    if !is_filled(wanted, info.sni_len, &info.sni) {
        return Err(c"--sni: the pattern is empty, too long, or there without its condition");
    }
    let pattern = front(&info.sni, info.sni_len);
    if wanted && !is_pattern(pattern) {
        return Err(c"--sni: the pattern is no name in lower case with * and ?");
    }
    Ok(())
}

/// The bytes of a field that count.
fn front(field: &[u8], len: u8) -> &[u8] {
    field.get(..usize::from(len)).unwrap_or(&[])
}

/// Letters, digits, dots, hyphens and underscores, as a shell and iptables-restore take without quotes. Not with a hyphen first.
pub(crate) fn is_set_name(name: &[u8]) -> bool {
    let is_good = |octet: &u8| octet.is_ascii_alphanumeric() || b".-_".contains(octet);
    name.first().is_some_and(|first| *first != b'-') && name.iter().all(is_good)
}

/// Lower-case letters, digits and underscores, as JA4s have them, in which * and ? are wildcards.
pub(crate) fn is_ja4_pattern(pattern: &[u8]) -> bool {
    let is_good = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'*' | b'?');
    pattern.iter().all(is_good)
}

/// Whether a field of at most 32 or 255 bytes is filled as the condition wants it: not at all, or with one byte at
/// least, and zeros after that.
fn is_filled(wanted: bool, len: u8, field: &[u8]) -> bool {
    let rest = field.get(usize::from(len)..);
    wanted == (len != 0) && rest.is_some_and(|rest| rest.iter().all(|&byte| byte == 0))
}

/// Labels of lower-case letters, digits, hyphens and underscores, in which * and ? are wildcards, with dots between them.
/// Not with a hyphen first: iptables-restore would read an option in it.
pub(crate) fn is_pattern(pattern: &[u8]) -> bool {
    let mut last = b'.';
    for &byte in pattern {
        match byte {
            b'.' if last == b'.' => return false,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'*' | b'?' | b'.' => {}
            _ => return false,
        }
        last = byte;
    }
    last != b'.' && pattern.first() != Some(&b'-')
}
