// SPDX-License-Identifier: GPL-2.0-only
//! What ClientHello and ServerHello say of a connection: the fields by which people and rules name it.

use super::types::{numbered, Side};

/// Versions as hellos say them (RFC 5246 A.1, RFC 8446 4.2.1).
pub(super) const TLS12: u16 = 0x0303;
pub(super) const TLS13: u16 = 0x0304;

/// At most `N` bytes, `N` below 256.
#[derive(Clone, Copy)]
pub struct Bytes<const N: usize> {
    len: u8,
    octets: [u8; N],
}

impl<const N: usize> Bytes<N> {
    /// None yet.
    pub const fn new() -> Self {
        Bytes {
            len: 0,
            octets: [0; N],
        }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.octets
            .get(..usize::from(self.len))
            .unwrap_or(&self.octets)
    }

    /// Appends one; false if there is no room.
    pub fn push(&mut self, octet: u8) -> bool {
        let (Some(place), Some(len)) = (
            self.octets.get_mut(usize::from(self.len)),
            self.len.checked_add(1),
        ) else {
            return false;
        };
        *place = octet;
        self.len = len;
        true
    }
}

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> PartialEq for Bytes<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<const N: usize> Eq for Bytes<N> {}

impl<const N: usize> core::fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_slice().fmt(f)
    }
}

crate::resumptions! { numbered
    /// How a session was resumed.
    Resumption {}
}

/// The fields of ClientHello and ServerHello, each hello's set as a whole once it is complete. Unknown is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    /// The side that sent the ClientHello.
    pub client: Option<Side>,
    /// The client's random.
    pub client_random: Option<[u8; 32]>,
    /// The server's random.
    pub server_random: Option<[u8; 32]>,
    /// The client's session id, empty if it sent none.
    pub session_id: Option<Bytes<32>>,
    /// The server's session id.
    pub server_session_id: Option<Bytes<32>>,
    /// The server name asked for.
    pub sni: Option<Bytes<255>>,
    /// The first protocol offered.
    pub alpn: Option<Bytes<255>>,
    /// The highest version offered.
    pub offered: Option<u16>,
    /// The version negotiated.
    pub version: Option<u16>,
    /// The cipher suite negotiated.
    pub cipher: Option<u16>,
    /// Whether early data was offered.
    pub early_data: Option<bool>,
    /// Whether Encrypted ClientHello was offered, GREASE too.
    pub ech: Option<bool>,
    /// Whether the server asked for another ClientHello.
    pub hello_retry: Option<bool>,
    /// Whether a session is resumed.
    pub resumed: Option<bool>,
    /// What shows that it is.
    pub resumption: Option<Resumption>,
    /// Whether the server acknowledged the ClientHello's bytes and answered with a ServerHello that agrees.
    pub confirmed: bool,
}

impl Identity {
    /// The same, borrowed.
    pub fn as_ref(&self) -> IdentityRef<'_> {
        IdentityRef {
            client: self.client,
            client_random: self.client_random.as_ref().map(<[u8; 32]>::as_slice),
            server_random: self.server_random.as_ref().map(<[u8; 32]>::as_slice),
            session_id: self.session_id.as_ref().map(Bytes::as_slice),
            server_session_id: self.server_session_id.as_ref().map(Bytes::as_slice),
            sni: self.sni.as_ref().map(Bytes::as_slice),
            alpn: self.alpn.as_ref().map(Bytes::as_slice),
            offered: self.offered,
            version: self.version,
            cipher: self.cipher,
            early_data: self.early_data,
            ech: self.ech,
            hello_retry: self.hello_retry,
            resumed: self.resumed,
            resumption: self.resumption,
            confirmed: self.confirmed,
        }
    }
}

/// An [`Identity`] wherever it is kept; the fields are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "they are those of Identity")]
pub struct IdentityRef<'a> {
    pub client: Option<Side>,
    pub client_random: Option<&'a [u8]>,
    pub server_random: Option<&'a [u8]>,
    pub session_id: Option<&'a [u8]>,
    pub server_session_id: Option<&'a [u8]>,
    pub sni: Option<&'a [u8]>,
    pub alpn: Option<&'a [u8]>,
    pub offered: Option<u16>,
    pub version: Option<u16>,
    pub cipher: Option<u16>,
    pub early_data: Option<bool>,
    pub ech: Option<bool>,
    pub hello_retry: Option<bool>,
    pub resumed: Option<bool>,
    pub resumption: Option<Resumption>,
    pub confirmed: bool,
}
