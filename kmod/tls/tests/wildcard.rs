// SPDX-License-Identifier: GPL-2.0-only
//! Patterns over server names.

use tlsconn_tls::wildcard::matches;

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
fn many_stars_end_soon() {
    let pattern = b"*a".repeat(127);
    assert!(!matches(&pattern, &[b'b'; 255]));
    assert!(!matches(&[pattern.as_slice(), b"c"].concat(), &[b'a'; 255]));
}

/// Against the definition, on every short pattern and name over a small alphabet.
#[test]
fn agrees_with_the_definition() {
    fn slow(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=name.len()).any(|cut| slow(rest, &name[cut..])),
            ([p, rest @ ..], [n, name @ ..]) => (*p == b'?' || p == n) && slow(rest, name),
            _ => false,
        }
    }
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
    for pattern in words(b"ab*?", 5) {
        for name in words(b"ab", 5) {
            assert_eq!(
                matches(&pattern, &name),
                slow(&pattern, &name),
                "{pattern:?} {name:?}"
            );
        }
    }
}
