// SPDX-License-Identifier: GPL-2.0-only
//! Patterns over server names.

/// Whether a server name fits a pattern: `*` stands for any octets, `?` for one. Case and a trailing dot make no
/// difference.
///
/// The time is bounded by the product of the two lengths: only the last `*` is ever gone back to.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
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
