// SPDX-License-Identifier: GPL-2.0-only

//! Which pins let a connection's data pass, and which have it reset.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::{
    completion,
    failure::{Code, Failure},
    mark::{Mark, PinName},
    model::Pin,
    netlink::Tlsconn,
};

/// Names of pins.
#[derive(Args, Debug)]
pub(super) struct Names {
    /// Data of connections with one of these pins passes to the other rules [default: default]
    #[arg(long, value_name = "PIN,…", value_delimiter = ',', add = ArgValueCandidates::new(completion::pins))]
    allow: Vec<PinName>,
    /// Connections with one of these pins, made by `tlsconnctl pin --deny`, are reset: each end when it next sends, before anything
    /// is allowed. If a pin is not a denial, its mark goes with the first reset, and the other end is only held
    #[arg(long, value_name = "PIN,…", value_delimiter = ',', add = ArgValueCandidates::new(completion::pins))]
    deny: Vec<PinName>,
}

/// A pin that rules ask for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) mark: Mark,
}

impl Asked {
    /// How the match asks for it.
    pub(super) fn option(&self) -> String {
        match self.mark == Mark::default() {
            true => "--pinned".into(),
            false => format!("--pinned --pin-mark {}", self.mark),
        }
    }

    /// How a comment says that a connection has it.
    pub(super) fn comment(&self, what: &str) -> String {
        match self.name.as_str() {
            DEFAULT => what.into(),
            name => format!("{what} as {name}"),
        }
    }
}

/// The pins that rules ask for, with their marks.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Pinned {
    pub(super) allow: Vec<Asked>,
    pub(super) deny: Vec<Asked>,
}

/// The pin that is asked for where none is named; it has its mark before it is there.
const DEFAULT: &str = "default";

impl Names {
    /// Finds their marks. Nobody is asked where `default` alone is meant.
    pub(super) fn find(&self) -> Result<Pinned, Failure> {
        if let Some(both) = self.allow.iter().find(|name| self.deny.contains(name)) {
            return Err(Failure::usage(format!(
                "pin {} is to be allowed and denied; name it once",
                both.0
            )));
        }
        let named = self.allow.iter().chain(&self.deny);
        let pins = match named.clone().all(|name| name.0 == DEFAULT) {
            true => Vec::new(),
            false => Tlsconn::open()?.pins()?,
        };
        self.among(&pins)
    }

    fn among(&self, pins: &[Pin]) -> Result<Pinned, Failure> {
        let default = [PinName(DEFAULT.into())];
        let allow = match self.allow.as_slice() {
            [] if self.deny.contains(&default[0]) => &[],
            [] => default.as_slice(),
            allow => allow,
        };
        let all = |names: &[PinName]| -> Result<Vec<Asked>, Failure> {
            names.iter().map(|name| asked(name, pins)).collect()
        };
        Ok(Pinned {
            allow: all(allow)?,
            deny: all(&self.deny)?,
        })
    }
}

fn asked(name: &PinName, pins: &[Pin]) -> Result<Asked, Failure> {
    let found = pins.iter().find(|pin| pin.name.0 == name.0.as_bytes());
    let mark = match found {
        Some(pin) => Mark {
            value: pin.mark,
            mask: pin.mask,
        },
        None if name.0 == DEFAULT => Mark::default(),
        None => {
            return Err(Failure::new(
                Code::NotFound,
                format!(
                    "there is no pin {}: make it first, as with `tlsconnctl pin --shared --name {} ID`; see `tlsconnctl \
                     pins`",
                    name.0, name.0
                ),
            ))
        }
    };
    Ok(Asked {
        name: name.0.clone(),
        mark,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Pins as if they had been found.
    pub(in crate::command::rules) fn pinned(allow: &[(&str, u32)], deny: &[(&str, u32)]) -> Pinned {
        let all = |pins: &[(&str, u32)]| {
            let asked = |&(name, value): &(&str, u32)| Asked {
                name: name.into(),
                mark: Mark {
                    value,
                    mask: 0xff00_0000,
                },
            };
            pins.iter().map(asked).collect()
        };
        Pinned {
            allow: all(allow),
            deny: all(deny),
        }
    }

    fn names(allow: &[&str], deny: &[&str]) -> Names {
        let all = |names: &[&str]| names.iter().map(|&name| PinName(name.into())).collect();
        Names {
            allow: all(allow),
            deny: all(deny),
        }
    }

    #[test]
    fn default_is_always_known() {
        let default = pinned(&[("default", 0x5400_0000)], &[]);
        assert_eq!(names(&[], &[]).find().expect("nobody is asked"), default);
        assert_eq!(names(&["default"], &[]).find().expect("likewise"), default);
        let denied = names(&[], &["default"]).find().expect("likewise");
        assert_eq!(denied, pinned(&[], &[("default", 0x5400_0000)]));
    }

    #[test]
    fn what_is_unknown_or_named_twice_is_refused() {
        let missing = names(&["a"], &[]).among(&[]).expect_err("there is none");
        assert_eq!(missing.code, Code::NotFound);
        let twice = names(&["a"], &["a"]).find().expect_err("named twice");
        assert_eq!(twice.code, Code::Usage);
    }
}
