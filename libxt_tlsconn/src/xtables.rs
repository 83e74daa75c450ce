// SPDX-License-Identifier: GPL-2.0-only

//! libxtables and the C library's output, bound from their headers, and what of them can be called safely.

use std::{
    ffi::{CStr, CString},
    process,
};

/// The bindings as bindgen made them.
#[allow(
    missing_docs,
    non_camel_case_types,
    dead_code,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    clippy::pedantic,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    reason = "generated; xtables.h holds the documentation"
)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/xtables.rs"));
}

pub(crate) use bindings::*;

/// Ends the program with a message for whoever wrote the rule.
pub(crate) fn error(message: &str) -> ! {
    let message = c_string(message);
    // SAFETY: A program that uses libxtables sets this before it loads extensions, and never again.
    let params = unsafe { xt_params };
    // SAFETY: As above, it points to the program's own globals.
    let exit_err = unsafe { (*params).exit_err };
    let Some(exit_err) = exit_err else {
        // No program leaves it out; without it nothing can be said.
        process::abort()
    };
    // SAFETY: The format has one `%s`, and a C string follows; what the user typed is never a format.
    unsafe { exit_err(PARAMETER_PROBLEM, c"%s".as_ptr(), message.as_ptr()) }
}

/// Whether the program is one that translates rules for people: `iptables-translate`, `ip6tables-restore-translate` and
/// the like. nft asks for translations too, whenever it lists a ruleset.
pub(crate) fn is_translator() -> bool {
    // SAFETY: A program that uses libxtables sets this before it loads extensions, and never again.
    let params = unsafe { xt_params };
    // SAFETY: As above, it points to the program's own globals.
    let name = unsafe { (*params).program_name };
    if name.is_null() {
        return false;
    }
    // SAFETY: It is a string that the program never frees.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_string_lossy().contains("translate")
}

/// Writes to the C library's standard output: Rust's own buffer would be lost when iptables ends by C's `exit`, and
/// would come out of order.
pub(crate) fn print(text: &str) {
    let text = c_string(text);
    // SAFETY: The format has one `%s`, and a C string follows.
    unsafe { printf(c"%s".as_ptr(), text.as_ptr()) };
}

/// Adds to a translation, with a space before it unless there is one.
///
/// # Safety
///
/// `xl` is what libxtables handed over for the translation that is under way.
pub(crate) unsafe fn translated(xl: *mut xt_xlate, text: &str) {
    let text = c_string(text);
    // SAFETY: The format has one `%s`, and a C string follows; `xl` is as the caller says.
    unsafe { xt_xlate_add(xl, c"%s".as_ptr(), text.as_ptr()) };
}

/// Up to the first NUL, as C would read it.
fn c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}
