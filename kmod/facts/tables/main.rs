// SPDX-License-Identifier: GPL-2.0-only

//! Writes what is made from tlsconn's facts and cannot be compiled from them, or checks that it is as they say:
//!
//! ```text
//! tables write|check
//! ```

mod block;
mod documents;
mod netlink;
mod options;
mod rows;
mod schema;

use std::{env, fs, path::PathBuf, process::ExitCode};

/// A file, and what makes its new text of the text that it has.
type Table = (&'static str, fn(&str) -> Result<String, String>);

const TABLES: &[Table] = &[
    ("kmod/uapi/tlsconn_netlink.h", netlink::header),
    ("docs/netlink/tlsconn.yaml", netlink::specification),
    ("docs/tlsconnctl.schema.json", schema::words),
    ("docs/operations.md", documents::operations),
    ("kmod/uapi/xt_tlsconn.h", options::header),
    ("libxt_tlsconn/tlsconn.fish", options::fish),
    ("docs/reference.md", options::reference),
];

fn main() -> ExitCode {
    let result = match env::args().nth(1).as_deref() {
        Some("write") => TABLES.iter().try_for_each(write),
        Some("check") => TABLES.iter().try_for_each(check),
        _ => Err("usage: tables write|check".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// A file of the source.
fn place(path: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../..", path].iter().collect()
}

/// The text that a file has, and the one that it is to have.
fn made(&(path, make): &Table) -> Result<(String, String), String> {
    let old = fs::read_to_string(place(path)).map_err(|error| format!("{path}: {error}"))?;
    let new = make(&old).map_err(|message| format!("{path}: {message}"))?;
    Ok((old, new))
}

fn write(table: &Table) -> Result<(), String> {
    let (path, _) = table;
    let (old, new) = made(table)?;
    if old == new {
        return Ok(());
    }
    println!("{path}");
    fs::write(place(path), new).map_err(|error| format!("{path}: {error}"))
}

fn check(table: &Table) -> Result<(), String> {
    let (path, _) = table;
    let (old, new) = made(table)?;
    if old == new {
        return Ok(());
    }
    let same = old
        .lines()
        .zip(new.lines())
        .take_while(|(old, new)| old == new);
    let line = same.count() + 1;
    Err(format!(
        "{path}:{line}: kmod/facts says something else; write it anew: make tables"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_as_the_facts_say() {
        assert_eq!(TABLES.iter().try_for_each(check), Ok(()));
    }

    #[test]
    fn a_list_that_is_not_known_any_longer_is_told() {
        let (_, make) = TABLES
            .iter()
            .find(|(path, _)| path.ends_with("json"))
            .expect("it is one of them");
        let schema = fs::read_to_string(place("docs/tlsconnctl.schema.json")).expect("it is there");
        assert!(make(&schema.replace("\"unpinned\"", "\"unpined\"")).is_err());
    }

    /// Each file says a word differently, and gets it back.
    #[test]
    fn a_change_by_hand_is_taken_back() {
        for (path, right, wrong) in [
            (
                "kmod/uapi/tlsconn_netlink.h",
                "TLSCONN_REASON_HOLE,",
                "TLSCONN_REASON_WHOLE,",
            ),
            (
                "kmod/uapi/tlsconn_netlink.h",
                "TLSCONN_A_STATS_NOT_TLS,",
                "TLSCONN_A_STATS_NO_TLS,",
            ),
            (
                "kmod/uapi/tlsconn_netlink.h",
                "\tTLSCONN_A_PIN_FOLLOW,\n",
                "",
            ),
            (
                "kmod/uapi/tlsconn_netlink.h",
                "TLSCONN_CMD_PIN_GET,",
                "TLSCONN_CMD_PINS_GET,",
            ),
            (
                "docs/netlink/tlsconn.yaml",
                "name: lost-syn-data\n",
                "name: lost-sin-data\n",
            ),
            (
                "docs/tlsconnctl.schema.json",
                "\"captured-out-of-order\"",
                "\"captured\"",
            ),
            ("docs/operations.md", "| `lost-hole` |", "| `hole` |"),
            (
                "libxt_tlsconn/tlsconn.fish",
                "unknown in-doubt none'",
                "unknown none'",
            ),
            (
                "libxt_tlsconn/tlsconn.fish",
                "    $tlsconn -l no-sni -f",
                "    $tlsconn -l no-sni -x",
            ),
            (
                "kmod/uapi/xt_tlsconn.h",
                "\tXT_TLSCONN_RESUMED\t = 1 << 4,",
                "\tXT_TLSCONN_RESUMED\t = 1 << 9,",
            ),
            ("docs/reference.md", "| `[!] --ech` |", "| `--ech` |"),
        ] {
            let table = TABLES.iter().find(|(known, _)| *known == path);
            let table = table.expect("it is one of them");
            let (old, _) = made(table).expect("it can be made");
            let changed = old.replacen(right, wrong, 1);
            assert_ne!(changed, old, "{right}");
            assert_eq!((table.1)(&changed), Ok(old), "{right}");
        }
    }
}
