// SPDX-License-Identifier: GPL-2.0-only
//! Questions that rules ask about a connection's identity.

use super::identity::IdentityRef;
use super::types::State;
use super::wildcard;

/// The answer to a question about a field of a hello.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is so.
    Yes,
    /// It is not so, or there is no such field and will not be.
    No,
    /// The field can still become known.
    Open,
}

impl Answer {
    /// Whether the condition holds, with `!` in front or without. An open question makes both false: neither may let
    /// anything pass yet.
    pub fn holds(self, inverted: bool) -> bool {
        match self {
            Answer::Yes => !inverted,
            Answer::No => inverted,
            Answer::Open => false,
        }
    }

    fn of(is: bool) -> Self {
        match is {
            true => Answer::Yes,
            false => Answer::No,
        }
    }
}

/// What is known of a connection's hellos when it is asked about: a look-up, which neither allocates nor panics.
#[derive(Clone, Copy, Debug)]
pub struct Hellos<'a> {
    /// Where the connection stands.
    pub state: State,
    /// What they said.
    pub identity: IdentityRef<'a>,
}

impl Hellos<'_> {
    /// Whether the version negotiated is one of these, both included, as hellos say it: 0x0300 to 0x0304 (RFC 8446 4.2.1).
    pub fn version_is_between(&self, min: u16, max: u16) -> Answer {
        let version = self.identity.version;
        self.server_field(version.map(|version| (min..=max).contains(&version)))
    }

    /// Whether the server name (RFC 6066 3) fits a [pattern](super::wildcard). Takes time in proportion to the sum of their lengths.
    pub fn sni_fits(&self, pattern: &[u8]) -> Answer {
        let sni = self.identity.sni;
        self.client_field(sni.map(|sni| wildcard::matches(pattern, sni)))
    }

    /// Whether JA4 of the ClientHello fits a [pattern](super::wildcard): one that has none, or whose JA4 nobody asked for when it
    /// came, never will. Takes time in proportion to the pattern's length.
    pub fn ja4_fits(&self, pattern: &[u8]) -> Answer {
        let ja4 = self.identity.ja4.as_ref();
        self.client_field(ja4.map(|ja4| wildcard::matches(pattern, ja4)))
    }

    /// Whether no server name was asked for (RFC 6066 3).
    pub fn has_no_sni(&self) -> Answer {
        match self.has_client_hello() {
            true => Answer::of(self.identity.sni.is_none()),
            false => self.unknown(),
        }
    }

    /// Whether the first protocol offered is this one, byte by byte (RFC 7301 3.1).
    pub fn alpn_is(&self, protocol: &[u8]) -> Answer {
        let alpn = self.identity.alpn;
        self.client_field(alpn.map(|alpn| alpn == protocol))
    }

    /// Whether the client's or the server's session id begins with these bytes; every id does with none.
    pub fn session_id_begins(&self, prefix: &[u8]) -> Answer {
        let client = self.client_field(begins(self.identity.session_id, prefix));
        let server = self.server_field(begins(self.identity.server_session_id, prefix));
        match (client, server) {
            (Answer::Yes, _) | (_, Answer::Yes) => Answer::Yes,
            (Answer::Open, _) | (_, Answer::Open) => Answer::Open,
            (Answer::No, Answer::No) => Answer::No,
        }
    }

    /// The answer about a field of the ClientHello: a complete one that does not have it will never have it.
    pub fn client_field(&self, is: Option<bool>) -> Answer {
        match is {
            Some(is) => Answer::of(is),
            None if self.has_client_hello() => Answer::No,
            None => self.unknown(),
        }
    }

    /// The answer about a field that every handshake comes to have. Whether a session is resumed shows a little after the
    /// ServerHello up to TLS 1.2.
    pub fn server_field(&self, is: Option<bool>) -> Answer {
        is.map_or_else(|| self.unknown(), Answer::of)
    }

    /// A hello's fields are set as a whole, and each ClientHello has a random.
    fn has_client_hello(&self) -> bool {
        self.identity.client_random.is_some()
    }

    /// The answer about a field that is not known: it can still come as long as the handshake goes on.
    fn unknown(&self) -> Answer {
        match self.state {
            State::New | State::Hello | State::Handshake => Answer::Open,
            State::Established | State::Closed | State::NotTls | State::Lost | State::Tainted => {
                Answer::No
            }
        }
    }
}

/// Whether bytes of a hello begin with these, if they are known.
pub fn begins(bytes: Option<&[u8]>, prefix: &[u8]) -> Option<bool> {
    bytes.map(|bytes| bytes.starts_with(prefix))
}
