// SPDX-License-Identifier: GPL-2.0-only
//! ClientHello and ServerHello, read octet by octet: fields are caught as they pass, nothing else is kept.

use super::identity::Bytes;
use super::resent::Secret;
use super::session::{Digest, Of};

/// The message is not one that an endpoint would take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// Extensions that are read (RFC 8446 4.2 and the registry).
mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const ALPN: u16 = 16;
    pub(super) const SESSION_TICKET: u16 = 35;
    pub(super) const PRE_SHARED_KEY: u16 = 41;
    pub(super) const EARLY_DATA: u16 = 42;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
    pub(super) const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sender {
    Client,
    Server,
}

/// The field that comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    Version,
    Random,
    SessionIdLength,
    SessionId,
    CipherSuitesLength,
    CipherSuites,
    CompressionMethodsLength,
    CompressionMethods,
    CipherSuite,
    CompressionMethod,
    ExtensionsLength,
    ExtensionType,
    ExtensionLength,
    /// An extension that is not read, or the rest of one.
    Skipped,
    NameListLength,
    NameType,
    NameLength,
    Name,
    ProtocolListLength,
    ProtocolLength,
    Protocol,
    Ticket,
    VersionListLength,
    OfferedVersion,
    SelectedVersion,
    /// No octet may follow.
    End,
}

/// A hello as far as it was read.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    sender: Sender,
    secret: Secret,
    field: Field,
    /// Octets left of the field.
    left: u16,
    /// The field's octets so far as a number, for those that are one.
    value: u32,
    random_read: u8,
    /// Octets left of all extensions, and of the one being read, behind the field.
    extensions_left: u16,
    extension_left: u16,
    extension: u16,
    /// Extensions met, a bit for each that is read.
    met: u8,

    /// The version field, which TLS 1.3 calls legacy.
    pub(super) legacy_version: u16,
    /// The highest version in supported_versions, or the one selected there.
    pub(super) extension_version: Option<u16>,
    pub(super) random: [u8; 32],
    pub(super) session_id: Bytes<32>,
    pub(super) cipher: u16,
    pub(super) sni: Option<Bytes<255>>,
    pub(super) alpn: Option<Bytes<255>>,
    /// A ticket that is not empty.
    pub(super) ticket: Option<Digest>,
    pub(super) pre_shared_key: bool,
    pub(super) early_data: bool,
    pub(super) ech: bool,
}

impl Hello {
    /// In front of the first octet of the message's body.
    pub(super) const fn new(sender: Sender, secret: Secret) -> Self {
        Hello {
            sender,
            secret,
            field: Field::Version,
            left: 2,
            value: 0,
            random_read: 0,
            extensions_left: 0,
            extension_left: 0,
            extension: 0,
            met: 0,
            legacy_version: 0,
            extension_version: None,
            random: [0; 32],
            session_id: Bytes::new(),
            cipher: 0,
            sni: None,
            alpn: None,
            ticket: None,
            pre_shared_key: false,
            early_data: false,
            ech: false,
        }
    }

    /// The version offered or negotiated (RFC 8446 4.2.1).
    pub(super) fn version(&self) -> u16 {
        self.extension_version.unwrap_or(self.legacy_version)
    }

    /// Whether the message may end here.
    pub(super) fn is_complete(&self) -> bool {
        match self.field {
            Field::End => true,
            // There may be no extensions at all (RFC 5246 7.4.1.2).
            Field::ExtensionsLength => self.left == 2,
            _ => false,
        }
    }

    /// Takes the next octet in.
    pub(super) fn octet(&mut self, octet: u8) -> Result<(), Malformed> {
        match self.field {
            Field::End => return Err(Malformed),
            Field::Random => {
                if let Some(place) = self.random.get_mut(usize::from(self.random_read)) {
                    *place = octet;
                }
                self.random_read = self.random_read.saturating_add(1);
            }
            Field::SessionId => push(&mut self.session_id, octet)?,
            Field::Name => push(self.sni.get_or_insert_default(), octet)?,
            Field::Protocol => push(self.alpn.get_or_insert_default(), octet)?,
            Field::Ticket => self
                .ticket
                .get_or_insert_with(|| Digest::new(self.secret, Of::Ticket))
                .octet(octet),
            _ => self.value = (self.value << 8) | u32::from(octet),
        }
        self.left = self.left.saturating_sub(1);
        // Vectors may be empty, so that more than one field can end with an octet.
        while self.left == 0 && self.field != Field::End {
            let value = core::mem::take(&mut self.value) as u16;
            self.next(value)?;
        }
        Ok(())
    }

    /// Goes on to the field behind the one that ended, whose number is `value`.
    fn next(&mut self, value: u16) -> Result<(), Malformed> {
        let client = self.sender == Sender::Client;
        match self.field {
            Field::Version => {
                self.legacy_version = value;
                self.enter(Field::Random, 32);
            }
            Field::Random => self.enter(Field::SessionIdLength, 1),
            // <0..32> (RFC 8446 4.1.2).
            Field::SessionIdLength if value > 32 => return Err(Malformed),
            Field::SessionIdLength => self.enter(Field::SessionId, value),
            Field::SessionId if client => self.enter(Field::CipherSuitesLength, 2),
            Field::SessionId => self.enter(Field::CipherSuite, 2),
            // <2..2^16-2> of two octets each.
            Field::CipherSuitesLength if value == 0 || value & 1 != 0 => return Err(Malformed),
            Field::CipherSuitesLength => self.enter(Field::CipherSuites, value),
            Field::CipherSuites => self.enter(Field::CompressionMethodsLength, 1),
            Field::CompressionMethodsLength if value == 0 => return Err(Malformed),
            Field::CompressionMethodsLength => self.enter(Field::CompressionMethods, value),
            Field::CipherSuite => {
                self.cipher = value;
                self.enter(Field::CompressionMethod, 1);
            }
            Field::CompressionMethods | Field::CompressionMethod => {
                self.enter(Field::ExtensionsLength, 2);
            }
            Field::ExtensionsLength => {
                self.extensions_left = value;
                self.extension_ended()?;
            }
            Field::ExtensionType => {
                self.extension = value;
                self.enter(Field::ExtensionLength, 2);
            }
            Field::ExtensionLength => {
                self.extensions_left = self.extensions_left.checked_sub(value).ok_or(Malformed)?;
                self.extension_left = value;
                self.extension_begins()?;
            }
            _ => self.next_in_extension(value)?,
        }
        Ok(())
    }

    fn next_in_extension(&mut self, value: u16) -> Result<(), Malformed> {
        match self.field {
            // The list fills the extension, host_name is the only type there is, and there is no more than one name
            // of a type (RFC 6066 3).
            Field::NameListLength if value == self.extension_left => {
                self.enter_inside(Field::NameType, 1)
            }
            Field::NameType if value == 0 => self.enter_inside(Field::NameLength, 2),
            Field::NameType => self.skip_rest(),
            Field::NameLength if value > 0 && value == self.extension_left => {
                self.enter_inside(Field::Name, value)
            }
            // Names are not empty (RFC 7301 3.1). The first is the client's choice; the others are not kept.
            Field::ProtocolListLength if value == self.extension_left => {
                self.enter_inside(Field::ProtocolLength, 1)
            }
            Field::ProtocolLength if value > 0 => self.enter_inside(Field::Protocol, value),
            Field::Protocol => self.skip_rest(),
            // Versions of two octets (RFC 8446 4.2.1).
            Field::VersionListLength if value == self.extension_left && value & 1 == 0 => {
                self.enter_inside(Field::OfferedVersion, 2)
            }
            Field::OfferedVersion => {
                if is_version(value) {
                    self.extension_version = self.extension_version.max(Some(value));
                }
                if self.extension_left == 0 {
                    return self.extension_ended();
                }
                self.enter_inside(Field::OfferedVersion, 2)
            }
            Field::SelectedVersion => {
                self.extension_version = Some(value);
                self.extension_ended()
            }
            Field::Name | Field::Ticket | Field::Skipped => self.extension_ended(),
            _ => Err(Malformed),
        }
    }

    /// The extension's length is known.
    fn extension_begins(&mut self) -> Result<(), Malformed> {
        let client = self.sender == Sender::Client;
        let bit = match self.extension {
            extension::SERVER_NAME => 1,
            extension::ALPN => 2,
            extension::SESSION_TICKET => 4,
            extension::PRE_SHARED_KEY => 8,
            extension::EARLY_DATA => 16,
            extension::SUPPORTED_VERSIONS => 32,
            extension::ENCRYPTED_CLIENT_HELLO => 64,
            _ => return self.skip_rest(),
        };
        // There is no more than one of a type (RFC 8446 4.2).
        if self.met & bit != 0 {
            return Err(Malformed);
        }
        self.met |= bit;
        match self.extension {
            extension::SERVER_NAME if client => self.enter_inside(Field::NameListLength, 2),
            extension::ALPN if client => self.enter_inside(Field::ProtocolListLength, 2),
            extension::SUPPORTED_VERSIONS if client => {
                self.enter_inside(Field::VersionListLength, 1)
            }
            extension::SUPPORTED_VERSIONS if self.extension_left == 2 => {
                self.enter_inside(Field::SelectedVersion, 2)
            }
            extension::SUPPORTED_VERSIONS => Err(Malformed),
            extension::SESSION_TICKET => self.enter_inside(Field::Ticket, self.extension_left),
            extension::PRE_SHARED_KEY => {
                self.pre_shared_key = true;
                self.skip_rest()
            }
            extension::EARLY_DATA => {
                self.early_data = true;
                self.skip_rest()
            }
            extension::ENCRYPTED_CLIENT_HELLO => {
                self.ech = true;
                self.skip_rest()
            }
            // The server's answers to a name and to protocols (RFC 6066 3, RFC 7301 3.1).
            _ => self.skip_rest(),
        }
    }

    /// On to the next extension, or to the end.
    fn extension_ended(&mut self) -> Result<(), Malformed> {
        match self.extensions_left {
            0 => self.enter(Field::End, 0),
            // A type and a length.
            left => {
                self.extensions_left = left.checked_sub(4).ok_or(Malformed)?;
                self.enter(Field::ExtensionType, 2);
            }
        }
        Ok(())
    }

    fn enter(&mut self, field: Field, octets: u16) {
        self.field = field;
        self.left = octets;
    }

    /// Enters a field of the extension, which has to hold it.
    fn enter_inside(&mut self, field: Field, octets: u16) -> Result<(), Malformed> {
        self.extension_left = self.extension_left.checked_sub(octets).ok_or(Malformed)?;
        self.enter(field, octets);
        Ok(())
    }

    fn skip_rest(&mut self) -> Result<(), Malformed> {
        self.enter_inside(Field::Skipped, self.extension_left)
    }
}

fn push<const N: usize>(to: &mut Bytes<N>, octet: u8) -> Result<(), Malformed> {
    if to.push(octet) {
        Ok(())
    } else {
        Err(Malformed)
    }
}

/// SSL 3.0 to TLS 1.3: GREASE (RFC 8701) and drafts are left out.
fn is_version(value: u16) -> bool {
    (0x0300..=0x0304).contains(&value)
}
