// SPDX-License-Identifier: GPL-2.0-only

//! Tests that a rule, however it was typed, is written back in one form that reads as the same rule, and that the
//! kernel's own check lets in these and no others.

use std::mem;

use proptest::{collection::vec, prelude::*};
use tlsconn_uapi::{self as uapi, xt_tlsconn_mtinfo};

use crate::{
    canonical, kernel_check,
    options::{self, Name, OPTIONS},
    random::{valid, Word},
};

const SIZE: usize = mem::size_of::<xt_tlsconn_mtinfo>();

/// Bytes of it that say what it is; the kernel's own are after them.
const SAID: usize = mem::offset_of!(xt_tlsconn_mtinfo, held);

/// The rule that these bytes are.
fn of_bytes(bytes: [u8; SIZE]) -> xt_tlsconn_mtinfo {
    // SAFETY: The struct is made of integers without padding: any bytes are a valid value.
    unsafe { mem::transmute(bytes) }
}

/// Every byte of a rule, as the kernel gets it.
fn bytes(info: &xt_tlsconn_mtinfo) -> [u8; SIZE] {
    // SAFETY: As above.
    unsafe { mem::transmute(*info) }
}

/// The options in a text without spaces in arguments.
fn words(text: &str) -> Vec<Word> {
    let mut words = text.split_whitespace();
    let mut given = Vec::new();
    let mut invert = false;
    while let Some(word) = words.next() {
        if word == "!" {
            invert = true;
            continue;
        }
        let number = OPTIONS
            .iter()
            .position(|option| word.strip_prefix("--") == Some(option.name()))
            .unwrap_or_else(|| panic!("{word} is an option"));
        let argument = match OPTIONS[number].value {
            "" => "",
            _ => words.next().unwrap_or_default(),
        };
        given.push((number, argument.to_owned(), invert));
        invert = false;
    }
    given
}

/// Reads a rule as libxtables would hand it to us.
fn rule_of(words: &[Word]) -> Result<xt_tlsconn_mtinfo, String> {
    // A new rule is all zero.
    let mut info = of_bytes([0; SIZE]);
    let mut given = 0;
    for (number, argument, invert) in words {
        options::set(&mut info, *number, argument, *invert)?;
        given |= 1 << number;
    }
    options::check(given, &info)?;
    Ok(info)
}

/// Reads a rule of options without spaces in arguments.
pub(crate) fn rule(text: &str) -> Result<xt_tlsconn_mtinfo, String> {
    rule_of(&words(text))
}

/// The rule as it is saved. It reads as the same rule, and is written in the same way again.
fn saved(info: &xt_tlsconn_mtinfo) -> String {
    assert_eq!(kernel_check::check(info), Ok(()));
    assert!(!canonical::is_newer(info));
    let text = canonical::options(info, "--");
    let again = rule(&text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
    assert_eq!(bytes(info)[..SAID], bytes(&again)[..SAID], "{text}");
    assert_eq!(canonical::options(&again, "--"), text);
    // What iptables-restore takes: a word has at most 1023 bytes, and none but an option begins with a hyphen.
    for word in text.split(' ') {
        assert!(word.len() < 1024 && !word.contains(['"', '\'']), "{text}");
        assert!(!word.starts_with('-') || word.starts_with("--"), "{text}");
    }
    text
}

fn canonical(text: &str) -> String {
    saved(&rule(text).expect(text))
}

#[test]
fn canonical_text_is_kept() {
    for text in [
        " --record-type application-data",
        " ! --record-type change-cipher-spec,alert,handshake,application-data,heartbeat,unknown,in-doubt,none",
        " ! --record-type alert,handshake --wire --all",
        " --state new,hello,handshake,established,closed,not-tls,lost,tainted",
        " ! --state not-tls",
        " --pinned",
        " ! --pinned",
        " --pinned --pin-mark 0x0/0x1",
        " ! --pinned --pin-mark 0xffffffff/0xffffffff",
        " --tls-version 1.3",
        " ! --tls-version ssl3:1.1",
        " --resumed",
        " ! --resumed",
        " --sni *.example.org",
        " ! --sni w?w.xn--bcher-kva.example",
        " --no-sni",
        " ! --no-sni",
        " --alpn http/1.1",
        " ! --alpn \\x0a\\x0a",
        " --ech",
        " ! --ech",
        " --session-id 00",
        " ! --session-id 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        " --client-random c1c2",
        " --sni-set block-list_2.new",
        " ! --sni-set 0",
        " --ja4 t13d1516h2_8daaf6152771_*",
        " ! --ja4 ?13*",
        " ! --server-random ff",
        " --record-type unknown --all ! --state tainted ! --pinned --pin-mark 0x54000000/0xffffffff --tls-version \
         1.2:1.3 ! --resumed --sni * ! --alpn h2 --ech --session-id ab ! --client-random cd --server-random ef --sni-set a --ja4 t13*",
    ] {
        let text = text.split_whitespace().fold(String::new(), |all, word| all + " " + word);
        assert_eq!(canonical(&text), text);
    }
}

#[test]
fn other_ways_to_type_it_come_out_in_one_form() {
    for (typed, saved) in [
        (
            "--record-type 24,0x17,22,alert,CCS",
            " --record-type change-cipher-spec,alert,handshake,application-data,heartbeat",
        ),
        (
            "--all --wire --record-type none,appdata,none",
            " --record-type application-data,none --wire --all",
        ),
        (
            "--resumed ! --pinned --state LOST,new --record-type 21",
            " --record-type alert --state new,lost ! --pinned --resumed",
        ),
        ("--pin-mark 0x54000000/0xff000000 --pinned", " --pinned"),
        ("--pinned --pin-mark 1409286144/037700000000", " --pinned"),
        (
            "--pin-mark 7/7 ! --pinned",
            " ! --pinned --pin-mark 0x7/0x7",
        ),
        ("--tls-version tls1.2:", " --tls-version 1.2:1.3"),
        (
            "--sni WWW.Bücher.example.",
            " --sni www.xn--bcher-kva.example",
        ),
        ("--alpn \\x68\\x32", " --alpn h2"),
        ("--client-random 0xAB:cd", " --client-random abcd"),
    ] {
        assert_eq!(canonical(typed), saved, "{typed}");
    }
}

#[test]
fn fields_of_conditions_not_given_stay_zero() {
    let info = rule("--state new").expect("is valid");
    let mut expected = of_bytes([0; SIZE]);
    expected.match_ = uapi::XT_TLSCONN_STATE;
    expected.states = 1;
    assert_eq!(bytes(&info), bytes(&expected));
    let info = rule("! --pinned").expect("is valid");
    let mut expected = of_bytes([0; SIZE]);
    (expected.match_, expected.invert) = (uapi::XT_TLSCONN_PINNED, uapi::XT_TLSCONN_PINNED);
    (expected.pin_mark, expected.pin_mask) = (0x5400_0000, 0xff00_0000);
    assert_eq!(bytes(&info), bytes(&expected));
    let info = rule("--record-type alert --wire --all").expect("is valid");
    let mut expected = of_bytes([0; SIZE]);
    (expected.match_, expected.flags, expected.types) = (1, 3, 2);
    assert_eq!(bytes(&info), bytes(&expected));
}

#[test]
fn listings_have_no_dashes() {
    let info =
        rule("! --record-type alert --wire --pinned --pin-mark 1/3 --sni a.b").expect("is valid");
    assert_eq!(
        canonical::options(&info, ""),
        " ! record-type alert wire pinned pin-mark 0x1/0x3 sni a.b"
    );
}

#[test]
fn what_a_newer_version_wrote_is_noticed() {
    let valid =
        rule("--record-type alert --state new --pinned --tls-version 1.3").expect("is valid");
    assert!(!canonical::is_newer(&valid));
    let newer: [fn(&mut xt_tlsconn_mtinfo); 6] = [
        // Conditions are numbered without a gap.
        |info| info.match_ |= OPTIONS.iter().fold(0, |all, option| all | option.condition) + 1,
        |info| (info.match_, info.invert) = (info.match_ | (1 << 31), 1 << 31),
        |info| info.flags |= 1 << 2,
        |info| info.types |= 1 << 8,
        |info| info.states |= 1 << 8,
        |info| info.version_max = 0x0305,
    ];
    for change in newer {
        let mut info = valid;
        change(&mut info);
        assert!(canonical::is_newer(&info));
        let why = kernel_check::check(&info)
            .expect_err("is newer")
            .to_string_lossy();
        assert!(
            why.ends_with("update the module xt_tlsconn to the version of libxt_tlsconn.so"),
            "{why}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_valid_specification_comes_back(words in valid()) {
        saved(&rule_of(&words).map_err(TestCaseError::fail)?);
    }

    /// Whatever is typed: a message of one line, or a rule that the kernel takes.
    #[test]
    fn any_argument_is_taken_or_refused(number in 0..OPTIONS.len(), argument in ".{0,40}|[ -~]{0,300}", invert: bool) {
        let record_type = (Name::RecordType as usize, "alert".to_owned(), false);
        let pinned = (Name::Pinned as usize, String::new(), false);
        match rule_of(&[record_type, pinned, (number, argument, invert && !OPTIONS[number].is_detail)]) {
            Ok(info) => { saved(&info); }
            Err(message) => prop_assert!(!message.contains('\n') || message.contains('"'), "{}", message),
        }
    }

    /// A valid rule of which bytes were changed is refused by the kernel, or is another one that can be written.
    #[test]
    fn what_the_kernel_lets_in_can_be_written(
        words in valid(),
        changes in vec((0..SIZE, any::<u8>()), 0..4),
        front in vec((0_usize..32, 0_usize..8), 0..3),
    ) {
        let mut bytes = bytes(&rule_of(&words).map_err(TestCaseError::fail)?);
        for (place, byte) in changes {
            bytes[place] = byte;
        }
        for (place, bit) in front {
            bytes[place] ^= 1 << bit;
        }
        let info = of_bytes(bytes);
        if kernel_check::check(&info).is_ok() {
            saved(&info);
        }
    }
}

/// The same, for every byte of one rule and every value that it can have.
#[test]
fn every_byte_of_a_rule_changed() {
    let text = "--record-type 23 --wire --state new --pinned --tls-version 1.2 --sni *.a-b.c --alpn h2 --session-id ab \
                --client-random cd --server-random ef ! --ech ! --resumed --sni-set ab --ja4 t1?";
    let valid = bytes(&rule(text).expect("is valid"));
    let mut let_in = 0;
    for place in 0..SAID {
        for byte in 0..=u8::MAX {
            let mut changed = valid;
            changed[place] = byte;
            let info = of_bytes(changed);
            if kernel_check::check(&info).is_ok() {
                saved(&info);
                let_in += 1;
            }
        }
    }
    // Types, states, marks, versions, ids and names have other values that are valid; nothing else has.
    assert!((3000..5000).contains(&let_in), "{let_in}");
}
