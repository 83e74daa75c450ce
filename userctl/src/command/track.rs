// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl track`: tracking without a rule.

use clap::{Args, ValueEnum};

use crate::{failure::Failure, model::Tracking, netlink::Tlsconn, output::Output};

/// Have connections tracked without a rule, or no longer; or say whether they are
///
/// A rule that uses the match has them tracked anyway. What was begun before tracking is lost.
#[derive(Args, Debug)]
pub(crate) struct Track {
    /// What to do
    #[arg(value_enum)]
    what: What,
}

/// What to do.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    On,
    Off,
    Status,
}

impl Track {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let mut tlsconn = Tlsconn::open()?;
        let tracking = match self.what {
            What::On => tlsconn.track(true),
            What::Off => tlsconn.track(false),
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
    format!("tracking is {on}: {rules}, and it was{asked} asked for by `track on`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let tracking = |rules, requested| Tracking {
            tracking: rules != 0 || requested,
            rules,
            requested,
            max_connections: None,
        };
        assert_eq!(
            line(&tracking(1, true)),
            "tracking is on: 1 rule uses the match, and it was asked for by `track on`"
        );
        assert_eq!(
            line(&tracking(0, false)),
            "tracking is off: no rule uses the match, and it was not asked for by `track on`"
        );
    }
}
