// SPDX-License-Identifier: GPL-2.0-only

//! The command line: global options and the list of commands.

use std::ffi::OsString;

use clap::Parser;

use crate::{command::Command, global::Global};

/// Shows the TLS connections that xt_tlsconn tracks, and pins one of them to a connection mark.
///
/// Exit codes: 0 done, 1 failed, 2 usage, 3 no such connection, pin or set, 4 ambiguous, 5 module not loaded or not
/// permitted.
#[derive(Debug, Parser)]
#[command(name = "tlsconnctl", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Whether arguments that did not parse asked for JSON.
pub(crate) fn wants_json(args: impl IntoIterator<Item = OsString>) -> bool {
    args.into_iter()
        .skip(1)
        .take_while(|arg| arg != "--")
        .any(|arg| match arg.to_str() {
            Some("--json") => true,
            // Switches may stand together, as in -jp; after an n comes a namespace's name.
            Some(arg) if !arg.starts_with("--") => arg.strip_prefix('-').is_some_and(|letters| {
                letters
                    .chars()
                    .take_while(|letter| "jpqv".contains(*letter))
                    .any(|letter| letter == 'j')
            }),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::one_line;

    fn asked(args: &[&str]) -> bool {
        wants_json(args.iter().map(OsString::from))
    }

    #[test]
    fn json_is_found_among_arguments_that_do_not_parse() {
        assert!(asked(&["tlsconnctl", "--json", "nonsense"]));
        assert!(asked(&["tlsconnctl", "list", "-vj"]));
        assert!(!asked(&["tlsconnctl", "list"]));
        assert!(!asked(&["tlsconnctl", "-nj", "list"]));
        assert!(!asked(&["tlsconnctl", "unpin", "--", "-j"]));
        assert!(!asked(&["-j"]));
    }

    #[test]
    fn the_command_line_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_usage_error_is_one_line() {
        let error = Cli::try_parse_from(["tlsconnctl", "show"]).expect_err("an id is missing");
        let line = one_line(&error);
        assert!(
            line.contains("<ID>") && line.ends_with("see --help"),
            "{line}"
        );
        assert!(!line.contains('\n') && !line.starts_with("error"), "{line}");
        let error =
            Cli::try_parse_from(["tlsconnctl", "lst"]).expect_err("there is no such command");
        assert_eq!(
            one_line(&error),
            "unrecognized subcommand 'lst'; a similar subcommand exists: 'list'; see --help"
        );
    }

    /// What Rust's own parsers say, which names neither what is meant nor how it is written.
    const NO_WORDS: [&str; 4] = ["invalid digit", "cannot parse", "is not in ", "too large"];

    #[test]
    fn a_wrong_value_is_named_with_its_option_and_what_is_right() {
        let root = <Cli as clap::CommandFactory>::command();
        let mut wrong_values = 0;
        for command in root.get_subcommands() {
            for argument in command.get_arguments().chain(root.get_arguments()) {
                if !argument.get_action().takes_values() {
                    continue;
                }
                let name = match argument.get_long() {
                    Some(long) => format!("--{long}"),
                    None => format!("<{}>", argument.get_id().as_str().to_uppercase()),
                };
                for value in ["", "0", "-1", "443,x", "99999999999999999999", "a b/c:d,"] {
                    let given = match argument.get_long() {
                        Some(long) => vec![format!("--{long}={value}")],
                        None => vec!["--".into(), value.into()],
                    };
                    let line = ["tlsconnctl".into(), command.get_name().into()];
                    let Err(error) = Cli::try_parse_from(line.into_iter().chain(given)) else {
                        continue;
                    };
                    use clap::error::ErrorKind::{InvalidValue, ValueValidation};
                    if !matches!(error.kind(), InvalidValue | ValueValidation) {
                        continue;
                    }
                    let line = one_line(&error);
                    if line.contains("none was supplied") {
                        continue;
                    }
                    wrong_values += 1;
                    let told = line.split_once(": ").map(|(_, right)| right);
                    let options = "[possible values: ";
                    let right = told.or(line.split_once(options).map(|(_, right)| right));
                    assert!(
                        line.contains(&name) || argument.get_long().is_none(),
                        "{name} {value:?}: {line}"
                    );
                    // One of a list is named alone.
                    let is_named = |part: &str| line.contains(part);
                    assert!(value.split(',').any(is_named), "{name} {value:?}: {line}");
                    let right = right.unwrap_or_default();
                    assert!(right.len() > 20, "{name} {value:?}: {line}");
                    for words in NO_WORDS {
                        assert!(!right.contains(words), "{name} {value:?}: {line}");
                    }
                }
            }
        }
        assert!(wrong_values > 60, "{wrong_values}");
    }
}
