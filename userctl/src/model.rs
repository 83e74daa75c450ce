// SPDX-License-Identifier: GPL-2.0-only

//! Connections and pins as the tool shows them. JSON is these structs as they stand; tables are made from them.

use std::{collections::BTreeMap, fmt, net::SocketAddr, str::FromStr};

use serde::{Serialize, Serializer};
use tlsconn_uapi as uapi;

use crate::{
    cipher::Cipher,
    octets::{Hex, Name},
};

/// An enumeration with a number on the wire and a name for people, both written once.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:ident $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum $name { $($variant,)+ }

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
                f.write_str(match self { $(Self::$variant => $text,)+ })
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(concat!("one of:" $(, " ", $text)+).into()),
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
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
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

/// Complete records that one side sent, by wire type.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Records {
    pub(crate) change_cipher_spec: u64,
    pub(crate) alert: u64,
    pub(crate) handshake: u64,
    pub(crate) application_data: u64,
    pub(crate) heartbeat: u64,
}

/// The records of both sides.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct RecordsBySide {
    pub(crate) client: Records,
    pub(crate) server: Records,
}

/// Payload octets of both sides, named by who opened the connection while the part in TLS is not known.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    ByPart { client: u64, server: u64 },
    ByEnd { src: u64, dst: u64 },
}

/// One tracked TCP connection. What is not known is null.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    pub(crate) client: Option<Side>,
    pub(crate) state: State,
    pub(crate) confirmed: bool,
    pub(crate) version: Option<Version>,
    pub(crate) offered: Option<Version>,
    pub(crate) cipher: Option<Cipher>,
    pub(crate) sni: Option<Name>,
    pub(crate) alpn: Option<Name>,
    pub(crate) client_random: Option<Hex>,
    pub(crate) server_random: Option<Hex>,
    pub(crate) session_id: Option<Hex>,
    pub(crate) server_session_id: Option<Hex>,
    pub(crate) resumed: Option<bool>,
    pub(crate) resumption: Option<Resumption>,
    pub(crate) resumes: Option<u64>,
    pub(crate) early_data: Option<bool>,
    pub(crate) ech: Option<bool>,
    pub(crate) hello_retry: Option<bool>,
    /// Only once it is known which side is the client.
    pub(crate) records: Option<RecordsBySide>,
    pub(crate) bytes: Bytes,
    pub(crate) reason: Option<Reason>,
    /// Only of connections of this machine: a capture has none.
    #[serde(flatten)]
    pub(crate) marking: Option<Marking>,
}

/// What a connection carries in conntrack.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Marking {
    pub(crate) pin: Option<Name>,
    #[serde(serialize_with = "hex_number")]
    pub(crate) mark: u32,
}

/// A name that ties a connection mark to one connection.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Pin {
    pub(crate) name: Name,
    #[serde(serialize_with = "hex_number")]
    pub(crate) mark: u32,
    #[serde(serialize_with = "hex_number")]
    pub(crate) mask: u32,
    pub(crate) state: PinState,
    pub(crate) connection: Option<u64>,
    /// What was asked for when the pin was armed; empty when it was bound by id.
    pub(crate) selector: BTreeMap<&'static str, String>,
    pub(crate) expires_in: Option<u64>,
    pub(crate) follow: bool,
    pub(crate) mark_lost: bool,
    /// Ids of other connections that carry the mark.
    pub(crate) others: Vec<u64>,
}

/// What `list` and `show` print as JSON.
#[derive(Serialize)]
pub(crate) struct Connections<'a> {
    pub(crate) connections: &'a [Connection],
}

/// What `pins` prints as JSON.
#[derive(Serialize)]
pub(crate) struct Pins<'a> {
    pub(crate) pins: &'a [Pin],
}

fn hex_number<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:#x}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A resumed TLS 1.2 connection with every field known, as a starting point for tests.
    pub(crate) fn connection() -> Connection {
        Connection {
            id: 7,
            src: "10.0.1.2:40000".parse().expect("an address"),
            dst: "10.0.2.2:443".parse().expect("an address"),
            client: Some(Side::Src),
            state: State::Established,
            confirmed: true,
            version: Some(Version::Tls12),
            offered: Some(Version::Tls13),
            cipher: Some(Cipher(0xc02f)),
            sni: Some(Name(b"www.example.org".into())),
            alpn: Some(Name(b"h2".into())),
            client_random: Some(Hex(vec![0xc1; 32])),
            server_random: Some(Hex(vec![0x52; 32])),
            session_id: Some(Hex(vec![0x0a, 0x0b])),
            server_session_id: Some(Hex(vec![0x0c])),
            resumed: Some(true),
            resumption: Some(Resumption::Ticket),
            resumes: Some(3),
            early_data: Some(false),
            ech: Some(false),
            hello_retry: Some(false),
            records: Some(RecordsBySide {
                client: Records {
                    change_cipher_spec: 1,
                    handshake: 2,
                    ..Records::default()
                },
                server: Records {
                    change_cipher_spec: 1,
                    handshake: 3,
                    ..Records::default()
                },
            }),
            bytes: Bytes::ByPart {
                client: 700,
                server: 250,
            },
            reason: None,
            marking: Some(Marking {
                pin: Some(Name(b"default".into())),
                mark: 0x5400_0000,
            }),
        }
    }

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
