// SPDX-License-Identifier: GPL-2.0-only

//! What libxtables calls. Those that get pointers are unsafe: only libxtables may call them, with pointers to what
//! their comments say, valid while they run.

use std::{
    ffi::{c_int, c_void, CStr},
    mem,
};

use tlsconn_uapi::xt_tlsconn_mtinfo;

use crate::{
    canonical, help, options,
    protocol::Place,
    translate,
    xtables::{
        self, xt_entry_match, xt_fcheck_call, xt_option_call, xt_option_entry, xt_xlate,
        xt_xlate_mt_params, xtables_match,
    },
};

type Parse = unsafe extern "C" fn(*mut xt_option_call);

/// The size of the rule's data as x_tables counts it.
const SIZE: usize =
    mem::size_of::<xt_tlsconn_mtinfo>().next_multiple_of(mem::align_of::<xtables::_xt_align>());

/// Registers the match for IPv4 and for IPv6.
pub(crate) extern "C" fn register() {
    let options = Box::leak(options::table().into_boxed_slice()).as_ptr();
    register_for(xtables::NFPROTO_IPV4, parse_ipv4, options);
    register_for(xtables::NFPROTO_IPV6, parse_ipv6, options);
}

fn register_for(family: u32, parse: Parse, options: *const xt_option_entry) {
    let tlsconn = xtables_match {
        version: xtables::XTABLES_VERSION.as_ptr(),
        name: c"tlsconn".as_ptr(),
        revision: 0,
        family: family as u16,
        size: SIZE,
        userspacesize: mem::offset_of!(xt_tlsconn_mtinfo, held),
        udata_size: mem::size_of::<Place>(),
        help: Some(print_help),
        x6_parse: Some(parse),
        x6_fcheck: Some(check),
        x6_options: options,
        print: Some(print),
        save: Some(save),
        xlate: Some(translate),
        ..Default::default()
    };
    // SAFETY: libxtables may keep and change what it gets here: it is leaked, and nothing else refers to it.
    unsafe { xtables::xtables_register_match(Box::leak(Box::new(tlsconn))) };
}

extern "C" fn print_help() {
    xtables::print(&help::text());
}

/// Takes one option of an IPv4 rule.
unsafe extern "C" fn parse_ipv4(call: *mut xt_option_call) {
    // SAFETY: libxtables passes a valid call, with a rule of the family that this was registered for.
    unsafe { parse(call, Place::in_ipv4) };
}

/// Takes one option of an IPv6 rule.
unsafe extern "C" fn parse_ipv6(call: *mut xt_option_call) {
    // SAFETY: libxtables passes a valid call, with a rule of the family that this was registered for.
    unsafe { parse(call, Place::in_ipv6) };
}

/// Takes one option. `place` finds the protocol in a rule of the call's family.
unsafe fn parse(call: *mut xt_option_call, place: unsafe fn(*const c_void) -> Place) {
    // SAFETY: The callers pass a valid call.
    unsafe { xtables::xtables_option_parse(call) };
    // SAFETY: As above, and nobody else uses it meanwhile.
    let call = unsafe { &mut *call };
    // SAFETY: `data` points to `SIZE` bytes, aligned and zero at first, of the rule that is being made.
    let info = unsafe { &mut *call.data.cast::<xt_tlsconn_mtinfo>() };
    // SAFETY: libxtables set it to the row of our table that the option was found in.
    let entry = unsafe { &*call.entry };
    let argument = if call.arg.is_null() {
        c""
    } else {
        // SAFETY: It is a string of the command line.
        unsafe { CStr::from_ptr(call.arg) }
    };
    let Ok(argument) = argument.to_str() else {
        // SAFETY: The table's names are C strings.
        let option = unsafe { CStr::from_ptr(entry.name) }.to_string_lossy();
        xtables::error(&format!(
            "tlsconn: --{option}: the argument is not UTF-8; bytes of a protocol's name are written \\xNN"
        ));
    };
    if let Err(problem) = options::set(info, entry.id as usize, argument, call.invert) {
        xtables::error(&format!("tlsconn: {problem}"));
    }
    // SAFETY: The rule is of the family that `place` is for, and outlives the check.
    let place = unsafe { place(call.xt_entry) };
    // SAFETY: `udata` has room for what registration asked for, and is aligned for any type.
    unsafe { call.udata.cast::<Place>().write(place) };
}

/// Looks at the rule as a whole.
unsafe extern "C" fn check(call: *mut xt_fcheck_call) {
    // SAFETY: libxtables passes a valid call.
    let call = unsafe { &*call };
    // SAFETY: The rule's data is there, of the size that this was registered with.
    let info = unsafe { &*call.data.cast::<xt_tlsconn_mtinfo>() };
    if let Err(problem) = options::check(call.xflags, info) {
        xtables::error(&format!("tlsconn: {problem}"));
    }
    // SAFETY: An option was given, so its parser has written it.
    let place = unsafe { &*call.udata.cast::<Place>() };
    // SAFETY: The rule is still there.
    if !unsafe { place.is_tcp() } {
        xtables::error("tlsconn: the rule is not for TCP; add -p tcp");
    }
}

/// Writes a rule for a listing.
unsafe extern "C" fn print(_ip: *const c_void, entry: *const xt_entry_match, _numeric: c_int) {
    // SAFETY: libxtables passes a match of ours.
    let info = unsafe { info_of(entry) };
    let more = match canonical::is_newer(info) {
        true => " [and what this libxt_tlsconn.so is too old to show]",
        false => "",
    };
    xtables::print(&format!(" tlsconn{}{more}", canonical::options(info, "")));
}

/// Writes a rule so that it can be read back.
unsafe extern "C" fn save(_ip: *const c_void, entry: *const xt_entry_match) {
    // SAFETY: libxtables passes a match of ours.
    let info = unsafe { info_of(entry) };
    if canonical::is_newer(info) {
        // A rule that is saved in part would come back as another one.
        xtables::error(
            "tlsconn: a rule has a condition that this version of the extension does not know; update libxt_tlsconn.so \
             to that of the module xt_tlsconn",
        );
    }
    xtables::print(&canonical::options(info, "--"));
}

/// Writes a rule as nft has it; false if it cannot be.
unsafe extern "C" fn translate(xl: *mut xt_xlate, params: *const xt_xlate_mt_params) -> c_int {
    // SAFETY: libxtables passes valid parameters, with a match of ours.
    let info = unsafe { info_of((*params).match_) };
    let Some(expression) = translate::expression(info) else {
        // It prints the rule as a comment, and would leave it at that.
        if xtables::is_translator() {
            eprintln!(
                "tlsconn: nft cannot express{}; keep the rule in iptables-nft, or let nft read the mark of a pinned \
                 connection (--pinned)",
                canonical::options(info, "--")
            );
        }
        return 0;
    };
    // SAFETY: libxtables passes what translations are added to.
    unsafe { xtables::translated(xl, &expression) };
    1
}

/// The rule's data after the match's header.
///
/// # Safety
///
/// `entry` points to a match of this extension, valid while the result is used.
unsafe fn info_of<'a>(entry: *const xt_entry_match) -> &'a xt_tlsconn_mtinfo {
    // SAFETY: The data begins where the header's `data`, an array without members, stands.
    let data = unsafe { &raw const (*entry).data };
    // SAFETY: There are `SIZE` bytes of it, aligned as x_tables aligns it, and any bytes are a valid value.
    unsafe { &*data.cast::<xt_tlsconn_mtinfo>() }
}
