// SPDX-License-Identifier: GPL-2.0-only

//! Parts of a text that are replaced, and lines that are filled.

/// Columns of a line in documents and code.
const WIDTH: usize = 118;

/// The text with what stands between the first `from` and the next `to` replaced. Both stay.
pub(crate) fn replaced(text: &str, from: &str, to: &str, with: &str) -> Result<String, String> {
    let (before, rest) = text
        .split_once(from)
        .ok_or_else(|| format!("\"{}\" is not there any more", from.trim()))?;
    let (_, after) = rest
        .split_once(to)
        .ok_or_else(|| format!("\"{}\" does not come after \"{}\"", to.trim(), from.trim()))?;
    Ok([before, from, with, to, after].concat())
}

/// The text with the rows of a table replaced, which is known by its heading, two whole lines.
pub(crate) fn table(text: &str, heading: &str, rows: &[String]) -> Result<String, String> {
    let (before, rest) = text
        .split_once(heading)
        .ok_or_else(|| format!("there is no table \"{}\"", heading.trim()))?;
    let after: String = rest
        .split_inclusive('\n')
        .skip_while(|line| line.starts_with('|'))
        .collect();
    Ok([before, heading, &rows.concat(), &after].concat())
}

/// Words one after the other with a separator, in lines that begin with `indent`. No line break at the end.
pub(crate) fn filled<'a>(
    words: impl IntoIterator<Item = &'a str>,
    separator: &str,
    indent: &str,
) -> String {
    let mut lines = vec![String::new()];
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let comma = if words.peek().is_some() {
            separator
        } else {
            ""
        };
        let last = lines.last_mut().expect("there is always one");
        let is_full = indent.len() + last.len() + 1 + word.len() + comma.len() > WIDTH;
        if is_full && !last.is_empty() {
            lines.push(format!("{word}{comma}"));
        } else {
            let space = if last.is_empty() { "" } else { " " };
            last.extend([space, word, comma]);
        }
    }
    let lines: Vec<_> = lines.iter().map(|line| [indent, line].concat()).collect();
    lines.join("\n")
}

/// A phrase of a table as a sentence, without the quotes of words.
pub(crate) fn sentence(phrase: &str) -> String {
    let plain = phrase.replace('`', "");
    let mut letters = plain.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    let end = if plain.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}
