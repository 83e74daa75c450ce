// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl inspect` over the corpus, field by field against its tables. The captures are not part of the project:
//! TLSCONN_CORPUS names their folder, else ../shared/corpus beside the project is taken.
//!
//! Many captures lack the start of their connections. The tracker is told where a stream begins by the SYN-ACK, and
//! gives what it picks up in the middle no identity: such captures are read as they are, which must say so, and once
//! more with the start put before them, which must give what the tables say.

mod begun;
mod disorder;
mod expect;
mod loose;
mod reason;
mod reference;

use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::{json, Value};

use crate::{expect::Expected, reference::Row};

/// How the fields fared.
#[derive(Default)]
struct Agreement {
    fields: BTreeMap<&'static str, Tally>,
    reasons: BTreeMap<&'static str, u32>,
    /// Captures and fields that differ.
    differ: Vec<(String, &'static str)>,
    wrong: Vec<String>,
}

#[derive(Default)]
struct Tally {
    equal: u32,
    different: u32,
    wrong: u32,
}

#[test]
fn the_corpus_agrees() {
    let Some(folder) = reference::folder() else {
        eprintln!("SKIP: no captures in ../shared/corpus, and TLSCONN_CORPUS names no other place");
        return;
    };
    let mut agreement = Agreement::default();
    let mut said = Said::default();
    for row in reference::read(&folder.join("reference.tsv")) {
        agreement.row(&row, expect::tls(&row), said.begun(&folder, &row));
        if !row.has_start() {
            let lost = vec![
                ("mid-stream state", json!("lost")),
                ("mid-stream reason", json!("mid-stream")),
                ("mid-stream client", Value::Null),
            ];
            agreement.row(&row, lost, said.as_it_is(&folder, &row));
        }
    }
    for row in reference::read(&folder.join("negatives.tsv")) {
        agreement.row(&row, expect::no_tls(&row), said.begun(&folder, &row));
    }
    agreement.print();
    println!("{} captures read in {:.1?}", said.captures, said.time);
    for (file, fields, _) in reason::LISTED {
        for field in fields {
            let differs = |(pcap, name): &(String, &str)| pcap == file && name == field;
            let one_of_two = *field == "src bytes" || *field == "dst bytes";
            assert!(
                one_of_two || agreement.differ.iter().any(differs),
                "{file}: {field} no longer differs"
            );
        }
    }
    assert!(agreement.fields.len() > 20, "every field was compared");
    assert!(agreement.wrong.is_empty(), "{}", agreement.wrong.join("\n"));
}

impl Agreement {
    fn row(&mut self, row: &Row, expected: Vec<Expected>, (said, began): (&Value, bool)) {
        let found = connection(row, said);
        let there = json!(found.is_some());
        self.field(row, ("connection", json!(true)), &there, began);
        let Some(found) = found else {
            return;
        };
        for (field, expected) in expected {
            self.field(row, (field, expected), &value(found, field), began);
        }
    }

    fn field(&mut self, row: &Row, (field, expected): Expected, value: &Value, began: bool) {
        let tally = self.fields.entry(field).or_default();
        let (pcap, stream) = row.place();
        if *value == expected {
            tally.equal += 1;
            return;
        }
        self.differ.push((pcap.into(), field));
        match reason::of(row, field, value, began) {
            Some(reason) => {
                tally.different += 1;
                *self.reasons.entry(reason).or_default() += 1;
            }
            None => {
                tally.wrong += 1;
                let line = format!("{pcap}, stream {stream}: {field} is {value}, not {expected}");
                self.wrong.push(line);
            }
        }
    }

    fn print(&self) {
        println!(
            "{:18} {:>8} {:>6} {:>9} {:>6}",
            "field", "compared", "equal", "different", "wrong"
        );
        let mut all = [0; 4];
        for (field, tally) in &self.fields {
            let Tally {
                equal,
                different,
                wrong,
            } = *tally;
            let counts = [equal + different + wrong, equal, different, wrong];
            print_row(field, counts);
            for (sum, count) in all.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        print_row("all", all);
        println!("\nfields that differ, by reason");
        for (reason, count) in &self.reasons {
            println!("{count:5}  {reason}");
        }
    }
}

fn print_row(name: &str, [compared, equal, different, wrong]: [u32; 4]) {
    println!("{name:18} {compared:>8} {equal:>6} {different:>9} {wrong:>6}");
}

/// The connection of a row, by its ends: the number is one of the fields.
fn connection<'a>(row: &Row, said: &'a Value) -> Option<&'a Value> {
    let ends = [row.get("orig"), row.get("resp")];
    let (_, stream) = row.place();
    said["connections"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|connection| {
            let [src, dst] = ["src", "dst"].map(|end| connection[end].as_str().expect("an end"));
            [src, dst] == ends || [dst, src] == ends
        })
        .min_by_key(|connection| connection["id"] != stream)
}

/// A field in the words of the tables.
fn value(connection: &Value, field: &str) -> Value {
    let bytes = &connection["bytes"];
    let of_end = |end: &str| {
        let part = match connection["client"] == end {
            true => "client",
            false => "server",
        };
        bytes.get(end).unwrap_or(&bytes[part]).clone()
    };
    match field {
        "src bytes" => of_end("src"),
        "dst bytes" => of_end("dst"),
        "client records" => connection["records"]["client"].clone(),
        "server records" => connection["records"]["server"].clone(),
        "state" => match connection["state"].as_str().expect("a state") {
            state @ ("not-tls" | "lost" | "tainted") => json!(state),
            _ => json!("followed"),
        },
        field => connection[field.strip_prefix("mid-stream ").unwrap_or(field)].clone(),
    }
}

/// What the tool said of the captures, which have many streams each.
#[derive(Default)]
struct Said {
    as_they_are: HashMap<String, Value>,
    begun: HashMap<String, Value>,
    captures: u32,
    time: std::time::Duration,
}

impl Said {
    fn as_it_is(&mut self, folder: &Path, row: &Row) -> (&Value, bool) {
        let (pcap, _) = row.place();
        let (time, captures) = (&mut self.time, &mut self.captures);
        let value = self.as_they_are.entry(pcap.into()).or_insert_with(|| {
            let start = Instant::now();
            let value = inspect(&folder.join(pcap), None);
            *time += start.elapsed();
            *captures += 1;
            value
        });
        (value, false)
    }

    /// With the start of its connection, put before it if it is not there.
    fn begun(&mut self, folder: &Path, row: &Row) -> (&Value, bool) {
        if row.has_start() {
            return self.as_it_is(folder, row);
        }
        let (pcap, _) = row.place();
        let value = self.begun.entry(pcap.into()).or_insert_with(|| {
            let path = folder.join(pcap);
            inspect(&path, Some(&begun::with_start(&path)))
        });
        (value, true)
    }
}

/// What the tool says of a capture, given as a file or on its standard input.
fn inspect(path: &Path, octets: Option<&[u8]>) -> Value {
    inspect_with(&[], path, octets)
}

fn inspect_with(options: &[&str], path: &Path, octets: Option<&[u8]>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tlsconnctl"));
    command
        .args(["--json", "inspect"])
        .args(options)
        .arg(match octets {
            Some(_) => Path::new("-"),
            None => path,
        });
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tool runs");
    let mut input = child.stdin.take().expect("it has an input");
    input.write_all(octets.unwrap_or(&[])).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
