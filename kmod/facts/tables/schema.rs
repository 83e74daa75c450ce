// SPDX-License-Identifier: GPL-2.0-only

//! The JSON schema: lists of words.

use crate::{
    block::filled,
    rows::{self, Row},
};

/// Lists of our words in the schema: one whose first word is another by mistake would not be known for ours.
const LISTS: usize = 13;

/// docs/tlsconnctl.schema.json: each list of words that begins with one of ours is written anew. Where null was in it, it is
/// the last.
pub(crate) fn words(text: &str) -> Result<String, String> {
    const BEGIN: &str = "\"enum\": [";
    let mut ours = 0;
    let mut pieces = text.split(BEGIN);
    let mut new = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (list, after) = piece.split_once(']').ok_or("a list does not end")?;
        new.push_str(BEGIN);
        let column = new.rsplit('\n').next().unwrap_or_default();
        let indent = &column[..column.len() - column.trim_start().len()];
        let list = match list_of(list) {
            Some(list) => {
                ours += 1;
                written(&list, indent)
            }
            None => list.to_owned(),
        };
        new.extend([&list, "]", after]);
    }
    if ours != LISTS {
        let message = format!("{ours} lists begin with a word of the facts, not {LISTS}");
        return Err(message);
    }
    Ok(new)
}

/// The words that belong to a list by its first one.
fn list_of(old: &str) -> Option<Vec<&'static str>> {
    let of = |rows: Vec<Row>| rows.iter().map(|row| row.word).collect::<Vec<_>>();
    let has = |word: &str| old.contains(&format!("\"{word}\""));
    let first = old.split('"').nth(1)?;
    let mut words = match first {
        "new" => of(rows::states()),
        "armed" => of(rows::pin_states()),
        "ssl3" => rows::versions(),
        "session-id" => of(rows::resumptions()),
        "unpinned" => of(rows::releases()),
        "not-tls" => rows::reasons()
            .iter()
            .map(|reason| reason.row.word)
            .collect(),
        "connection-new" => of(rows::events()),
        "pin-armed" => of(rows::events()),
        "change-cipher-spec" => of(rows::types()),
        _ => return None,
    };
    match first {
        "not-tls" if has("snaplen") => words.extend(rows::capture_reasons()),
        "connection-new" => words.retain(|word| !word.starts_with("pin-")),
        "pin-armed" => words.retain(|word| word.starts_with("pin-")),
        // A packet with payload has no `none`, and nothing is in doubt on the wire.
        "change-cipher-spec" => {
            words.retain(|word| *word != "none" && (*word != "in-doubt" || has(word)))
        }
        _ => (),
    }
    if old.trim_end().ends_with("null") {
        words.push("null");
    }
    Some(words)
}

/// In one line where it is short, else in lines of their own.
fn written(words: &[&str], indent: &str) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            if *word == "null" {
                "null".into()
            } else {
                format!("\"{word}\"")
            }
        })
        .collect();
    let line = quoted.join(", ");
    if line.len() < 50 {
        return line;
    }
    let inner = format!("{indent}  ");
    let lines = filled(quoted.iter().map(String::as_str), ",", &inner);
    format!("\n{lines}\n{indent}")
}
