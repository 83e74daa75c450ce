// SPDX-License-Identifier: GPL-2.0-only

//! Tests that what users read, in messages, help and manual, has every option, and says what to do.

use crate::{
    help,
    options::{self, OPTIONS},
    round_trip::rule,
};

#[test]
fn errors_name_the_option_and_the_fix() {
    for (text, start) in [
        (
            "--record-type data",
            "--record-type: unknown record type \"data\"; ",
        ),
        ("--state new,", "--state: a state is missing in \"new,\"; "),
        (
            "--pinned --pin-mark 2/1",
            "--pin-mark: \"2/1\" has bits outside ",
        ),
        ("--tls-version 2", "--tls-version: unknown version \"2\"; "),
        ("--sni .a", "--sni: \".a\" begins with a dot; "),
        ("--alpn \\", "--alpn: a backslash "),
        (
            "--session-id 1",
            "--session-id: \"1\" is not made of bytes, ",
        ),
        ("--sni-set a/b", "--sni-set: \"a/b\" has a '/' in it; "),
        ("--ja4 t13d-", "--ja4: \"t13d-\" has a '-' in it; "),
        ("", "no condition is given; add one"),
        ("--wire", "--wire says how --record-type compares; add "),
        (
            "--all --pinned",
            "--all says how --record-type compares; add ",
        ),
        (
            "--pin-mark 1",
            "--pin-mark says which mark --pinned means; add ",
        ),
        (
            "--sni a ! --no-sni",
            "--sni and --no-sni exclude each other; ",
        ),
    ] {
        let message = rule(text).err().unwrap_or_default();
        assert!(message.starts_with(start), "{text}: {message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn the_table_has_a_row_for_each_option_and_an_empty_one() {
    let table = options::table();
    assert_eq!(table.len(), OPTIONS.len() + 1);
    for (number, row) in table[..OPTIONS.len()].iter().enumerate() {
        assert_eq!(row.id as usize, number);
    }
    assert!(table[OPTIONS.len()].name.is_null());
}

/// Each in its own notation.
#[test]
fn every_option_is_in_the_help_the_manual_the_reference_and_fish() {
    let manual = include_str!("../../docs/man/xt_tlsconn.8").replace("\\-", "-");
    let reference = include_str!("../../docs/reference.md");
    let fish = include_str!("../tlsconn.fish").replace(" -l ", " --");
    let help = help::text();
    assert!(help.lines().all(|line| line.chars().count() < 84), "{help}");
    for option in OPTIONS {
        let name = option.name();
        for (place, text) in [
            ("help", &*help),
            ("manual", &manual),
            ("reference", reference),
            ("fish", &fish),
        ] {
            let is_there = text.match_indices(&format!("--{name}")).any(|(at, found)| {
                let after = text[at + found.len()..].chars().next();
                !after.is_some_and(|next| next.is_alphanumeric() || next == '-')
            });
            assert!(is_there, "--{name} is not in the {place}");
        }
    }
}
