// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl doctor`: what is missing for tlsconn to work here, and the command that fixes it.

use std::fmt::Write;

use serde::Serialize;

use crate::{
    doctor::{examine, Finding},
    failure::{Code, Failure},
    output::Output,
};

/// What `doctor` prints as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    findings: &'a [Finding],
}

pub(crate) fn run(output: &Output) -> Result<(), Failure> {
    let findings = examine();
    if output.json {
        output.object(&Answer {
            findings: &findings,
        })?;
    } else {
        output.text(&lines(&findings, output))?;
    }
    match findings.iter().any(Finding::is_wrong) {
        false => Ok(()),
        // The findings have said it all.
        true => Err(Failure::told(Code::Failed)),
    }
}

/// A line for each finding, and one with the command under what is wrong.
fn lines(findings: &[Finding], output: &Output) -> String {
    let width = findings
        .iter()
        .map(|finding| finding.check.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for finding in findings
        .iter()
        .filter(|finding| !(finding.ok == Some(true) && output.quiet))
    {
        let (word, colour) = match finding.ok {
            Some(true) => ("ok", 32),
            Some(false) => ("wrong", 31),
            None => ("unknown", 33),
        };
        let verdict = match output.colour {
            true => format!("\x1b[{colour}m{word:7}\x1b[0m"),
            false => format!("{word:7}"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{verdict}  {:width$}  {}",
            finding.check, finding.detail
        );
        if let Some(fix) = &finding.fix {
            let _ = writeln!(text, "         {:width$}   fix it: {fix}", "");
        }
    }
    let untold = findings
        .iter()
        .filter(|finding| finding.ok.is_none())
        .count();
    if untold > 0 && !findings.iter().any(Finding::is_wrong) {
        let _ = writeln!(text, "{untold} could not be told");
    }
    text
}
