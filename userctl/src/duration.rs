// SPDX-License-Identifier: GPL-2.0-only

//! Durations: integers with d, h, m or s after them, as in 1h30m.

use std::str::FromStr;

/// Units and their seconds, the largest first.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// Seconds, from 1 on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Duration(pub(crate) u32);

/// Our own, as humantime also takes units from nanoseconds to years, which no option here means.
impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no duration: numbers with d, h, m or s after them, the largest unit first, as in 1h30m"
            )
        };
        let too_long = || format!("{text} is too long, at most about 49710d");
        let mut units = UNITS.into_iter();
        let mut rest = text;
        let mut total: u32 = 0;
        while !rest.is_empty() {
            let end = rest.find(|letter: char| !letter.is_ascii_digit());
            let (number, after) = rest.split_at(end.filter(|end| *end > 0).ok_or_else(wrong)?);
            let mut letters = after.chars();
            let unit = letters.next();
            // Each once, and none after a smaller one.
            let found = units.find(|(name, _)| Some(*name) == unit);
            let (_, seconds) = found.ok_or_else(wrong)?;
            let number: Option<u32> = number.parse().ok();
            total = number
                .and_then(|number| number.checked_mul(seconds))
                .and_then(|part| total.checked_add(part))
                .ok_or_else(too_long)?;
            rest = letters.as_str();
        }
        match (text, total) {
            ("", _) => Err(wrong()),
            (_, 0) => Err("a duration of no time would do nothing".into()),
            _ => Ok(Self(total)),
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
            ("1h30m", 5400),
            ("1d2h3m4s", 93_784),
            ("0h1s", 1),
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
            "30m1h",
            "1h1h",
            "1h30",
            "1h 30m",
            "0h0s",
            "49710d86400s",
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
