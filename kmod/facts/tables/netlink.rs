// SPDX-License-Identifier: GPL-2.0-only

//! The netlink family: its header, and its specification's words. Attributes and commands are the specification's own.

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
    let counters = rows::counters();
    let counters = counters.iter().map(|counter| counter.row.word).collect();
    text = numbered(&text, "TLSCONN_A_STATS_", counters)?;
    for (set, attributes) in attribute_sets() {
        if set != "stats" {
            text = numbered(&text, &constant(&format!("tlsconn-a-{set}-")), attributes)?;
        }
    }
    numbered(&text, "TLSCONN_CMD_", commands())
}

/// A name of the specification as a constant of the header
/// (Documentation/userspace-api/netlink/specs.rst in the kernel's source).
fn constant(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// The header with the enumeration without a name written whose constants have a prefix, from number 1 on.
fn numbered(text: &str, prefix: &str, names: Vec<&str>) -> Result<String, String> {
    let mut lines = names.iter().map(|name| constant(name));
    let first = lines.next().unwrap_or_default();
    let rest: Vec<_> = lines.map(|name| format!("\t{prefix}{name},\n")).collect();
    let begin = format!("enum {{\n\t{prefix}");
    let end = format!("\n\t__{prefix}MAX");
    replaced(
        text,
        &begin,
        &end,
        &format!("{first} = 1,\n{}", rest.concat()),
    )
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

const SPECIFICATION: &str = include_str!("../../../docs/netlink/tlsconn.yaml");

/// The attributes of each set of the specification, in their order.
fn attribute_sets() -> Vec<(&'static str, Vec<&'static str>)> {
    let sets = between("\nattribute-sets:\n", "\noperations:\n");
    sets.split("  -\n    name: ")
        .filter_map(|set| {
            let (name, rest) = set.split_once('\n')?;
            let attribute = |line: &'static str| line.strip_prefix("        name: ");
            Some((name, rest.lines().filter_map(attribute).collect()))
        })
        .collect()
}

/// The commands of the specification.
fn commands() -> Vec<&'static str> {
    let operations = between("\noperations:\n", "\nmcast-groups:\n");
    let command = |line: &'static str| line.strip_prefix("      name: ");
    operations.lines().filter_map(command).collect()
}

fn between(from: &str, to: &str) -> &'static str {
    let after = SPECIFICATION
        .split_once(from)
        .map_or("", |(_, after)| after);
    after.split_once(to).map_or(after, |(between, _)| between)
}
