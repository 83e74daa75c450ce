// SPDX-License-Identifier: GPL-2.0-only

//! Tests that a rule, however it was typed, is written back in one form that reads as the same rule.

use std::mem::MaybeUninit;

use tlsconn_uapi::{self as uapi, xt_tlsconn_mtinfo};

use crate::{
    canonical,
    options::{self, OPTIONS},
};

/// Reads a rule as libxtables would hand it to us.
fn rule(text: &str) -> Result<xt_tlsconn_mtinfo, String> {
    // SAFETY: The struct is made of integers, and a new rule is all zero.
    let mut info = unsafe { MaybeUninit::<xt_tlsconn_mtinfo>::zeroed().assume_init() };
    let mut words = text.split_whitespace();
    let mut invert = false;
    while let Some(word) = words.next() {
        if word == "!" {
            invert = true;
            continue;
        }
        let option = OPTIONS
            .iter()
            .find(|option| word.strip_prefix("--") == option.name.to_str().ok())
            .expect("the test names an option");
        let argument = if option.argument {
            words.next().unwrap_or("")
        } else {
            ""
        };
        options::set(&mut info, option.id, argument, invert)?;
        invert = false;
    }
    Ok(info)
}

/// Every octet of a rule, as the kernel gets it.
fn octets(info: &xt_tlsconn_mtinfo) -> Vec<u8> {
    let xt_tlsconn_mtinfo {
        match_,
        invert,
        flags,
        types,
        states,
        version_min,
        version_max,
        session_id_len,
        client_random_len,
        server_random_len,
        sni_len,
        alpn_len,
        reserved,
        pin_mark,
        pin_mask,
        session_id,
        client_random,
        server_random,
        sni,
        alpn,
    } = info;
    let mut octets = Vec::new();
    for wide in [match_, invert, pin_mark, pin_mask] {
        octets.extend(wide.to_ne_bytes());
    }
    for half in [flags, types, states, version_min, version_max] {
        octets.extend(half.to_ne_bytes());
    }
    octets.extend([
        session_id_len,
        client_random_len,
        server_random_len,
        sni_len,
        alpn_len,
        reserved,
    ]);
    for field in [&session_id[..], client_random, server_random, sni, alpn] {
        octets.extend(field);
    }
    octets
}

fn canonical(text: &str) -> String {
    let info = rule(text).expect(text);
    let saved = canonical::options(&info, "--");
    let again = rule(&saved).expect(&saved);
    assert_eq!(octets(&info), octets(&again), "{text}: {saved}");
    saved
}

#[test]
fn canonical_text_is_kept() {
    for text in [
        " --record-type application-data",
        " ! --record-type change-cipher-spec,alert,handshake,application-data,heartbeat,unknown,none",
        " --record-type handshake --wire",
        " --record-type none --all",
        " ! --record-type alert,handshake --wire --all",
        " --state new,hello,handshake,established,closed,not-tls,lost,tainted",
        " ! --state not-tls",
        " --pinned",
        " ! --pinned",
        " --pinned --pin-mark 0x0/0x1",
        " ! --pinned --pin-mark 0xffffffff/0xffffffff",
        " --record-type unknown --all ! --state tainted ! --pinned --pin-mark 0x54000000/0xffffffff",
    ] {
        assert_eq!(canonical(text), text);
    }
}

#[test]
fn other_ways_to_type_it_come_out_in_one_form() {
    for (typed, saved) in [
        (
            "--record-type 24,23,22,21,20",
            " --record-type change-cipher-spec,alert,handshake,application-data,heartbeat",
        ),
        (
            "--all --wire --record-type none,23,none",
            " --record-type application-data,none --wire --all",
        ),
        (
            "! --pinned --state lost,new --record-type 21",
            " --record-type alert --state new,lost ! --pinned",
        ),
        ("--pin-mark 0x54000000/0xff000000 --pinned", " --pinned"),
        ("--pinned --pin-mark 1409286144/037700000000", " --pinned"),
        (
            "--pin-mark 7/7 ! --pinned",
            " ! --pinned --pin-mark 0x7/0x7",
        ),
        (
            "--pinned --pin-mark 0",
            " --pinned --pin-mark 0x0/0xffffffff",
        ),
    ] {
        assert_eq!(canonical(typed), saved, "{typed}");
    }
}

#[test]
fn fields_of_conditions_not_given_stay_zero() {
    let info = rule("--state new").expect("is valid");
    assert_eq!(info.match_, uapi::XT_TLSCONN_STATE);
    assert_eq!(
        (
            info.invert,
            info.flags,
            info.types,
            info.pin_mark,
            info.pin_mask
        ),
        (0, 0, 0, 0, 0)
    );
    let info = rule("! --pinned").expect("is valid");
    assert_eq!(
        (info.match_, info.invert),
        (uapi::XT_TLSCONN_PINNED, uapi::XT_TLSCONN_PINNED)
    );
    assert_eq!((info.pin_mark, info.pin_mask), (0x5400_0000, 0xff00_0000));
    assert_eq!((info.flags, info.types, info.states), (0, 0, 0));
    let info = rule("--record-type alert --wire --all").expect("is valid");
    assert_eq!(
        (info.match_, info.invert, info.flags, info.types),
        (1, 0, 3, 2)
    );
    assert_eq!((info.states, info.pin_mark, info.pin_mask), (0, 0, 0));
}

#[test]
fn listings_have_no_dashes() {
    let info = rule("! --record-type alert --wire --pinned --pin-mark 1/3").expect("is valid");
    assert_eq!(
        canonical::options(&info, ""),
        " ! record-type alert wire pinned pin-mark 0x1/0x3"
    );
}

#[test]
fn errors_name_the_option() {
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
    ] {
        let message = rule(text).expect_err(text);
        assert!(message.starts_with(start), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn every_option_has_a_number_of_its_own_and_needs_one_that_is_there() {
    let table = options::table();
    let numbers: u32 = OPTIONS.iter().map(|option| 1 << option.id).sum();
    assert_eq!(numbers.count_ones() as usize, OPTIONS.len());
    for row in &table[..OPTIONS.len()] {
        assert_eq!(row.also & !numbers, 0);
    }
    assert!(table[OPTIONS.len()].name.is_null());
}
