// SPDX-License-Identifier: GPL-2.0-only

//! What clap says of arguments that do not parse, in a line.

/// A usage error in a line, and where to look.
pub(crate) fn one_line(error: &clap::Error) -> String {
    format!("{}; see --help", cause(error))
}

/// A usage error's cause and clap's tip if it has one, without the usage text after them.
pub(crate) fn cause(error: &clap::Error) -> String {
    let text = error.to_string();
    let words: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let line = words.join(" ").replace(" tip: ", "; ");
    line.strip_prefix("error: ").unwrap_or(&line).into()
}
