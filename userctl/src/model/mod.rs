// SPDX-License-Identifier: GPL-2.0-only

//! Connections and pins as the tool shows them. JSON is these structs as they stand; tables are made from them.

mod retry;
mod set;
mod words;

use std::{collections::BTreeMap, fmt, net::SocketAddr};

use serde::{Serialize, Serializer};

pub(crate) use self::{
    retry::Retry,
    set::{Member, Set},
    words::{named, PinState, Reason, Resumption, Side, State, Version},
};
use crate::{
    cipher::Cipher,
    octets::{Hex, Name},
    time::Time,
};

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

impl Records {
    /// All of them.
    pub(crate) fn all(&self) -> u64 {
        let Self {
            change_cipher_spec,
            alert,
            handshake,
            application_data,
            heartbeat,
        } = self;
        change_cipher_spec + alert + handshake + application_data + heartbeat
    }
}

/// The records of both sides.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct RecordsBySide {
    pub(crate) client: Records,
    pub(crate) server: Records,
}

/// Payload bytes of both sides, named by who opened the connection while the part in TLS is not known.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    ByPart { client: u64, server: u64 },
    ByEnd { src: u64, dst: u64 },
}

impl Default for Bytes {
    fn default() -> Self {
        Self::ByEnd { src: 0, dst: 0 }
    }
}

impl Bytes {
    /// The client's and the server's, or those of the ends.
    pub(crate) fn both(&self) -> (u64, u64) {
        match *self {
            Self::ByPart { client, server } => (client, server),
            Self::ByEnd { src, dst } => (src, dst),
        }
    }
}

macro_rules! connection {
    (
        [$({ $opening:ident [$($opening_kind:ident)+] $($opening_more:tt)* })+]
        [$({ $settled:ident [$($settled_kind:ident)+] $($settled_more:tt)* })+]
        [$({ $offer:ident [$($offer_kind:ident)+] $($offer_more:tt)* })+]
    ) => {
        /// One tracked TCP connection. What is not known is null.
        #[derive(Clone, Debug, Eq, PartialEq, Serialize)]
        pub(crate) struct Connection {
            pub(crate) id: u64,
            pub(crate) src: SocketAddr,
            pub(crate) dst: SocketAddr,
            $(pub(crate) $opening: kind!($($opening_kind)+),)+
            pub(crate) state: State,
            $(pub(crate) $settled: kind!($($settled_kind)+),)+
            pub(crate) resumes: Option<u64>,
            $(pub(crate) $offer: kind!($($offer_kind)+),)+
            /// Only once it is known which side is the client.
            pub(crate) records: Option<RecordsBySide>,
            pub(crate) bytes: Bytes,
            /// Only where it is computed: not by the module.
            pub(crate) ja4: Option<String>,
            pub(crate) reason: Option<Reason>,
            /// Only of connections of this machine: a capture has none.
            #[serde(flatten)]
            pub(crate) marking: Option<Marking>,
            /// Always known, but in tests.
            #[serde(flatten)]
            pub(crate) times: Option<Times>,
        }

        impl Connection {
            /// One of which nothing else is known.
            pub(crate) fn new(id: u64, [src, dst]: [SocketAddr; 2], state: State, bytes: Bytes) -> Self {
                Self {
                    id,
                    src,
                    dst,
                    $($opening: Default::default(),)+
                    state,
                    $($settled: Default::default(),)+
                    resumes: None,
                    $($offer: Default::default(),)+
                    records: None,
                    bytes,
                    ja4: None,
                    reason: None,
                    marking: None,
                    times: None,
                }
            }
        }
    };
}

/// What a field of the identity is for people.
macro_rules! kind {
    (side) => { Option<Side> };
    (flag) => { bool };
    (version) => { Option<Version> };
    (cipher) => { Option<Cipher> };
    (name) => { Option<Name> };
    (random) => { Option<Hex> };
    (id) => { Option<Hex> };
    (echo $of:ident) => { Option<Hex> };
    (truth) => { Option<bool> };
    (resumption) => { Option<Resumption> };
}

crate::identity_fields! { connection }

/// When there were packets of a connection.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Times {
    /// When its first and its last packet came, or were captured.
    pub(crate) first: Time,
    pub(crate) last: Time,
    /// A ClientHello opened it, since no SYN-ACK was captured: in a capture, where that is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) loose: Option<bool>,
}

/// What a connection carries in conntrack, and what waits for it to carry a pin.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Marking {
    /// Of `bytes` those that rules hold, since it had no pin or was unpinned.
    pub(crate) waiting: Bytes,
    /// When what waits was sent again, if it was; `pin` alone says it.
    #[serde(skip)]
    pub(crate) retry: Option<Retry>,
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
    /// Seconds that it lasts once it is bound; `save` alone shows them.
    #[serde(skip)]
    pub(crate) lasts: Option<u32>,
    pub(crate) follow: bool,
    /// Whether any number of connections may carry the mark.
    pub(crate) shared: bool,
    /// Whether the mark stays on a connection that has ended.
    pub(crate) deny: bool,
    pub(crate) mark_lost: bool,
    /// The connections that it is on, by id.
    pub(crate) connections: Vec<u64>,
    /// Other connections that carry the mark.
    pub(crate) others: Vec<Other>,
}

impl Pin {
    /// Takes in more of the connections of the same pin.
    pub(crate) fn widen(&mut self, more: Self) {
        self.connections.extend(more.connections);
        self.mark_lost |= more.mark_lost;
    }

    /// Whether a connection carries the mark though neither this pin is on it, nor one that has taken its bits over.
    pub(crate) fn is_carried_by_another(&self, connection: &Connection, pins: &[Pin]) -> bool {
        let carries = |marking: &Marking| marking.mark & self.mask == self.mark;
        let taken_over = |pin: &Pin| {
            let shared = pin.mask & self.mask;
            pin.connections.binary_search(&connection.id).is_ok()
                && shared != 0
                && (pin.mark ^ self.mark) & shared == 0
        };
        connection.marking.as_ref().is_some_and(carries) && !pins.iter().any(taken_over)
    }
}

/// A connection that carries a mark of a pin which is not on it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Other {
    Tracked(u64),
    /// Where it was opened from and to: it has no id.
    Untracked(SocketAddr, SocketAddr),
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tracked(id) => id.fmt(f),
            Self::Untracked(src, dst) => write!(f, "{src} -> {dst}"),
        }
    }
}

impl Serialize for Other {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Tracked(id) => id.serialize(serializer),
            Self::Untracked(..) => serializer.collect_str(self),
        }
    }
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

/// Whether connections are tracked, and why.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Tracking {
    pub(crate) tracking: bool,
    /// Rules that use the match.
    pub(crate) rules: u32,
    /// By `tlsconnctl track on`.
    pub(crate) requested: bool,
    /// The bit of the packet mark that says what may pass.
    #[serde(serialize_with = "hex_bit")]
    pub(crate) pass_mark: Option<u32>,
    /// What is in doubt may not.
    pub(crate) strict: bool,
    /// JA4 is computed whether rules ask for it or not.
    pub(crate) ja4: bool,
    /// How many connections the module tracks at most, where it says so.
    #[serde(skip)]
    pub(crate) max_connections: Option<u64>,
}

fn hex_bit<S: Serializer>(bit: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
    match bit {
        None => serializer.serialize_none(),
        Some(bit) => serializer.collect_str(&format_args!("{bit:#010x}")),
    }
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
            ja4: Some("t13d1516h2_8daaf6152771_e5627efa2ab1".into()),
            reason: None,
            marking: Some(Marking {
                waiting: Bytes::ByPart {
                    client: 0,
                    server: 0,
                },
                retry: None,
                pin: Some(Name(b"default".into())),
                mark: 0x5400_0000,
            }),
            times: Some(Times {
                first: Time(1_700_000_000_000_000_000),
                last: Time(1_700_000_001_500_000_000),
                loose: None,
            }),
        }
    }
}
