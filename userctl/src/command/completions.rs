// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl completions`: what a shell needs to complete this tool's words.

use clap::{Args, ValueEnum};
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use crate::{
    completion,
    failure::{Code, Failure},
    output::Output,
};

/// Print a script that makes a shell complete commands, options, ids and pins
///
/// The shell asks tlsconnctl itself, so ids and pins are current. They are completed only if the line is typed as root.
/// `make install` puts the scripts where the shells look. By hand: source <(tlsconnctl completions bash).
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Shells that can complete.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let shell: &dyn EnvCompleter = match self.shell {
            Shell::Bash => &Bash,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
        };
        let script = completion::script(shell).map_err(|error| {
            Failure::new(Code::Failed, format!("cannot make the script: {error}"))
        })?;
        output.text(&String::from_utf8_lossy(&script))
    }
}
