// SPDX-License-Identifier: GPL-2.0-only

//! Patterns over server names.

/// Whether a server name fits a pattern: `*` stands for any octets, `?` for one. Case and a trailing dot make no
/// difference.
///
/// The time is bounded by the product of the two lengths: only the last `*` is ever gone back to.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut pattern = pattern.strip_suffix(b".").unwrap_or(pattern);
    let mut name = name.strip_suffix(b".").unwrap_or(name);
    // What is left of both behind the last `*`, which so far stands for what lies in front of that.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), name.split_first()) {
            (Some((b'*', rest)), _) => {
                star = Some((rest, name));
                pattern = rest;
            }
            (Some((p, pattern_rest)), Some((n, name_rest)))
                if *p == b'?' || p.eq_ignore_ascii_case(n) =>
            {
                pattern = pattern_rest;
                name = name_rest;
            }
            (None, None) => return true,
            _ => {
                // The last `*` has to stand for one octet more.
                let Some((behind, tail)) = star else {
                    return false;
                };
                let Some((_, tail)) = tail.split_first() else {
                    return false;
                };
                star = Some((behind, tail));
                pattern = behind;
                name = tail;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

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
                            .map(|place| {
                                alphabet[number / alphabet.len().pow(place) % alphabet.len()]
                            })
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
}
