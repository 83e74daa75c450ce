// SPDX-License-Identifier: GPL-2.0-only
//! An identity in no more bytes than it has, for when the handshake is over and memory counts.

use super::handshake::Handshake;
use super::identity::{IdentityRef, Resumption};
use super::types::Side;

/// What is known, and the values of what has only a few: bits of the first four bytes.
mod bit {
    pub(super) const CLIENT: u32 = 0;
    pub(super) const EARLY_DATA: u32 = 2;
    pub(super) const ECH: u32 = 4;
    pub(super) const HELLO_RETRY: u32 = 6;
    pub(super) const RESUMED: u32 = 8;
    pub(super) const RESUMPTION: u32 = 10;
    pub(super) const CONFIRMED: u32 = 13;
    pub(super) const OFFERED: u32 = 14;
    pub(super) const VERSION: u32 = 15;
    pub(super) const CIPHER: u32 = 16;
    pub(super) const CLIENT_RANDOM: u32 = 17;
    pub(super) const SERVER_RANDOM: u32 = 18;
    pub(super) const SESSION_ID: u32 = 19;
    pub(super) const SERVER_SESSION_ID: u32 = 20;
    /// The server's session id is the client's, and is not there twice.
    pub(super) const ECHOED: u32 = 21;
    pub(super) const SNI: u32 = 22;
    pub(super) const ALPN: u32 = 23;
    pub(super) const CONTINUES: u32 = 24;
    /// Two of them.
    pub(super) const ISSUED: u32 = 25;
}

/// By what sessions up to TLS 1.2 are continued ([`Handshake::continues`], [`Handshake::issued`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sessions {
    /// The digest of what this connection's session was issued by.
    pub continues: Option<u64>,
    /// Digests of what the server issued here.
    pub issued: [Option<u64>; 2],
}

/// Writes bytes one after the other, and counts those for which there is no room too.
struct Writer<'a> {
    to: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, octets: &[u8]) {
        if let Some(room) = self.to.get_mut(self.at..) {
            room.iter_mut()
                .zip(octets)
                .for_each(|(to, from)| *to = *from);
        }
        self.at = self.at.saturating_add(octets.len());
    }

    /// With its length, which is below 256, in front.
    fn put_counted(&mut self, octets: Option<&[u8]>) {
        if let Some(octets) = octets {
            self.put(&[octets.len() as u8]);
            self.put(octets);
        }
    }
}

fn choice(at: u32, value: Option<u8>) -> u32 {
    value.map_or(0, |value| (1 | (u32::from(value) << 1)) << at)
}

fn flag(at: u32, is: bool) -> u32 {
    u32::from(is) << at
}

/// Packs a handshake's identity and digests into `to`, and says how many bytes they have: no more than 696. With fewer
/// in `to` what is written is of no use.
pub fn pack(handshake: &Handshake, to: &mut [u8]) -> usize {
    let identity = handshake.identity.as_ref();
    let continues = handshake.continues();
    let issued = handshake.issued();
    let echoed = identity.server_session_id == identity.session_id;
    let bits = choice(bit::CLIENT, identity.client.map(|side| side as u8))
        | choice(bit::EARLY_DATA, identity.early_data.map(u8::from))
        | choice(bit::ECH, identity.ech.map(u8::from))
        | choice(bit::HELLO_RETRY, identity.hello_retry.map(u8::from))
        | choice(bit::RESUMED, identity.resumed.map(u8::from))
        | choice(bit::RESUMPTION, identity.resumption.map(|how| how as u8))
        | flag(bit::CONFIRMED, identity.confirmed)
        | flag(bit::OFFERED, identity.offered.is_some())
        | flag(bit::VERSION, identity.version.is_some())
        | flag(bit::CIPHER, identity.cipher.is_some())
        | flag(bit::CLIENT_RANDOM, identity.client_random.is_some())
        | flag(bit::SERVER_RANDOM, identity.server_random.is_some())
        | flag(bit::SESSION_ID, identity.session_id.is_some())
        | flag(bit::SERVER_SESSION_ID, identity.server_session_id.is_some())
        | flag(bit::ECHOED, echoed)
        | flag(bit::SNI, identity.sni.is_some())
        | flag(bit::ALPN, identity.alpn.is_some())
        | flag(bit::CONTINUES, continues.is_some())
        | flag(bit::ISSUED, issued[0].is_some())
        | flag(bit::ISSUED + 1, issued[1].is_some());
    let mut writer = Writer { to, at: 0 };
    writer.put(&bits.to_be_bytes());
    let numbers = [identity.offered, identity.version, identity.cipher];
    for number in numbers.into_iter().flatten() {
        writer.put(&number.to_be_bytes());
    }
    for random in [identity.client_random, identity.server_random] {
        writer.put(random.unwrap_or(&[]));
    }
    writer.put_counted(identity.session_id);
    if !echoed {
        writer.put_counted(identity.server_session_id);
    }
    writer.put_counted(identity.sni);
    writer.put_counted(identity.alpn);
    for digest in [continues, issued[0], issued[1]].into_iter().flatten() {
        writer.put(&digest.to_be_bytes());
    }
    writer.at
}

/// Reads what [`pack`] has written. What is not there is not known.
struct Reader<'a> {
    bits: u32,
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    fn flag(&self, at: u32) -> bool {
        (self.bits >> at) & 1 != 0
    }

    fn choice(&self, at: u32) -> Option<u8> {
        self.flag(at).then_some((self.bits >> at >> 1) as u8)
    }

    fn bool(&self, at: u32) -> Option<bool> {
        self.choice(at).map(|value| value & 1 != 0)
    }

    fn take(&mut self, at: u32, octets: usize) -> Option<&'a [u8]> {
        if !self.flag(at) {
            return None;
        }
        let (taken, left) = self.left.split_at_checked(octets)?;
        self.left = left;
        Some(taken)
    }

    fn counted(&mut self, at: u32) -> Option<&'a [u8]> {
        let &[octets] = self.take(at, 1)? else {
            return None;
        };
        self.take(at, octets.into())
    }

    fn u16(&mut self, at: u32) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(at, 2)?.try_into().ok()?))
    }

    fn u64(&mut self, at: u32) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(at, 8)?.try_into().ok()?))
    }
}

/// What was packed.
pub fn unpack(from: &[u8]) -> (IdentityRef<'_>, Sessions) {
    let Some((&bits, left)) = from.split_first_chunk() else {
        return Default::default();
    };
    let bits = u32::from_be_bytes(bits);
    let mut reader = Reader { bits, left };
    // In the order in which they were written.
    let offered = reader.u16(bit::OFFERED);
    let version = reader.u16(bit::VERSION);
    let cipher = reader.u16(bit::CIPHER);
    let client_random = reader.take(bit::CLIENT_RANDOM, 32);
    let server_random = reader.take(bit::SERVER_RANDOM, 32);
    let session_id = reader.counted(bit::SESSION_ID);
    let server_session_id = match reader.flag(bit::ECHOED) {
        true => session_id,
        false => reader.counted(bit::SERVER_SESSION_ID),
    };
    let identity = IdentityRef {
        client: reader.bool(bit::CLIENT).map(|is_dst| match is_dst {
            true => Side::Dst,
            false => Side::Src,
        }),
        client_random,
        server_random,
        session_id,
        server_session_id,
        sni: reader.counted(bit::SNI),
        alpn: reader.counted(bit::ALPN),
        offered,
        version,
        cipher,
        early_data: reader.bool(bit::EARLY_DATA),
        ech: reader.bool(bit::ECH),
        hello_retry: reader.bool(bit::HELLO_RETRY),
        resumed: reader.bool(bit::RESUMED),
        resumption: reader.choice(bit::RESUMPTION).map(|how| match how & 3 {
            0 => Resumption::SessionId,
            1 => Resumption::Ticket,
            _ => Resumption::Psk,
        }),
        confirmed: reader.flag(bit::CONFIRMED),
    };
    let sessions = Sessions {
        continues: reader.u64(bit::CONTINUES),
        issued: [reader.u64(bit::ISSUED), reader.u64(bit::ISSUED + 1)],
    };
    (identity, sessions)
}
