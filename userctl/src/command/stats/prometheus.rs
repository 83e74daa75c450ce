// SPDX-License-Identifier: GPL-2.0-only

//! The counters in the text format of Prometheus, as node_exporter's textfile collector reads it.

use std::{collections::BTreeMap, fmt::Write};

macro_rules! means {
    ($({ $variant:ident $number:ident $word:literal $means:literal $($more:tt)* })+) => {
        /// The counters by name, and what they count.
        const MEANS: &[(&str, &str)] = &[$(($word, $means),)+];
    };
}

crate::counters! { means }

/// Those that go down too, or stay at the most there was.
const GAUGES: [&str; 2] = ["connections-now", "connections-peak"];

/// A metric for each counter that is there, in the order of their facts.
pub(super) fn text(stats: &BTreeMap<String, u64>) -> String {
    let mut text = String::new();
    for (word, means) in MEANS {
        let Some(value) = stats.get(*word) else {
            continue;
        };
        let (kind, end) = match GAUGES.contains(word) {
            true => ("gauge", ""),
            false => ("counter", "_total"),
        };
        let name = format!("tlsconn_{}{end}", word.replace('-', "_"));
        let help = means.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counter_says_what_it_is() {
        let stats = [
            ("packets", 7),
            ("connections-now", 2),
            ("of-a-newer-module", 1),
        ];
        let stats = stats.map(|(name, value)| (name.to_string(), value));
        assert_eq!(
            text(&stats.into()),
            "\
# HELP tlsconn_packets_total packets that were looked at
# TYPE tlsconn_packets_total counter
tlsconn_packets_total 7
# HELP tlsconn_connections_now connections that are tracked
# TYPE tlsconn_connections_now gauge
tlsconn_connections_now 2
"
        );
    }
}
