// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl track`: tracking without a rule, and the pass mark.

use clap::{Args, ValueEnum};

use crate::{failure::Failure, mark::Bit, model::Tracking, netlink::Tlsconn, output::Output};

/// Track connections without a rule, or stop that, or say whether they are tracked
///
/// A rule that uses the match tracks connections anyway. Connections that began before tracking are lost.
///
/// With --pass-mark, chains of nft can hold data without the match. In FORWARD, INPUT and OUTPUT the bit is set in the packet mark
/// of each packet that carries nothing to be held, and cleared in all others. Chains of priority filter - 5 see it; `tlsconnctl rules
/// --format nft` makes such chains. Nobody else sees it: before and after these chains the bit is what it was.
#[derive(Args, Debug)]
pub(crate) struct Track {
    /// What to do
    #[arg(value_enum, default_value_t = What::Status)]
    what: What,
    /// With on: a bit of the packet mark that nobody else uses, such as 0x00800000. It stays on until `track off`
    #[arg(long, value_name = "BIT")]
    pass_mark: Option<Bit>,
    /// With on: packets that are in doubt, which may be handshake or data, do not have the bit
    #[arg(long)]
    strict: bool,
    /// With on: compute JA4 of every ClientHello that comes, for `list`, `show` and `monitor`. It is computed until `track off`
    #[arg(long)]
    ja4: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum What {
    On,
    Off,
    Status,
}

impl Track {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        if self.what != What::On && (self.pass_mark.is_some() || self.strict || self.ja4) {
            return Err(Failure::usage(
                "--pass-mark, --strict and --ja4 go with `track on`; `track off` ends them",
            ));
        }
        let mut tlsconn = Tlsconn::open()?;
        let tracking = match self.what {
            What::On => tlsconn.track_on(self.pass_mark, self.strict, self.ja4),
            What::Off => tlsconn.track_off(),
            What::Status => tlsconn.tracking(),
        }?;
        if output.json {
            return output.object(&tracking);
        }
        output.done(&line(&tracking))
    }
}

fn line(tracking: &Tracking) -> String {
    let rules = match tracking.rules {
        0 => "no rule uses the match".into(),
        1 => "1 rule uses the match".into(),
        rules => format!("{rules} rules use the match"),
    };
    let on = if tracking.tracking { "on" } else { "off" };
    let asked = if tracking.requested { "" } else { " not" };
    let mark = match tracking.pass_mark {
        None => "there is no pass mark".into(),
        Some(bit) => format!("the pass mark is {bit:#010x}"),
    };
    let strict = if tracking.strict { ", strict" } else { "" };
    let ja4 = if tracking.ja4 {
        "; JA4 is computed"
    } else {
        ""
    };
    format!(
        "tracking is {on}: {rules}, and it was{asked} asked for by `track on`; {mark}{strict}{ja4}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let tracking = |rules, requested, pass_mark, strict, ja4| Tracking {
            tracking: rules != 0 || requested,
            rules,
            requested,
            pass_mark,
            strict,
            ja4,
            max_connections: None,
        };
        assert_eq!(
            line(&tracking(1, true, Some(0x80_0000), true, false)),
            "tracking is on: 1 rule uses the match, and it was asked for by `track on`; the pass mark is 0x00800000, \
             strict"
        );
        assert_eq!(
            line(&tracking(0, true, None, false, true)),
            "tracking is on: no rule uses the match, and it was asked for by `track on`; there is no pass mark; JA4 is computed"
        );
    }
}
