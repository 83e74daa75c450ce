// SPDX-License-Identifier: GPL-2.0-only

//! What has a number on the wire and a name for people.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use tlsconn_uapi as uapi;

/// An enumeration with a number on the wire and a name for people, both written once. Behind `and`: what only captures have,
/// which has no number.
macro_rules! named {
    (
        $(#[$doc:meta])* $name:ident { $($variant:ident = $number:ident $text:literal,)+ }
        $(and { $($other:ident $word:literal,)+ })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub(crate) enum $name { $($variant,)+ $($($other,)+)? }

        impl $name {
            pub(crate) fn from_number(number: u8) -> Option<Self> {
                match u32::from(number) {
                    $(uapi::$number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $text,)+
                    $($(Self::$other => $word,)+)?
                })
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    $($($word => Ok(Self::$other),)+)?
                    _ => Err(concat!("one of:" $(, " ", $text)+ $($(, " ", $word)+)?).into()),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

pub(crate) use named;

named! {
    /// State of a connection.
    State {
        New = TLSCONN_STATE_NEW "new",
        Hello = TLSCONN_STATE_HELLO "hello",
        Handshake = TLSCONN_STATE_HANDSHAKE "handshake",
        Established = TLSCONN_STATE_ESTABLISHED "established",
        Closed = TLSCONN_STATE_CLOSED "closed",
        NotTls = TLSCONN_STATE_NOT_TLS "not-tls",
        Lost = TLSCONN_STATE_LOST "lost",
        Tainted = TLSCONN_STATE_TAINTED "tainted",
    }
}

impl State {
    /// All there are, in the order of their numbers, from 0.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map_while(Self::from_number)
    }
}

named! {
    /// An end of a connection: src opened it.
    Side {
        Src = TLSCONN_SIDE_SRC "src",
        Dst = TLSCONN_SIDE_DST "dst",
    }
}

named! {
    /// The evidence for a resumed session.
    Resumption {
        SessionId = TLSCONN_RESUMPTION_SESSION_ID "session-id",
        Ticket = TLSCONN_RESUMPTION_TICKET "ticket",
        Psk = TLSCONN_RESUMPTION_PSK "psk",
    }
}

named! {
    /// Why a connection is lost, tainted or not TLS.
    Reason {
        NotTls = TLSCONN_REASON_NOT_TLS "not-tls",
        MidStream = TLSCONN_REASON_MID_STREAM "mid-stream",
        TableFull = TLSCONN_REASON_TABLE_FULL "table-full",
        Hole = TLSCONN_REASON_HOLE "hole",
        BadHeader = TLSCONN_REASON_BAD_HEADER "bad-header",
        ResentDifferently = TLSCONN_REASON_RESENT_DIFFERENTLY "resent-differently",
        Urgent = TLSCONN_REASON_URGENT "urgent",
        SecondHello = TLSCONN_REASON_SECOND_HELLO "second-hello",
        BeyondFin = TLSCONN_REASON_BEYOND_FIN "beyond-fin",
        Malformed = TLSCONN_REASON_MALFORMED "malformed",
        TooManyRecords = TLSCONN_REASON_TOO_MANY_RECORDS "too-many-records",
        SynData = TLSCONN_REASON_SYN_DATA "syn-data",
        HandshakeTimeout = TLSCONN_REASON_HANDSHAKE_TIMEOUT "handshake-timeout",
    } and {
        CapturedOutOfOrder "captured-out-of-order",
        Snaplen "snaplen",
        OneDirection "one-direction",
        PrefaceProxyV1 "preface: proxy-v1",
        PrefaceProxyV2 "preface: proxy-v2",
        PrefaceHttpConnect "preface: http-connect",
        PrefaceSocks4 "preface: socks4",
        PrefaceSocks5 "preface: socks5",
        PrefaceStarttls "preface: starttls",
        PrefaceSslRequest "preface: sslrequest",
    }
}

named! {
    /// State of a pin.
    PinState {
        Armed = TLSCONN_PIN_STATE_ARMED "armed",
        Bound = TLSCONN_PIN_STATE_BOUND "bound",
        Released = TLSCONN_PIN_STATE_RELEASED "released",
    }
}

/// A protocol version.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) enum Version {
    #[serde(rename = "ssl3")]
    Ssl3,
    #[serde(rename = "1.0")]
    Tls10,
    #[serde(rename = "1.1")]
    Tls11,
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

impl Version {
    /// From its octets on the wire. Drafts and versions that nobody has defined are not known.
    pub(crate) fn from_number(number: u16) -> Option<Self> {
        match number {
            0x0300 => Some(Self::Ssl3),
            0x0301 => Some(Self::Tls10),
            0x0302 => Some(Self::Tls11),
            0x0303 => Some(Self::Tls12),
            0x0304 => Some(Self::Tls13),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = (0x0300..=0x0304).filter_map(Self::from_number);
        all.find(|version| version.to_string() == text)
            .ok_or_else(|| "one of: ssl3 1.0 1.1 1.2 1.3".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_belong_together() {
        let states: Vec<String> = (0..=7)
            .filter_map(State::from_number)
            .map(|state| state.to_string())
            .collect();
        assert_eq!(
            states,
            [
                "new",
                "hello",
                "handshake",
                "established",
                "closed",
                "not-tls",
                "lost",
                "tainted"
            ]
        );
        assert_eq!(State::from_number(8), None);
        assert_eq!("not-tls".parse(), Ok(State::NotTls));
        assert!("NEW".parse::<State>().is_err());
        assert_eq!(Reason::from_number(0), None);
        assert_eq!(
            Version::from_number(0x0304)
                .map(|version| version.to_string())
                .as_deref(),
            Some("1.3")
        );
        assert_eq!(Version::from_number(0x7f1c), None);
    }
}
