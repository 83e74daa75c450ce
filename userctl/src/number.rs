// SPDX-License-Identifier: GPL-2.0-only

//! Numbers on the command line, and what is said of those that are none.

use std::str::FromStr;

/// A decimal number without a sign, which Rust's own parser would take.
pub(crate) fn decimal<N: FromStr>(text: &str) -> Option<N> {
    text.bytes()
        .all(|octet| octet.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// A port.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    decimal(text).ok_or_else(|| format!("{text:?} is not a port, 0 to 65535"))
}

/// A port that a server can have.
pub(crate) fn server_port(text: &str) -> Result<u16, String> {
    decimal(text)
        .filter(|port| *port != 0)
        .ok_or_else(|| format!("{text:?} is not a port, 1 to 65535; several as in 443,8443"))
}

/// A zone of conntrack.
pub(crate) fn zone(text: &str) -> Result<u16, String> {
    decimal(text).ok_or_else(|| format!("{text:?} is not a zone of conntrack, 0 to 65535"))
}

/// How many of something.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    decimal(text).ok_or_else(|| format!("{text:?} is not a number, as in 10"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!((port("0"), port("65535")), (Ok(0), Ok(65535)));
        assert_eq!((server_port("443"), zone("0")), (Ok(443), Ok(0)));
        assert_eq!(count("10"), Ok(10));
        for wrong in [
            "",
            "x",
            "+1",
            "-1",
            "1 ",
            "0x1",
            "65536",
            "99999999999999999999",
        ] {
            for message in [port(wrong), server_port(wrong), zone(wrong)] {
                let message = message.expect_err(wrong);
                assert!(
                    message.starts_with(&format!("{wrong:?} is not a ")),
                    "{message}"
                );
            }
        }
        assert!(server_port("0").is_err());
        assert!(count("-1").is_err());
    }
}
