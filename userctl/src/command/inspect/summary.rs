// SPDX-License-Identifier: GPL-2.0-only

//! What a capture's connections have in common: a line that sums up, and counts.

use std::{collections::BTreeMap, fmt::Write};

use serde::Serialize;

use super::super::columns;
use crate::{
    model::{Connection, Reason},
    table::{Cell, Column, Table},
};

/// Rows of one kind that a table shows unless more are asked for.
const MOST: usize = 20;

type Counts = BTreeMap<String, u64>;

/// Connections by what they are.
#[derive(Default, Serialize)]
pub(super) struct Summary {
    connections: u64,
    state: Counts,
    reason: Counts,
    version: Counts,
    cipher: Counts,
    resumption: Counts,
    alpn: Counts,
    sni: Counts,
    ja4: Counts,
}

/// As JSON.
#[derive(Serialize)]
pub(super) struct Document {
    pub(super) summary: Summary,
}

impl Summary {
    /// By state and reason alone.
    pub(super) fn of_states<'a>(connections: impl IntoIterator<Item = &'a Connection>) -> Self {
        let mut summary = Self::default();
        for connection in connections {
            summary.add_state(connection);
        }
        summary
    }

    /// Counts these too.
    pub(super) fn add_all(&mut self, connections: impl IntoIterator<Item = Connection>) {
        for connection in connections {
            self.add_state(&connection);
            self.add(&connection);
        }
    }

    /// Whether there were none.
    pub(super) fn is_empty(&self) -> bool {
        self.connections == 0
    }

    fn add_state(&mut self, connection: &Connection) {
        // Why it is not TLS is said by that.
        let reason = connection.reason.filter(|reason| *reason != Reason::NotTls);
        *self.state.entry(connection.state.to_string()).or_default() += 1;
        if let Some(reason) = reason {
            *self.reason.entry(reason.to_string()).or_default() += 1;
        }
        self.connections += 1;
    }

    fn add(&mut self, connection: &Connection) {
        let mut count = |counts: fn(&mut Self) -> &mut Counts, value: Option<String>| {
            if let Some(value) = value {
                *counts(self).entry(value).or_default() += 1;
            }
        };
        let resumption = match (connection.resumed, connection.resumption) {
            (Some(true), Some(how)) => Some(how.to_string()),
            (Some(true), None) => Some("yes".into()),
            (Some(false), _) => Some("no".into()),
            (None, _) => None,
        };
        count(
            |of| &mut of.version,
            connection.version.map(|version| version.to_string()),
        );
        count(|of| &mut of.cipher, columns::cipher(connection));
        count(|of| &mut of.resumption, resumption);
        count(
            |of| &mut of.alpn,
            connection.alpn.as_ref().map(|alpn| alpn.to_string()),
        );
        count(
            |of| &mut of.sni,
            connection.sni.as_ref().map(|sni| sni.to_string()),
        );
        count(|of| &mut of.ja4, connection.ja4.clone());
    }

    /// With so many values of each kind, the most frequent ones.
    pub(super) fn limited(mut self, limit: Option<usize>) -> Self {
        let Some(limit) = limit else {
            return self;
        };
        let Self {
            connections: _,
            state,
            reason,
            version,
            cipher,
            resumption,
            alpn,
            sni,
            ja4,
        } = &mut self;
        for counts in [state, reason, version, cipher, resumption, alpn, sni, ja4] {
            let sorted = by_count(counts).into_iter().take(limit);
            *counts = sorted.map(|(value, count)| (value.into(), count)).collect();
        }
        self
    }

    /// As a table, most frequent first.
    pub(super) fn table(&self, limit: Option<usize>) -> Table {
        let mut table = Table::new(vec![
            Column::new("WHAT"),
            Column::cut("VALUE", 16),
            Column::new("CONNECTIONS"),
        ]);
        let mut row = |what: &str, value: &str, count: u64| {
            table.row(vec![Cell::new(what), Cell::new(value), Cell::new(count)]);
        };
        row("all", "", self.connections);
        for (what, counts) in [
            ("state", &self.state),
            ("reason", &self.reason),
            ("version", &self.version),
            ("cipher", &self.cipher),
            ("resumption", &self.resumption),
            ("alpn", &self.alpn),
            ("sni", &self.sni),
            ("ja4", &self.ja4),
        ] {
            let most = limit.unwrap_or(MOST);
            let sorted = by_count(counts);
            for (value, count) in sorted.iter().take(most) {
                row(what, value, *count);
            }
            let rest = sorted.get(most..).unwrap_or_default();
            if !rest.is_empty() {
                let others = match rest.len() {
                    1 => "(1 other)".into(),
                    others => format!("({others} others)"),
                };
                row(what, &others, rest.iter().map(|(_, count)| count).sum());
            }
        }
        table
    }

    /// The last line: how many there are, in which state, why some cannot be read, and what helps against that.
    pub(super) fn line(&self) -> String {
        let mut line = match self.connections {
            1 => "1 connection".into(),
            connections => format!("{connections} connections"),
        };
        // Writing to a string does not fail.
        let _ = write!(line, ": {}", list_of(&by_count(&self.state)));
        let reasons = by_count(&self.reason);
        if reasons.is_empty() {
            return line;
        }
        let _ = write!(line, "; not read: {}", list_of(&reasons));
        let helped = reasons.iter().find_map(|&(reason, _)| {
            let help = reason.parse().ok().and_then(help)?;
            Some((reason, help))
        });
        if let Some((reason, help)) = helped {
            let _ = write!(line, "; {reason}: {help}");
        }
        line
    }
}

fn by_count(counts: &Counts) -> Vec<(&str, u64)> {
    let mut sorted: Vec<(&str, u64)> = counts
        .iter()
        .map(|(value, count)| (value.as_str(), *count))
        .collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted
}

fn list_of(counts: &[(&str, u64)]) -> String {
    let each: Vec<String> = counts
        .iter()
        .map(|(value, count)| format!("{count} {value}"))
        .collect();
    each.join(", ")
}

/// What the capture lacks, and how to have it.
fn help(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::MidStream => Some(
            "they began before the capture did; --loose reads those whose ClientHello is in it, else begin to capture sooner",
        ),
        Reason::Hole => Some(
            "packets are missing in the capture; capture with a larger buffer (tcpdump -B 65536) or fewer packets (a filter)",
        ),
        Reason::CapturedOutOfOrder => Some(
            "packets were captured too long after what acknowledges them; put them in order of time with reordercap",
        ),
        Reason::Snaplen => Some("packets were captured in part only; capture them whole (tcpdump -s 0)"),
        Reason::PrefaceProxyV1
        | Reason::PrefaceProxyV2
        | Reason::PrefaceHttpConnect
        | Reason::PrefaceSocks4
        | Reason::PrefaceSocks5
        | Reason::PrefaceStarttls
        | Reason::PrefaceSslRequest => {
            Some("TLS begins after another protocol, which is not followed; if there is a proxy, capture on its other side")
        }
        Reason::OneDirection => Some("one direction only was captured; capture where both pass"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{tests::connection, State};

    fn summary() -> Summary {
        let lost = |reason| Connection {
            state: State::Lost,
            reason: Some(reason),
            version: None,
            resumed: None,
            ..connection()
        };
        let connections = [
            connection(),
            lost(Reason::Hole),
            lost(Reason::MidStream),
            lost(Reason::MidStream),
        ];
        let mut summary = Summary::default();
        summary.add_all(connections);
        summary
    }

    #[test]
    fn the_last_line_says_what_helps() {
        let line = summary().line();
        let expected = "4 connections: 3 lost, 1 established; not read: 2 mid-stream, 1 hole; mid-stream: they began";
        assert!(line.starts_with(expected), "{line}");
        let one = Summary::of_states(&[connection()]);
        assert_eq!(one.line(), "1 connection: 1 established");
    }

    #[test]
    fn counts_of_everything() {
        let text = summary().table(None).render(true, None, false);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows[1], ["all", "4"]);
        assert_eq!(rows[2], ["state", "lost", "3"]);
        assert!(rows.contains(&vec!["reason", "mid-stream", "2"]));
        assert!(rows.contains(&vec!["version", "1.2", "1"]));
        assert!(rows.contains(&vec!["resumption", "ticket", "1"]));
        assert!(rows.contains(&vec!["sni", "www.example.org", "4"]));
        assert!(rows.contains(&vec!["ja4", "t13d1516h2_8daaf6152771_e5627efa2ab1", "4"]));
        let short = summary().table(Some(1)).render(true, None, false);
        assert!(short.contains("reason      (1 other)"), "{short}");
        let json = serde_json::to_value(Document { summary: summary() }).expect("it serialises");
        assert_eq!(json["summary"]["state"]["lost"], 3);
        let limited = summary().limited(Some(1));
        let json = serde_json::to_value(limited).expect("it serialises");
        assert_eq!(json["connections"], 4);
        assert_eq!(json["state"], serde_json::json!({"lost": 3}));
        assert_eq!(json["reason"], serde_json::json!({"mid-stream": 2}));
    }
}
