// SPDX-License-Identifier: GPL-2.0-only
//! Runs all cases of a client against every server, and prints what was run as a table.

use crate::case::{self, Case};
use crate::check::{check, shape};
use crate::gnutls::GnuTls;
use crate::nss::Nss;
use crate::openssl::OpenSsl;
use crate::process::{make_certificate, Folder};
use crate::python::Python;
use crate::rustls::Rustls;
use crate::stack::{run, Cannot, Failed, Run, Stack};
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

const SERVERS: [&dyn Stack; 5] = [&OpenSsl, &GnuTls, &Nss, &Python, &Rustls];
/// Cases that are run at once: most of the time is waiting for programs to start.
const AT_ONCE: usize = 3;

/// What has become of the cases of a client and a server.
#[derive(Default)]
struct Cell {
    passed: usize,
    /// Runs that did not come to their end, so that the case was run once more: the engine, which only listens, had not
    /// been asked yet.
    again: Vec<String>,
    /// Reasons for cases that cannot be had, and how many.
    cannot: BTreeMap<Cannot, usize>,
    broken: Vec<String>,
}

/// The test: all cases of a client.
pub(crate) fn clients_of(client: &dyn Stack) {
    let openssl = OpenSsl.is_here();
    if !client.is_here() || !openssl {
        let missing = if openssl {
            client.name()
        } else {
            OpenSsl.name()
        };
        // Written past the harness, which keeps what a passing test prints to itself.
        let _ = writeln!(std::io::stderr(), "SKIP: {missing} is not here");
        return;
    }
    let folder = Folder::new(client.name());
    make_certificate(&folder.0);
    client.prepare(&folder.0);
    let mut broken = vec![];
    let mut table = String::new();
    for server in SERVERS {
        let begun = Instant::now();
        let cell = if server.is_here() {
            if server.name() != client.name() {
                server.prepare(&folder.0);
            }
            all_cases(client, server, &folder.0)
        } else {
            Cell {
                cannot: [("not here", case::all().len())].into(),
                ..Cell::default()
            }
        };
        table += &line(client, server, &cell, begun.elapsed());
        for why in &cell.again {
            table += &format!("         ran once more: {why}\n");
        }
        broken.extend(cell.broken);
    }
    println!("{table}");
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}

fn line(client: &dyn Stack, server: &dyn Stack, cell: &Cell, took: Duration) -> String {
    let reasons: Vec<_> = cell
        .cannot
        .iter()
        .map(|(why, n)| format!("{n} {why}"))
        .collect();
    format!(
        "{:8} -> {:8} {:3} passed, {:2} failed, {:4.1} s, {:2} cannot be had: {}\n",
        client.name(),
        server.name(),
        cell.passed,
        cell.broken.len(),
        took.as_secs_f32(),
        cell.cannot.values().sum::<usize>(),
        reasons.join("; ")
    )
}

fn all_cases(client: &dyn Stack, server: &dyn Stack, folder: &Path) -> Cell {
    let cell = Mutex::new(Cell::default());
    let left = Mutex::new(case::all().into_iter().enumerate().collect::<Vec<_>>());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| loop {
                let next = left.lock().expect("the list").pop();
                let Some((number, case)) = next else { return };
                let place = |once| folder.join(format!("{}-{number}-{once}", server.name()));
                let mut ran = run(client, server, &case, &made(place(1)));
                if let Err(Failed::Stuck(why)) = &ran {
                    let mut cell = cell.lock().expect("the cell");
                    cell.again.push(format!("{}: {why}", case.name()));
                    drop(cell);
                    ran = run(client, server, &case, &made(place(2)));
                }
                let result = ran.and_then(|ran| judged(client, server, &case, &ran));
                let mut cell = cell.lock().expect("the cell");
                match result {
                    Ok(()) => cell.passed += 1,
                    Err(Failed::Cannot(why)) => *cell.cannot.entry(why).or_default() += 1,
                    Err(Failed::Stuck(why) | Failed::Broken(why)) => {
                        let (client, server) = (client.name(), server.name());
                        cell.broken
                            .push(format!("== {client} -> {server}: {}: {why}", case.name()));
                    }
                }
            });
        }
    });
    cell.into_inner().expect("the cell")
}

fn made(place: PathBuf) -> PathBuf {
    std::fs::create_dir(&place).expect("a folder");
    place
}

fn judged(client: &dyn Stack, server: &dyn Stack, case: &Case, run: &Run) -> Result<(), Failed> {
    let logged = |case: &Case| client.logs_random(case) || server.logs_random(case);
    catch_unwind(AssertUnwindSafe(|| check(case, run, &logged))).map_err(|why| {
        let why = match why.downcast_ref::<&str>() {
            Some(why) => (*why).to_owned(),
            None => why.downcast_ref::<String>().cloned().unwrap_or_default(),
        };
        let shapes: Vec<_> = run.connections.iter().map(shape).collect();
        Failed::Broken(format!("{why}\n{}", shapes.join("\n")))
    })
}
