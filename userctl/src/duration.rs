// SPDX-License-Identifier: GPL-2.0-only

//! Durations: an integer with s, m, h or d.

use std::str::FromStr;

/// Seconds, from 1 on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Duration(pub(crate) u32);

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a number with s, m, h or d behind it, as in 5m");
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let number = text.strip_suffix(unit).ok_or_else(wrong)?;
        // Rust's parser would take a sign.
        if number.is_empty() || !number.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: Option<u32> = number.parse().ok();
        match number.and_then(|number| number.checked_mul(seconds)) {
            Some(0) => Err("a duration of no time would do nothing".into()),
            Some(seconds) => Ok(Self(seconds)),
            None => Err(format!("{text} is too long, at most about 49710d")),
        }
    }
}

/// Seconds in the two largest units that are not zero at the front.
pub(crate) fn text(seconds: u64) -> String {
    let units = [
        ("d", seconds / 86_400),
        ("h", seconds / 3600 % 24),
        ("m", seconds / 60 % 60),
        ("s", seconds % 60),
    ];
    let first = units.iter().position(|(_, count)| *count != 0);
    units
        .iter()
        .skip(first.unwrap_or(3))
        .take(2)
        .fold(String::new(), |text, (unit, count)| {
            text + &count.to_string() + unit
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (written, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("5m", 300),
            ("2h", 7200),
            ("1d", 86_400),
        ] {
            assert_eq!(written.parse(), Ok(Duration(seconds)), "{written}");
        }
        for wrong in [
            "",
            "5",
            "m",
            "0s",
            "-1s",
            "+1s",
            "1.5h",
            "1w",
            "5 m",
            "5m ",
            "4294967296s",
            "49711d",
            "5\u{e9}",
        ] {
            assert!(wrong.parse::<Duration>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn for_people() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m0s"),
            (3599, "59m59s"),
            (3661, "1h1m"),
            (90_000, "1d1h"),
        ] {
            assert_eq!(text(seconds), expected);
        }
    }
}
