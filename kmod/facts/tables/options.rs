// SPDX-License-Identifier: GPL-2.0-only

//! The options of the match: their bits in a rule, what shells propose, and the table of docs/reference.md.

use crate::{
    block::{replaced, table},
    rows::{self, Opt},
};

/// kmod/uapi/xt_tlsconn.h: the conditions, with the fields of the rule that hold their values; states. Types
/// have bits in another order than the one in which they are written.
pub(crate) fn header(text: &str) -> Result<String, String> {
    let conditions: Vec<_> = rows::options()
        .iter()
        .filter(|option| !option.is_detail)
        .map(|option| {
            // The length of a value goes without saying.
            let fields = option.fields.iter().copied();
            let fields: Vec<_> = fields.filter(|field| !field.ends_with("_len")).collect();
            (option.condition.to_owned(), fields.join(", "))
        })
        .collect();
    // Their numbers in netlink are these bits' places.
    let states: Vec<_> = rows::states()
        .iter()
        .map(|row| (format!("XT_{}", row.constant), row.means.to_owned()))
        .collect();
    let mut text = text.to_owned();
    for (end_of_comment, bits) in [
        ("a `!` before it. */", &conditions),
        ("bits of `states`. */", &states),
    ] {
        let begin = format!("{end_of_comment}\nenum {{\n");
        text = replaced(&text, &begin, "};", &enumeration(bits))?;
    }
    let all = format!("(1 << {}) - 1", states.len());
    replaced(&text, "#define XT_TLSCONN_STATES_ALL (", ")\n", &all)
}

/// Bits by their names, from 0 on, each with a comment.
fn enumeration(bits: &[(String, String)]) -> String {
    let longest = bits.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(bit, (name, comment)): (usize, &(String, String))| {
        let comment = match comment.is_empty() {
            true => String::new(),
            false => format!("\t/* {comment} */"),
        };
        format!("\t{} = 1 << {bit},{comment}\n", padded(name, longest))
    };
    bits.iter().enumerate().map(line).collect()
}

/// A name after a tab, with tabs and spaces up to a length.
fn padded(name: &str, length: usize) -> String {
    const TAB: usize = 8;
    let tabs = (TAB + length) / TAB - (TAB + name.len()) / TAB;
    match tabs {
        0 => format!("{name:length$}"),
        _ => format!("{name}{}{:2$}", "\t".repeat(tabs), "", length % TAB),
    }
}

/// libxt_tlsconn/tlsconn.fish
pub(crate) fn fish(text: &str) -> Result<String, String> {
    let mut text = text.to_owned();
    for (name, rows) in [("types", rows::types()), ("states", rows::states())] {
        let words: Vec<&str> = rows.iter().map(|row| row.word).collect();
        let begin = format!("function __fish_tlsconn_{name}\n    string split ' ' '");
        text = replaced(&text, &begin, "'\n", &words.join(" "))?;
    }
    let options: String = rows::options().iter().map(fish_line).collect();
    let begin = "    set -l tlsconn complete -c $command -n __fish_tlsconn_given\n";
    replaced(&text, begin, "end\n", &options)
}

fn fish_line(option: &Opt) -> String {
    let Opt { word, means, .. } = option;
    let takes = match option.kind {
        "types" | "states" => {
            format!(
                "-x -a '(__fish_complete_list , __fish_tlsconn_{})'",
                option.kind
            )
        }
        "versions" => format!("-x -a '{}'", option.words().join(" ")),
        "protocol" => "-x -a 'h2 http/1.1'".into(),
        _ if option.value.is_empty() => "-f".into(),
        _ => "-x".into(),
    };
    let means = means.replace('\'', "\\'");
    format!("    $tlsconn -l {word} {takes} -d '{means}'\n")
}

/// docs/reference.md
pub(crate) fn reference(text: &str) -> Result<String, String> {
    let lines: Vec<_> = rows::options().iter().map(reference_line).collect();
    table(text, "| option | means |\n|---|---|\n", &lines)
}

fn reference_line(option: &Opt) -> String {
    let Opt {
        word, means, more, ..
    } = option;
    let begin = if option.is_detail { "" } else { "[!] " };
    let value = match option.value {
        "" => String::new(),
        value => format!(" {}", value.replace("...", "…")),
    };
    let words: Vec<_> = option
        .words()
        .iter()
        .map(|word| format!("`{word}`"))
        .collect();
    let words = match words.is_empty() {
        true => String::new(),
        false => format!(": {}", words.join(", ")),
    };
    let more = match more.is_empty() {
        true => String::new(),
        false => format!(". {more}"),
    };
    format!("| `{begin}--{word}{value}` | {means}{words}{more} |\n")
}
