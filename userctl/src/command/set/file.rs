// SPDX-License-Identifier: GPL-2.0-only

//! Names as people write them, and files of them.

use std::net::IpAddr;

use tlsconn_values::name;

/// Reads a name: a host, or a domain with a dot before it. Punycode and case as for `--sni`.
pub(super) fn name(text: &str) -> Result<String, String> {
    let (dot, host) = match text.strip_prefix('.') {
        Some(domain) => (".", domain),
        None => ("", text),
    };
    if let Some(domain) = host.strip_prefix("*.").filter(|_| dot.is_empty()) {
        return Err(format!(
            "a set has no wildcards; write .{domain} for {domain} and all names below it"
        ));
    }
    if host.contains(['*', '?']) {
        return Err(format!(
            "\"{text}\" has a wildcard in it; a set has none: write .example.org for example.org and all names below it"
        ));
    }
    let host = name::parse(host)?;
    let labels = host.split('.').count();
    if !dot.is_empty() && labels > LABELS {
        return Err(format!(
            "\"{text}\" has {labels} labels; a domain of a set has {LABELS} at most"
        ));
    }
    Ok(format!("{dot}{host}"))
}

/// Labels that a domain may have (kmod/names/encoding.rs).
const LABELS: usize = 16;

/// The names of a file, each with a zero byte after it: one a line, lines as in /etc/hosts, comments after a #. An error says
/// in which line.
pub(super) fn content(text: &str) -> Result<Vec<u8>, (usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut content = Vec::with_capacity(text.len() + 1);
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split_once('#').map_or(line, |(before, _)| before);
        let mut words = line.split_whitespace().peekable();
        let Some(first) = words.next() else { continue };
        if words.peek().is_none() {
            add(&mut content, first).map_err(|problem| (number, problem))?;
            continue;
        }
        // With a zone, as macOS has it: fe80::1%lo0.
        let address = first.split_once('%').map_or(first, |(address, _)| address);
        if address.parse::<IpAddr>().is_err() {
            let problem = "there are several words; write one name a line, or an address and its names as in /etc/hosts";
            return Err((number, problem.into()));
        }
        for word in words {
            add(&mut content, word).map_err(|problem| (number, problem))?;
        }
    }
    Ok(content)
}

/// Adds one, which as a rule is written as it is kept.
pub(super) fn add(content: &mut Vec<u8>, text: &str) -> Result<(), String> {
    let labels = text.bytes().filter(|octet| *octet == b'.').count();
    match is_kept_so(text.as_bytes()) && labels <= LABELS {
        true => content.extend(text.as_bytes()),
        false => content.extend(name(text)?.as_bytes()),
    }
    content.push(0);
    Ok(())
}

/// Whether a text is a name in its usual form, which a million of them mostly are.
fn is_kept_so(text: &[u8]) -> bool {
    let host = text.strip_prefix(b".").unwrap_or(text);
    let is_kept = |octet: &u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    let ends = [host.first(), host.last()];
    host.len() <= 253
        && host.iter().all(is_kept)
        && ends.iter().flatten().all(|end| !b".-".contains(end))
        && !host.is_empty()
        && !host.windows(2).any(|pair| pair == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, (usize, String)> {
        let content = content(text)?;
        let names = content
            .split(|octet| *octet == 0)
            .map(String::from_utf8_lossy);
        let mut names: Vec<_> = names.map(String::from).collect();
        assert_eq!(
            names.pop().as_deref(),
            Some(""),
            "each has a zero byte after it"
        );
        Ok(names)
    }

    #[test]
    fn what_a_file_may_have() {
        let text = "\u{feff}# a list\n\nhost.example\n  .Domain.Example. # all of it\r\nB\u{fc}cher.example\n\
                    0.0.0.0 ads.example tracker.example # two\nfe80::1%lo0 here\n::1\tip6-localhost\n10.0.0.1\n_srv.a-b.example";
        assert_eq!(
            names(text).as_deref(),
            Ok(&[
                "host.example",
                ".domain.example",
                "xn--bcher-kva.example",
                "ads.example",
                "tracker.example",
                "here",
                "ip6-localhost",
                "10.0.0.1",
                "_srv.a-b.example",
            ]
            .map(String::from)[..])
        );
        assert_eq!(names(""), Ok(vec![]));
        let long = "a".repeat(255);
        assert_eq!(
            names(&format!(".{long}\n{long}")),
            Ok(vec![format!(".{long}"), long])
        );
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let (long, deep) = ("a".repeat(256), ".a".repeat(17));
        for (line, words) in [
            ("*.example.org", "write .example.org for example.org"),
            ("www*.example.org", "a set has none"),
            ("a.*", "a set has none"),
            ("a b", "several words"),
            ("10.0.0.1 a/b", "has a '/' in it"),
            ("..example", "begins with a dot"),
            (".", "has no name"),
            ("a..b", "two dots"),
            ("-a.example", "begins with -"),
            ("https://example.org/", "has a ':' in it"),
            ("a\0b", "in it"),
            (&long, "has 256 bytes"),
            (&deep, "has 17 labels"),
        ] {
            let (number, message) = names(&format!("a\n# b\n{line}\nc")).expect_err(line);
            assert_eq!(number, 3, "{line}");
            assert!(message.contains(words), "{line}: {message}");
        }
    }
}
