// SPDX-License-Identifier: GPL-2.0-only

//! The netlink family: its header and its specification.

use crate::{
    block::{filled, replaced, sentence},
    rows::{self, Row},
};

/// kmod/uapi/tlsconn_netlink.h
pub(crate) fn header(text: &str) -> Result<String, String> {
    let mut text = text.to_owned();
    for (name, first, rows) in rows::enumerations() {
        let begin = format!("enum tlsconn_{} {{\n", name.replace('-', "_"));
        let rows = first.iter().chain(&rows);
        let lines: Vec<_> = rows.map(|row| format!("\t{},\n", row.constant)).collect();
        text = replaced(&text, &begin, "};", &lines.concat())?;
    }
    let counters: Vec<_> = rows::counters()
        .iter()
        .enumerate()
        .map(|(at, counter)| {
            let number = if at == 0 { " = 1" } else { "" };
            format!("\t{}{number},\n", counter.row.constant)
        })
        .collect();
    let counters = counters.concat();
    // The only enumeration without a name in which this is the first one.
    let begin = "enum {\n\tTLSCONN_A_STATS_";
    let counters = counters
        .strip_prefix("\tTLSCONN_A_STATS_")
        .unwrap_or_default();
    replaced(&text, begin, "\n\t__TLSCONN_A_STATS_MAX", counters)
}

/// docs/netlink/tlsconn.yaml
pub(crate) fn specification(text: &str) -> Result<String, String> {
    let mut text = text.to_owned();
    for (name, first, rows) in rows::enumerations() {
        let begin = format!("    type: enum\n    name: {name}\n");
        let (_, rest) = text
            .split_once(&begin)
            .ok_or_else(|| format!("there is no enumeration {name}"))?;
        let (doc, _) = rest
            .split_once("    entries:")
            .ok_or_else(|| format!("{name} has no entries"))?;
        let begin = format!("{begin}{doc}    entries:");
        let entries: String = first
            .iter()
            .chain(&rows)
            .map(|row| entry(row, ""))
            .collect();
        let end = if name == "event" {
            "\n\nattribute-sets:"
        } else {
            "\n  -\n"
        };
        text = replaced(&text, &begin, end, &format!("\n{}", entries.trim_end()))?;
    }
    let counters = rows::counters();
    let attributes: String = counters
        .iter()
        .map(|counter| entry(&counter.row, "        type: uint\n"))
        .collect();
    let begin = "    name-prefix: tlsconn-a-stats-\n    attributes:\n";
    text = replaced(&text, begin, "  -\n    name: event\n", &attributes)?;
    let words: Vec<_> = counters
        .iter()
        .map(|counter| format!("            - {}\n", counter.row.word))
        .collect();
    let begin = "      attribute-set: stats\n      flags: [uns-admin-perm]\n      do:\n        reply:\n          attributes:\n";
    replaced(&text, begin, "    -\n      name: event\n", &words.concat())
}

fn entry(row: &Row, kind: &str) -> String {
    let Row { word, means, .. } = row;
    let doc = sentence(means);
    let doc = filled(doc.split(' '), "", "          ");
    format!("      -\n        name: {word}\n{kind}        doc: >-\n{doc}\n")
}
