// SPDX-License-Identifier: GPL-2.0-only

//! Tables of documents.

use crate::{
    block::table,
    rows::{self, Reason, Row},
};

/// docs/operations.md
pub(crate) fn operations(text: &str) -> Result<String, String> {
    let mut reasons = rows::reasons();
    // For readers by state; within one in the order of the numbers.
    let states = ["not-tls", "lost", "tainted"];
    reasons.sort_by_key(|reason| states.iter().position(|state| *state == reason.state));
    let reasons = reasons.iter().map(reason_line).collect::<Vec<_>>();
    let heading = "| state | reason | counter | means | do |\n|---|---|---|---|---|\n";
    let text = table(text, heading, &reasons)?;
    let counters: Vec<_> = rows::counters()
        .iter()
        .filter(|counter| counter.reason.is_empty())
        .map(|counter| line(&counter.row, &[counter.remedy]))
        .collect();
    let text = table(
        &text,
        "| counter | means | do |\n|---|---|---|\n",
        &counters,
    )?;
    let releases: Vec<_> = rows::releases().iter().map(|row| line(row, &[])).collect();
    let text = table(&text, "| release | means |\n|---|---|\n", &releases)?;
    // Rows name it as people find it who have no links.
    Ok(text.replace("(docs/tls.md)", "([tls.md](tls.md))"))
}

fn reason_line(reason: &Reason) -> String {
    let Row { word, means, .. } = reason.row;
    let (state, remedy, counter) = (reason.state, reason.remedy, reason.counter);
    format!("| `{state}` | `{word}` | `{counter}` | {means} | {remedy} |\n")
}

/// A word, what it means, and more.
fn line(row: &Row, more: &[&str]) -> String {
    let more: Vec<String> = more.iter().map(|cell| format!(" {cell} |")).collect();
    format!("| `{}` | {} |{}\n", row.word, row.means, more.concat())
}
