// SPDX-License-Identifier: GPL-2.0-only

//! The corpus and its two tables: streams with TLS in them, and streams without.

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
};

/// A stream, its values by the names in the table's first line.
pub(crate) struct Row {
    values: HashMap<String, String>,
}

impl Row {
    /// A column's value; every table that is asked has it.
    pub(crate) fn get(&self, column: &str) -> &str {
        self.values
            .get(column)
            .unwrap_or_else(|| panic!("there is no column {column}"))
    }

    /// Whether the table has the column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.values.contains_key(column)
    }

    /// A value, if there is one: a dash says that there is none.
    pub(crate) fn may(&self, column: &str) -> Option<&str> {
        Some(self.get(column)).filter(|value| *value != "-")
    }

    /// Whether the capture has the start of its TCP connection.
    pub(crate) fn has_start(&self) -> bool {
        self.get("syn") != "0"
    }

    /// The file and the number of the stream in it.
    pub(crate) fn place(&self) -> (&str, u64) {
        let stream = self.get("tcp_stream").parse().expect("a number");
        (self.get("pcap"), stream)
    }
}

/// Where the captures are, if they are here.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = env::var_os("TLSCONN_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
        PathBuf::from,
    );
    folder.join("reference.tsv").is_file().then_some(folder)
}

/// The rows of a table.
pub(crate) fn read(table: &Path) -> Vec<Row> {
    let text = fs::read_to_string(table).expect("the table can be read");
    let mut lines = text.lines().map(|line| line.split('\t'));
    let names: Vec<&str> = lines.next().expect("the first line has names").collect();
    lines
        .map(|values| {
            let values: HashMap<String, String> = names
                .iter()
                .zip(values)
                .map(|(name, value)| ((*name).into(), value.into()))
                .collect();
            assert_eq!(values.len(), names.len(), "a value for every name");
            Row { values }
        })
        .collect()
}
