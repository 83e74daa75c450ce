// SPDX-License-Identifier: GPL-2.0-only

//! TLS versions, one or a range.

macro_rules! versions {
    ($({ $variant:ident $number:literal $word:literal })+) => {
        /// The versions and what they are on the wire (RFC 6101, RFC 2246, RFC 4346, RFC 5246, RFC 8446).
        const VERSIONS: &[(&str, u16)] = &[$(($word, $number),)+];
    };
}

tlsconn_facts::versions! { versions }

/// Reads `VER` or `VER:VER`; an end that is left out is the lowest or the highest version there is.
pub(crate) fn parse(text: &str) -> Result<(u16, u16), String> {
    let Some((low, high)) = text.split_once(':') else {
        let version = of(text, text)?;
        return Ok((version, version));
    };
    if low.is_empty() && high.is_empty() {
        return Err(refusal("", text));
    }
    let end = |word: &str, open: u16| match word {
        "" => Ok(open),
        _ => of(word, text),
    };
    let (min, max) = (end(low, 0x0300)?, end(high, 0x0304)?);
    if min > max {
        return Err(format!(
            "the range \"{text}\" is empty; put the lower version first: {}",
            print(max, min)
        ));
    }
    Ok((min, max))
}

/// The form that `iptables-save` prints.
pub(crate) fn print(min: u16, max: u16) -> String {
    match min == max {
        true => name(min),
        false => format!("{}:{}", name(min), name(max)),
    }
}

/// The names, the oldest version first.
pub(crate) fn words() -> Vec<&'static str> {
    VERSIONS.iter().map(|&(name, _)| name).collect()
}

/// Whether a version has a name here.
pub(crate) fn is_known(version: u16) -> bool {
    VERSIONS.iter().any(|&(_, number)| number == version)
}

fn name(version: u16) -> String {
    VERSIONS
        .iter()
        .find(|&&(_, number)| number == version)
        .map_or_else(|| format!("{version:#06x}"), |&(name, _)| name.to_owned())
}

fn of(word: &str, text: &str) -> Result<u16, String> {
    canonical(word)
        .and_then(|name| VERSIONS.iter().find(|&&(known, _)| known == name))
        .map(|&(_, number)| number)
        .ok_or_else(|| refusal(word, text))
}

/// The canonical name for one of the ways in which people and OpenSSL write a version.
fn canonical(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase().replace('_', ".");
    let tls = word.strip_prefix("tlsv").or(word.strip_prefix("tls"));
    let with_dot = match tls.map(|rest| rest.trim_start_matches([' ', '-'])) {
        Some("1" | "10") => "1.0",
        Some("11") => "1.1",
        Some("12") => "1.2",
        Some("13") => "1.3",
        Some(rest) => rest,
        None => &word,
    };
    match with_dot {
        "ssl3" | "sslv3" | "ssl3.0" | "sslv3.0" | "0x0300" if tls.is_none() => Some("ssl3"),
        "1.0" => Some("1.0"),
        "1.1" => Some("1.1"),
        "1.2" => Some("1.2"),
        "1.3" => Some("1.3"),
        "0x0301" if tls.is_none() => Some("1.0"),
        "0x0302" if tls.is_none() => Some("1.1"),
        "0x0303" if tls.is_none() => Some("1.2"),
        "0x0304" if tls.is_none() => Some("1.3"),
        _ => None,
    }
}

fn refusal(word: &str, text: &str) -> String {
    let problem = match word {
        "" => format!("a version is missing in \"{text}\""),
        _ if word.contains(',') => {
            format!("\"{text}\" is a list, which can stand for a range only")
        }
        _ => format!("unknown version \"{word}\""),
    };
    format!(
        "{problem}; known are {} and ranges such as 1.2:1.3",
        words().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        parse(text).map(|(min, max)| print(min, max))
    }

    #[test]
    fn every_version_and_every_range_is_printed_as_it_was_typed() {
        for (at, (low, number)) in VERSIONS.iter().copied().enumerate() {
            assert_eq!(parse(low), Ok((number, number)));
            assert_eq!(read(low).as_deref(), Ok(low));
            for (high, _) in &VERSIONS[at + 1..] {
                let range = format!("{low}:{high}");
                assert_eq!(read(&range), Ok(range));
            }
        }
        assert_eq!(read("1.2:1.2").as_deref(), Ok("1.2"));
    }

    #[test]
    fn open_ranges() {
        assert_eq!(read("1.2:").as_deref(), Ok("1.2:1.3"));
        assert_eq!(read(":1.1").as_deref(), Ok("ssl3:1.1"));
        assert_eq!(read("1.3:").as_deref(), Ok("1.3"));
        assert!(read(":").expect_err("is no range").contains("missing"));
    }

    #[test]
    fn other_ways_to_write_them() {
        for (text, version) in [
            ("tls1.3", "1.3"),
            ("TLS1.3", "1.3"),
            ("TLSv1.3", "1.3"),
            ("tls-1.3", "1.3"),
            ("TLS 1.3", "1.3"),
            ("tlsv1_2", "1.2"),
            ("tls12", "1.2"),
            ("TLSv1", "1.0"),
            ("tls1", "1.0"),
            ("SSLv3", "ssl3"),
            ("ssl3.0", "ssl3"),
            ("0x0304", "1.3"),
            ("0x0300", "ssl3"),
            ("tls1.1:TLSv1.2", "1.1:1.2"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(version), "{text}");
        }
    }

    #[test]
    fn what_is_no_version_is_named() {
        for bad in [
            "1",
            "12",
            "2.0",
            "1.4",
            "ssl2",
            "sslv2",
            "0x0305",
            "tls",
            "tls0x0304",
            "tlsssl3",
            "v1.3",
            "1.3.0",
            "dtls1.2",
            "1.2-1.3",
            "\u{fffd}",
        ] {
            let message = read(bad).expect_err(bad);
            assert!(
                message.starts_with(&format!("unknown version \"{bad}\"; ")),
                "{message}"
            );
            assert!(message.ends_with("such as 1.2:1.3"), "{message}");
            assert!(read(&format!("{bad}:1.3")).is_err(), "{bad}");
            assert!(read(&format!("ssl3:{bad}")).is_err(), "{bad}");
        }
        assert!(read("")
            .expect_err("is empty")
            .starts_with("a version is missing"));
        let message = read("1.0,1.2").expect_err("is a list");
        assert!(message.contains("is a list"), "{message}");
    }

    #[test]
    fn an_empty_range_is_turned_round() {
        let message = read("1.3:tls1.1").expect_err("is empty");
        assert!(
            message.ends_with("put the lower version first: 1.1:1.3"),
            "{message}"
        );
    }
}
