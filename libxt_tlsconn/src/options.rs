// SPDX-License-Identifier: GPL-2.0-only

//! The options of the match, one row each, and how each fills in the rule.

use std::ffi::CStr;

use tlsconn_uapi as uapi;
use tlsconn_values::{hex, name};
use uapi::xt_tlsconn_mtinfo;

use crate::{
    alpn,
    mark::Mark,
    version,
    words::{STATES, TYPES},
    xtables::{xt_option_entry, XTOPT_INVERT, XTTYPE_NONE, XTTYPE_STRING},
};

/// The mark that `--pinned` compares with where `--pin-mark` does not say another.
pub(crate) const DEFAULT_PIN_MARK: Mark = Mark {
    value: uapi::XT_TLSCONN_PIN_MARK,
    mask: uapi::XT_TLSCONN_PIN_MASK,
};

/// An option. Its number, which is how libxtables names it back to us, is its row.
pub(crate) struct Opt {
    pub(crate) name: &'static CStr,
    /// Takes the argument into the rule; none if the option has no argument.
    pub(crate) argument: Option<Set>,
    /// The condition that it states; none for one that only says how another is meant, and cannot be inverted.
    condition: Option<u32>,
}

type Set = fn(&mut xt_tlsconn_mtinfo, &str) -> Result<(), String>;

impl Opt {
    const fn flag(name: &'static CStr, condition: u32) -> Self {
        Opt {
            name,
            argument: None,
            condition: Some(condition),
        }
    }

    const fn with(name: &'static CStr, condition: u32, set: Set) -> Self {
        Opt {
            name,
            argument: Some(set),
            condition: Some(condition),
        }
    }

    const fn detail(name: &'static CStr, argument: Option<Set>) -> Self {
        Opt {
            name,
            argument,
            condition: None,
        }
    }
}

pub(crate) const O_RECORD_TYPE: usize = 0;
pub(crate) const O_WIRE: usize = 1;
pub(crate) const O_ALL: usize = 2;
pub(crate) const O_PINNED: usize = 4;
pub(crate) const O_PIN_MARK: usize = 5;
pub(crate) const O_SNI: usize = 8;
pub(crate) const O_NO_SNI: usize = 9;

pub(crate) const OPTIONS: [Opt; 15] = [
    Opt::with(
        c"record-type",
        uapi::XT_TLSCONN_RECORD_TYPE,
        |info, list| {
            info.types = TYPES.parse(list)?;
            Ok(())
        },
    ),
    Opt::detail(c"wire", None),
    Opt::detail(c"all", None),
    Opt::with(c"state", uapi::XT_TLSCONN_STATE, |info, list| {
        info.states = STATES.parse(list)?;
        Ok(())
    }),
    Opt::flag(c"pinned", uapi::XT_TLSCONN_PINNED),
    Opt::detail(
        c"pin-mark",
        Some(|info, mark| {
            set_pin_mark(info, Mark::parse(mark)?);
            Ok(())
        }),
    ),
    Opt::with(
        c"tls-version",
        uapi::XT_TLSCONN_TLS_VERSION,
        |info, range| {
            (info.version_min, info.version_max) = version::parse(range)?;
            Ok(())
        },
    ),
    Opt::flag(c"resumed", uapi::XT_TLSCONN_RESUMED),
    Opt::with(c"sni", uapi::XT_TLSCONN_SNI, |info, pattern| {
        info.sni_len = put(&mut info.sni, name::parse(pattern)?.as_bytes());
        Ok(())
    }),
    Opt::flag(c"no-sni", uapi::XT_TLSCONN_NO_SNI),
    Opt::with(c"alpn", uapi::XT_TLSCONN_ALPN, |info, protocol| {
        info.alpn_len = put(&mut info.alpn, &alpn::parse(protocol)?);
        Ok(())
    }),
    Opt::flag(c"ech", uapi::XT_TLSCONN_ECH),
    Opt::with(c"session-id", uapi::XT_TLSCONN_SESSION_ID, |info, id| {
        (info.session_id, info.session_id_len) = hex::parse(id)?;
        Ok(())
    }),
    Opt::with(
        c"client-random",
        uapi::XT_TLSCONN_CLIENT_RANDOM,
        |info, id| {
            (info.client_random, info.client_random_len) = hex::parse(id)?;
            Ok(())
        },
    ),
    Opt::with(
        c"server-random",
        uapi::XT_TLSCONN_SERVER_RANDOM,
        |info, id| {
            (info.server_random, info.server_random_len) = hex::parse(id)?;
            Ok(())
        },
    ),
];

fn set_pin_mark(info: &mut xt_tlsconn_mtinfo, mark: Mark) {
    info.pin_mark = mark.value;
    info.pin_mask = mark.mask;
}

/// Writes octets to the front of a field, which holds one more than the parsers let through, and gives their number.
fn put<const N: usize>(field: &mut [u8; N], octets: &[u8]) -> u8 {
    for (place, octet) in field.iter_mut().zip(octets) {
        *place = *octet;
    }
    octets.len() as u8
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
    if let Some(set) = option.argument {
        set(info, argument)
            .map_err(|problem| format!("--{}: {problem}", option.name.to_string_lossy()))?;
    }
    match number {
        O_WIRE => info.flags |= uapi::XT_TLSCONN_WIRE as u16,
        O_ALL => info.flags |= uapi::XT_TLSCONN_ALL as u16,
        // A `--pin-mark` in front of it counts: only that one can have set a mask, and never an empty one.
        O_PINNED if info.pin_mask == 0 => set_pin_mark(info, DEFAULT_PIN_MARK),
        _ => {}
    }
    let condition = option.condition.unwrap_or(0);
    info.match_ |= condition;
    if invert {
        info.invert |= condition;
    }
    Ok(())
}

/// Looks at all options of a rule together: what is missing beside what is there, or must not be. `given` has the bit of
/// each option's number.
pub(crate) fn check(given: u32, info: &xt_tlsconn_mtinfo) -> Result<(), &'static str> {
    let has = |number: usize| given & (1 << number) != 0;
    if given == 0 {
        return Err(
            "no condition is given; add one, such as --record-type, --state, --pinned or --sni",
        );
    }
    if has(O_WIRE) && !has(O_RECORD_TYPE) {
        return Err(
            "--wire says how --record-type compares; add --record-type, or leave --wire out",
        );
    }
    if has(O_WIRE) && u32::from(info.types) & uapi::XT_TLSCONN_TYPE_IN_DOUBT != 0 {
        return Err(
            "in-doubt is no type on the wire; leave it out of --record-type, or leave --wire out",
        );
    }
    if has(O_ALL) && !has(O_RECORD_TYPE) {
        return Err("--all says how --record-type compares; add --record-type, or leave --all out");
    }
    if has(O_PIN_MARK) && !has(O_PINNED) {
        return Err("--pin-mark says which mark --pinned means; add --pinned, or ! --pinned");
    }
    if has(O_SNI) && has(O_NO_SNI) {
        return Err("--sni and --no-sni exclude each other; leave one out, or write two rules");
    }
    Ok(())
}

/// The table in libxtables' form, which refuses what is given twice, wrongly inverted, or without an argument. The last
/// row is empty.
pub(crate) fn table() -> Vec<xt_option_entry> {
    let entry = |(number, option): (usize, &Opt)| xt_option_entry {
        name: option.name.as_ptr(),
        type_: match option.argument {
            Some(_) => XTTYPE_STRING,
            None => XTTYPE_NONE,
        },
        id: number as u32,
        flags: match option.condition {
            Some(_) => XTOPT_INVERT,
            None => 0,
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
