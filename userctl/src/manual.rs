// SPDX-License-Identifier: GPL-2.0-only

//! The manual pages: options as the command line declares them, and prose written by hand where it matters.

mod prose;

use std::{fs, io, path::Path};

use clap::{builder::PossibleValuesParser, Command};
use clap_mangen::{
    roff::{bold, roman, Roff},
    Man,
};

use self::prose::Paragraph::{self, Line, Term, Text};

/// System administration.
const SECTION: &str = "8";
const TOOL: &str = "tlsconnctl";
/// The commands, for `tlsconnctl man COMMAND`.
const COMMANDS: [&str; 17] = [
    "list",
    "show",
    "top",
    "pin",
    "unpin",
    "pins",
    "monitor",
    "stats",
    "track",
    "rules",
    "set",
    "save",
    "batch",
    "inspect",
    "doctor",
    "completions",
    "man",
];

/// What `man` takes.
pub(crate) fn commands() -> PossibleValuesParser {
    PossibleValuesParser::new(COMMANDS)
}

/// The page of the tool or of a command of its command line, in roff.
pub(crate) fn page(cli: Command, command: Option<&str>) -> io::Result<String> {
    let mut cli = cli.disable_help_subcommand(true);
    cli.build();
    let of = command.and_then(|name| cli.find_subcommand(name));
    let name = command.map_or(TOOL.into(), |name| format!("{TOOL}-{name}"));
    let man = Man::new(of.unwrap_or(&cli).clone())
        .title(name.to_uppercase())
        .section(SECTION)
        .source(format!("{TOOL} {}", env!("CARGO_PKG_VERSION")))
        .manual("tlsconn");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let has_commands = |command: &Command| command.get_subcommands().next().is_some();
    if of.is_none_or(has_commands) {
        man.render_subcommands_section(&mut page)?;
    }
    let prose = prose::of(command);
    let mut roff = Roff::new();
    for (heading, paragraphs) in prose {
        roff.control("SH", [*heading]);
        for paragraph in *paragraphs {
            put(&mut roff, paragraph);
        }
    }
    if of.is_some() {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold(TOOL), roman("(8)")]);
    }
    roff.to_writer(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Writes all pages into a folder.
pub(crate) fn write(cli: &Command, folder: &Path) -> io::Result<()> {
    for command in [None].into_iter().chain(COMMANDS.map(Some)) {
        let name = command.map_or(TOOL.into(), |name| format!("{TOOL}-{name}"));
        fs::write(
            folder.join(format!("{name}.{SECTION}")),
            page(cli.clone(), command)?,
        )?;
    }
    Ok(())
}

fn put(roff: &mut Roff, paragraph: &Paragraph) {
    match paragraph {
        Text(text) => {
            roff.control("PP", []);
            roff.text([roman(*text)]);
        }
        Term(term, text) => {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(text.replace('`', ""))]);
        }
        Line(line) => {
            roff.control("PP", []);
            roff.control("RS", ["4"]);
            roff.text([bold(*line)]);
            roff.control("RE", []);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_command_has_a_page() {
        let declared: Vec<String> = Cli::command()
            .get_subcommands()
            .map(|command| command.get_name().to_string())
            .collect();
        for name in &declared {
            assert!(
                COMMANDS.contains(&name.as_str()),
                "{name} is missing in COMMANDS"
            );
            let page = page(Cli::command(), Some(name)).expect("it can be made");
            let title = format!(".TH TLSCONNCTL-{} 8 ", name.to_uppercase());
            assert!(page.contains(&title), "{page}");
            assert!(
                page.contains(".SH OPTIONS") && page.contains(".SH SYNOPSIS"),
                "{page}"
            );
        }
        assert_eq!(declared.len(), COMMANDS.len());
    }

    #[test]
    fn the_tool_s_page_has_the_prose() {
        let page = page(Cli::command(), None).expect("it can be made");
        for heading in [
            "EXAMPLES",
            "\"EXIT STATUS\"",
            "LIMITS",
            "SUBCOMMANDS",
            "\"SEE ALSO\"",
        ] {
            assert!(
                page.contains(&format!(".SH {heading}")),
                "{heading}: {page}"
            );
        }
    }
}
