// SPDX-License-Identifier: GPL-2.0-only

//! The options of the match, one row each, and how each fills in the rule.

use std::ffi::CStr;

use tlsconn_uapi as uapi;
use uapi::xt_tlsconn_mtinfo;

use crate::{
    mark::Mark,
    words::{STATES, TYPES},
    xtables::{xt_option_entry, XTOPT_INVERT, XTTYPE_NONE, XTTYPE_STRING},
};

/// The mark that `--pinned` compares with where `--pin-mark` does not say another.
pub(crate) const DEFAULT_PIN_MARK: Mark = Mark {
    value: uapi::XT_TLSCONN_PIN_MARK,
    mask: uapi::XT_TLSCONN_PIN_MASK,
};

const O_RECORD_TYPE: u32 = 0;
const O_WIRE: u32 = 1;
const O_ALL: u32 = 2;
const O_STATE: u32 = 3;
const O_PINNED: u32 = 4;
const O_PIN_MARK: u32 = 5;

/// An option.
pub(crate) struct Opt {
    /// Its number, which is how libxtables names it back to us.
    pub(crate) id: u32,
    pub(crate) name: &'static CStr,
    pub(crate) argument: bool,
    /// Whether `!` may stand in front.
    invert: bool,
    /// The options, as bits, that must be given with it.
    needs: u32,
    /// Takes the argument, empty if there is none, into the rule.
    set: fn(&mut xt_tlsconn_mtinfo, &str) -> Result<(), String>,
    /// The condition that it states, none for one that only says how another is meant.
    condition: u32,
}

pub(crate) const OPTIONS: &[Opt] = &[
    Opt {
        id: O_RECORD_TYPE,
        name: c"record-type",
        argument: true,
        invert: true,
        needs: 0,
        set: |info, list| {
            info.types = TYPES.parse(list)?;
            Ok(())
        },
        condition: uapi::XT_TLSCONN_RECORD_TYPE,
    },
    Opt {
        id: O_WIRE,
        name: c"wire",
        argument: false,
        invert: false,
        needs: 1 << O_RECORD_TYPE,
        set: |info, _| {
            info.flags |= uapi::XT_TLSCONN_WIRE as u16;
            Ok(())
        },
        condition: 0,
    },
    Opt {
        id: O_ALL,
        name: c"all",
        argument: false,
        invert: false,
        needs: 1 << O_RECORD_TYPE,
        set: |info, _| {
            info.flags |= uapi::XT_TLSCONN_ALL as u16;
            Ok(())
        },
        condition: 0,
    },
    Opt {
        id: O_STATE,
        name: c"state",
        argument: true,
        invert: true,
        needs: 0,
        set: |info, list| {
            info.states = STATES.parse(list)?;
            Ok(())
        },
        condition: uapi::XT_TLSCONN_STATE,
    },
    Opt {
        id: O_PINNED,
        name: c"pinned",
        argument: false,
        invert: true,
        needs: 0,
        set: |info, _| {
            // A `--pin-mark` in front of it counts: only that one can have set a mask, and never an empty one.
            if info.pin_mask == 0 {
                set_pin_mark(info, DEFAULT_PIN_MARK);
            }
            Ok(())
        },
        condition: uapi::XT_TLSCONN_PINNED,
    },
    Opt {
        id: O_PIN_MARK,
        name: c"pin-mark",
        argument: true,
        invert: false,
        needs: 1 << O_PINNED,
        set: |info, mark| {
            set_pin_mark(info, Mark::parse(mark)?);
            Ok(())
        },
        condition: 0,
    },
];

fn set_pin_mark(info: &mut xt_tlsconn_mtinfo, mark: Mark) {
    info.pin_mark = mark.value;
    info.pin_mask = mark.mask;
}

/// Takes an option into the rule, or says in one line why not.
pub(crate) fn set(
    info: &mut xt_tlsconn_mtinfo,
    id: u32,
    argument: &str,
    invert: bool,
) -> Result<(), String> {
    let Some(option) = OPTIONS.iter().find(|option| option.id == id) else {
        return Err(format!("no option has the number {id}"));
    };
    (option.set)(info, argument)
        .map_err(|problem| format!("--{}: {problem}", option.name.to_string_lossy()))?;
    info.match_ |= option.condition;
    if invert {
        info.invert |= option.condition;
    }
    Ok(())
}

/// The table in libxtables' form, which refuses what is given twice, wrongly inverted, or without what it needs. The
/// last row is empty.
pub(crate) fn table() -> Vec<xt_option_entry> {
    let entry = |option: &Opt| xt_option_entry {
        name: option.name.as_ptr(),
        type_: if option.argument {
            XTTYPE_STRING
        } else {
            XTTYPE_NONE
        },
        id: option.id,
        also: option.needs,
        flags: if option.invert { XTOPT_INVERT } else { 0 },
        ..Default::default()
    };
    OPTIONS
        .iter()
        .map(entry)
        .chain([xt_option_entry::default()])
        .collect()
}
