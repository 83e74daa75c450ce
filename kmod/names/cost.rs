// SPDX-License-Identifier: GPL-2.0-only

//! Looks a host up in a set of so many names, so often: callgrind counts the instructions (tests/cost).
//!
//! ```text
//! names-cost NAMES LOOKUPS in|out|most|worst
//! ```

use std::{env, hint::black_box, process::ExitCode, time::Instant};

#[path = "tests/common/mod.rs"]
mod common;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [names, lookups, what] = arguments.as_slice() else {
        eprintln!("usage: names-cost NAMES LOOKUPS in|out|most|worst");
        return ExitCode::from(2);
    };
    let (Ok(names), Ok(lookups)) = (names.parse::<usize>(), lookups.parse::<usize>()) else {
        return ExitCode::from(2);
    };
    // 17 bytes each.
    let name = |at: usize| {
        format!(
            "www.{at:08}.test",
            at = at.wrapping_mul(2_654_435_761) % 100_000_000
        )
    };
    let began = Instant::now();
    let set = match what.as_str() {
        "worst" => common::table((0..names).map(|at| format!("{at:08}{}", "b".repeat(247)))),
        _ => common::table((0..names).map(name)),
    };
    eprintln!(
        "{} names in {} bytes, {:?}",
        set.len(),
        set.octets(),
        began.elapsed()
    );
    let most = ["a"; 128].join(".");
    let mut found = 0;
    for at in 0..lookups {
        let host = match what.as_str() {
            "in" => name(at % names.max(1)),
            "out" => name(at + names).replace("test", "none"),
            _ => most.clone(),
        };
        found += usize::from(look_up(&set, host.as_bytes()));
    }
    println!("{found}");
    ExitCode::SUCCESS
}

/// What is counted.
#[inline(never)]
fn look_up(set: &common::Names, host: &[u8]) -> bool {
    black_box(set).find(black_box(host)).is_some()
}
