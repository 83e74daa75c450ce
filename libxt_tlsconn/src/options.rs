// SPDX-License-Identifier: GPL-2.0-only

//! The options of the match, and how each fills in the rule and is written back: rows of tlsconn's facts, by the kinds of
//! their values.

use std::ffi::CStr;

use tlsconn_uapi as uapi;
use tlsconn_values::{hex, ja4, mark::Mark, name, set};
use uapi::xt_tlsconn_mtinfo;

use crate::{
    alpn, version,
    words::{STATES, TYPES},
    xtables::{xt_option_entry, XTOPT_INVERT, XTTYPE_NONE, XTTYPE_STRING},
};

/// An option. Its number, which is how libxtables names it back to us, is its row.
pub(crate) struct Opt {
    pub(crate) name: &'static CStr,
    /// The value's name; empty if it has none.
    pub(crate) value: &'static str,
    /// The condition that it states, or whose details it says.
    pub(crate) condition: u32,
    /// It only says how the condition is meant, and cannot be inverted.
    pub(crate) is_detail: bool,
    /// It asks what the hellos said.
    pub(crate) is_of_hellos: bool,
    /// Takes the value into the rule.
    set: fn(&mut xt_tlsconn_mtinfo, &str) -> Result<(), String>,
    /// The value that a rule has; none for a detail that is as if it was not given.
    pub(crate) print: fn(&xt_tlsconn_mtinfo) -> Option<String>,
    /// What is true then, the words that the value can have, and more about it. Backticks are around what is typed.
    pub(crate) means: &'static str,
    pub(crate) words: fn() -> Vec<&'static str>,
    pub(crate) more: &'static str,
}

impl Opt {
    pub(crate) fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or_default()
    }
}

macro_rules! options {
    ($({
        $variant:ident $condition:ident $word:literal [$kind:ident $($field:ident)*] [$answer:ident $($of:ident)*]
        $value:literal $means:literal $more:literal
    })+) => {
        /// The options by name. The kernel has never heard of these numbers.
        #[derive(Clone, Copy)]
        #[expect(dead_code, reason = "most are spoken of by their rows alone")]
        pub(crate) enum Name { $($variant,)+ }

        pub(crate) const OPTIONS: &[Opt] = &[$(Opt {
            name: c_text(concat!($word, "\0")),
            value: $value,
            condition: uapi::$condition,
            is_detail: is!(detail $answer),
            is_of_hellos: is!(ask $answer) || is!(client $answer) || is!(server $answer) || is!(set $answer),
            set: |info, text| set!(info text $kind $($field)*),
            print: |info| print!(info $kind $($field)*),
            means: $means,
            words: || words!($kind),
            more: $more,
        },)+];

        /// Bits of `flags` that the options set.
        pub(crate) const FLAGS: u32 = $(bit!($kind $($field)*))|+;
    };
}

macro_rules! is {
    (detail detail) => {
        true
    };
    (ask ask) => {
        true
    };
    (client client) => {
        true
    };
    (server server) => {
        true
    };
    (set set) => {
        true
    };
    ($answer:ident $other:ident) => {
        false
    };
}

macro_rules! bit {
    (bit $flag:ident) => {
        uapi::$flag
    };
    ($($other:ident)+) => {
        0
    };
}

/// Reads a value and takes it into the rule.
macro_rules! set {
    ($info:ident $text:ident flag) => {{
        let _ = ($info, $text);
        Ok(())
    }};
    ($info:ident $text:ident bit $flag:ident) => {{
        let _ = $text;
        $info.flags |= uapi::$flag as u16;
        Ok(())
    }};
    // A `--pin-mark` before it counts: only that one can have set a mask, and never an empty one.
    ($info:ident $text:ident pinned $mark:ident $mask:ident) => {{
        let _ = $text;
        if $info.$mask == 0 {
            Mark {
                value: $info.$mark,
                mask: $info.$mask,
            } = Mark::default();
        }
        Ok(())
    }};
    ($info:ident $text:ident mark $mark:ident $mask:ident) => {{
        Mark {
            value: $info.$mark,
            mask: $info.$mask,
        } = Mark::parse($text)?;
        Ok(())
    }};
    ($info:ident $text:ident types $field:ident) => {{
        $info.$field = TYPES.parse($text)?;
        Ok(())
    }};
    ($info:ident $text:ident states $field:ident) => {{
        $info.$field = STATES.parse($text)?;
        Ok(())
    }};
    ($info:ident $text:ident versions $min:ident $max:ident) => {{
        ($info.$min, $info.$max) = version::parse($text)?;
        Ok(())
    }};
    ($info:ident $text:ident prefix $field:ident $len:ident) => {{
        ($info.$field, $info.$len) = hex::parse($text)?;
        Ok(())
    }};
    ($info:ident $text:ident protocol $field:ident $len:ident) => {{
        $info.$len = put(&mut $info.$field, &alpn::parse($text)?);
        Ok(())
    }};
    ($info:ident $text:ident pattern $field:ident $len:ident) => {{
        $info.$len = put(&mut $info.$field, name::parse($text)?.as_bytes());
        Ok(())
    }};
    ($info:ident $text:ident set $field:ident $len:ident) => {{
        $info.$len = put(&mut $info.$field, set::parse($text)?.as_bytes());
        Ok(())
    }};
    ($info:ident $text:ident fingerprint $field:ident $len:ident) => {{
        $info.$len = put(&mut $info.$field, ja4::parse($text)?.as_bytes());
        Ok(())
    }};
}

/// Writes a value back.
macro_rules! print {
    ($info:ident flag) => {{
        let _ = $info;
        Some(String::new())
    }};
    ($info:ident bit $flag:ident) => {
        (u32::from($info.flags) & uapi::$flag != 0).then(String::new)
    };
    ($info:ident pinned $mark:ident $mask:ident) => { print!($info flag) };
    ($info:ident mark $mark:ident $mask:ident) => {{
        let mark = Mark { value: $info.$mark, mask: $info.$mask };
        (mark != Mark::default()).then(|| mark.to_string())
    }};
    ($info:ident types $field:ident) => { Some(TYPES.print($info.$field)) };
    ($info:ident states $field:ident) => { Some(STATES.print($info.$field)) };
    ($info:ident versions $min:ident $max:ident) => { Some(version::print($info.$min, $info.$max)) };
    ($info:ident prefix $field:ident $len:ident) => { Some(hex::print(front(&$info.$field, $info.$len))) };
    ($info:ident protocol $field:ident $len:ident) => { Some(alpn::print(front(&$info.$field, $info.$len))) };
    // What the kernel lets in needs no escapes.
    ($info:ident pattern $field:ident $len:ident) => { print!($info protocol $field $len) };
    ($info:ident set $field:ident $len:ident) => { print!($info protocol $field $len) };
    ($info:ident fingerprint $field:ident $len:ident) => { print!($info protocol $field $len) };
}

/// The words that a value is made of.
macro_rules! words {
    (types) => {
        TYPES.words()
    };
    (states) => {
        STATES.words()
    };
    (versions) => {
        version::words()
    };
    ($other:ident) => {
        Vec::new()
    };
}

tlsconn_facts::match_options! { options }

/// A text with a NUL at its end.
const fn c_text(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

/// Writes bytes to the front of a field, which holds one more than the parsers let through, and gives their number.
fn put<const N: usize>(field: &mut [u8; N], bytes: &[u8]) -> u8 {
    for (place, byte) in field.iter_mut().zip(bytes) {
        *place = *byte;
    }
    bytes.len() as u8
}

/// The bytes of a field that count; none where the length is longer than the field, as the kernel never has it.
fn front(field: &[u8], len: u8) -> &[u8] {
    field.get(..usize::from(len)).unwrap_or_default()
}

/// Takes an option into the rule, or says in one line why not.
pub(crate) fn set(
    info: &mut xt_tlsconn_mtinfo,
    number: usize,
    argument: &str,
    invert: bool,
) -> Result<(), String> {
    let Some(option) = OPTIONS.get(number) else {
        return Err(format!("no option has the number {number}"));
    };
    (option.set)(info, argument).map_err(|problem| format!("--{}: {problem}", option.name()))?;
    if !option.is_detail {
        info.match_ |= option.condition;
        if invert {
            info.invert |= option.condition;
        }
    }
    Ok(())
}

/// Looks at all options of a rule together: what is missing beside what is there, or must not be. `given` has the bit of
/// each option's number.
pub(crate) fn check(given: u32, info: &xt_tlsconn_mtinfo) -> Result<(), &'static str> {
    let has = |name: Name| given & (1 << name as u32) != 0;
    if given == 0 {
        return Err(
            "no condition is given; add one, such as --record-type, --state, --pinned or --sni",
        );
    }
    if has(Name::Wire) && !has(Name::RecordType) {
        return Err(
            "--wire says how --record-type compares; add --record-type, or leave --wire out",
        );
    }
    if has(Name::Wire) && u32::from(info.types) & uapi::XT_TLSCONN_TYPE_IN_DOUBT != 0 {
        return Err(
            "in-doubt is no type on the wire; leave it out of --record-type, or leave --wire out",
        );
    }
    if has(Name::All) && !has(Name::RecordType) {
        return Err("--all says how --record-type compares; add --record-type, or leave --all out");
    }
    if has(Name::PinMark) && !has(Name::Pinned) {
        return Err("--pin-mark says which mark --pinned means; add --pinned, or ! --pinned");
    }
    if has(Name::Sni) && has(Name::NoSni) {
        return Err("--sni and --no-sni exclude each other; leave one out, or write two rules");
    }
    Ok(())
}

/// The table in libxtables' form, which refuses what is given twice, wrongly inverted, or without an argument. The last
/// row is empty.
pub(crate) fn table() -> Vec<xt_option_entry> {
    let entry = |(number, option): (usize, &Opt)| xt_option_entry {
        name: option.name.as_ptr(),
        type_: match option.value.is_empty() {
            true => XTTYPE_NONE,
            false => XTTYPE_STRING,
        },
        id: number as u32,
        flags: match option.is_detail {
            true => 0,
            false => XTOPT_INVERT,
        },
        ..Default::default()
    };
    OPTIONS
        .iter()
        .enumerate()
        .map(entry)
        .chain([xt_option_entry::default()])
        .collect()
}
