// SPDX-License-Identifier: GPL-2.0-only
//! Patterns over server names.

use proptest::prelude::*;
use tlsconn_tls::wildcard::{Name, Stars};

/// In both ways: a name that is asked about once, and one that is compared with many patterns.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let once = tlsconn_tls::wildcard::matches(pattern, name);
    let stars = Stars::of(pattern);
    let mut many = Name::new(name);
    assert_eq!(many.fits(pattern, stars), once);
    // What it has found out about the name is used again.
    assert_eq!(many.fits(pattern, stars), once);
    once
}

#[test]
fn the_longest_names() {
    let name = [b'a'; 256];
    for pattern in [&b"*"[..], b"*a", b"a*a", b"*a*a*"] {
        assert!(matches(pattern, &name[..255]));
        assert!(matches(pattern, &[&name[..255], b"."].concat()));
        assert!(!matches(pattern, &name));
    }
    assert!(matches(&name[..255], &name[..255]));
    assert!(!matches(&name[..254], &name[..255]));
}

#[test]
fn plain_names() {
    assert!(matches(b"example.org", b"example.org"));
    assert!(!matches(b"example.org", b"example.or"));
    assert!(!matches(b"example.or", b"example.org"));
    assert!(!matches(b"example.org", b""));
    assert!(matches(b"", b""));
}

#[test]
fn case_and_a_trailing_dot_make_no_difference() {
    assert!(matches(b"EXAMPLE.org", b"example.ORG"));
    assert!(matches(b"example.org.", b"example.org"));
    assert!(matches(b"example.org", b"example.org."));
    assert!(!matches(b"example.org", b"example.org.."));
}

#[test]
fn wildcards() {
    assert!(matches(b"*", b"anything"));
    assert!(matches(b"*", b""));
    assert!(matches(b"*.example.org", b"www.example.org"));
    assert!(matches(b"*.example.org", b"a.b.example.org"));
    assert!(!matches(b"*.example.org", b"example.org"));
    assert!(matches(b"w?w.example.org", b"wXw.example.org"));
    assert!(!matches(b"w?w", b"ww"));
    assert!(!matches(b"?", b""));
    assert!(matches(b"a*b*c", b"a-b-b-c"));
    assert!(!matches(b"a*b*c", b"a-c-b"));
    assert!(matches(b"**?", b"x"));
    assert!(matches(b"*aab", b"aaaab"));
    assert!(matches(b"*\xc3?", b"caf\xc3\xa9"));
}

#[test]
fn every_byte_against_every_other() {
    for (a, b) in (0..=255_u8).flat_map(|a| (0..=255_u8).map(move |b| (a, b))) {
        let is = a.eq_ignore_ascii_case(&b) || a == b'?';
        if a == b'*' || a == b'.' || b == b'.' {
            continue;
        }
        // Within eight bytes, after them, and between stars.
        for fill in [0, 7, 8] {
            let [pattern, name] =
                [a, b].map(|byte| [&vec![b'x'; fill][..], &[byte], b"x"].concat());
            assert_eq!(matches(&pattern, &name), is, "{a} {b}");
        }
        let is = is || a.eq_ignore_ascii_case(&b'x');
        assert_eq!(matches(&[b'*', a, b'*'], &[b'x', b, b'x']), is, "{a} {b}");
    }
}

#[test]
fn the_work_of_a_pattern() {
    for (pattern, work) in [
        ("a", 0),
        ("", 0),
        ("*.example.org", 0),
        ("*a*", 2),
        ("x*ab*?*y", 5),
    ] {
        assert_eq!(Stars::of(pattern.as_bytes()).work(), work, "{pattern}");
    }
}

#[test]
fn many_stars_end_soon() {
    let pattern = b"*a".repeat(127);
    assert!(!matches(&pattern, &[b'b'; 255]));
    assert!(!matches(&[pattern.as_slice(), b"c"].concat(), &[b'a'; 255]));
}

/// What a pattern means.
fn slow(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|cut| slow(rest, &name[cut..])),
        ([p, rest @ ..], [n, name @ ..]) => {
            (*p == b'?' || p.eq_ignore_ascii_case(n)) && slow(rest, name)
        }
        _ => false,
    }
}

/// On every short pattern and name over a small alphabet, all names compared by one.
#[test]
fn agrees_with_the_definition() {
    fn words(alphabet: &[u8], longest: u32) -> Vec<Vec<u8>> {
        (0..=longest)
            .flat_map(|length| {
                (0..alphabet.len().pow(length)).map(move |number| {
                    (0..length)
                        .map(|place| alphabet[number / alphabet.len().pow(place) % alphabet.len()])
                        .collect()
                })
            })
            .collect()
    }
    for word in words(b"ab", 5) {
        let mut name = Name::new(&word);
        for pattern in words(b"ab*?", 5) {
            let is = name.fits(&pattern, Stars::of(&pattern));
            assert_eq!(is, slow(&pattern, &word), "{pattern:?} {word:?}");
        }
    }
}

/// In steps of one row for each byte of the pattern.
fn by_rows(pattern: &[u8], name: &[u8]) -> bool {
    let mut row: Vec<bool> = (0..=name.len()).map(|at| at == 0).collect();
    for p in pattern {
        row = match p {
            b'*' => (0..=name.len())
                .map(|at| row[..=at].contains(&true))
                .collect(),
            p => (0..=name.len())
                .map(|at| {
                    at > 0 && row[at - 1] && (*p == b'?' || p.eq_ignore_ascii_case(&name[at - 1]))
                })
                .collect(),
        };
    }
    row[name.len()]
}

/// Bytes that often fit: names of few letters, and patterns made from them.
fn names() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => prop::sample::select(b"aab".to_vec()),
        1 => prop::sample::select(b"zZ09-_.A/:@[`{\0\xc3".to_vec()),
    ];
    prop_oneof![
        prop::collection::vec(byte.clone(), 0..20),
        prop::collection::vec(byte, 0..256),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn long_ones_agree_too(
        name in names(),
        stars in prop::collection::vec((any::<prop::sample::Index>(), 0..100_usize), 0..6),
        holes in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        wrong in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        // A pattern that fits, and with one byte that may be wrong.
        let mut pattern = name.clone();
        for hole in holes {
            if !pattern.is_empty() {
                let at = hole.index(pattern.len());
                pattern[at] = b'?';
            }
        }
        if let (Some(wrong), false) = (wrong, pattern.is_empty()) {
            let at = wrong.index(pattern.len());
            pattern[at] = b'b';
        }
        for (star, gone) in stars {
            let at = star.index(pattern.len() + 1);
            let end = pattern.len().min(at + gone);
            pattern.splice(at..end, [b'*']);
        }
        // The dots at the end are another rule's.
        prop_assume!(!pattern.ends_with(b".") && !name.ends_with(b"."));
        prop_assert_eq!(matches(&pattern, &name), by_rows(&pattern, &name));
    }
}
