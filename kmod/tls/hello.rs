// SPDX-License-Identifier: GPL-2.0-only
//! ClientHello and ServerHello, read over any number of segments: fields are caught as they pass, nothing else is kept.

use super::identity::Bytes;
use super::resumption::{Digest, Of, Secret};

/// The message is not one that an endpoint would take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sender {
    Client,
    Server,
}

/// The field that comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Field {
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
    /// No byte may follow.
    End,
}

/// A hello as far as it was read.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) sender: Sender,
    pub(super) field: Field,
    /// Bytes left of the field.
    left: u16,
    /// The field's bytes so far as a number, for those that are one.
    value: u32,
    random_read: u8,
    /// Bytes left of all extensions, and of the one being read, after the field.
    pub(super) extensions_left: u16,
    pub(super) extension_left: u16,
    pub(super) extension: u16,
    /// Extensions that have begun.
    pub(super) extensions: u16,
    /// Extensions met, a bit for each that is read.
    pub(super) met: u8,

    /// The version field, which TLS 1.3 calls legacy.
    pub(super) legacy_version: u16,
    /// The highest version in supported_versions, or the one selected there.
    pub(super) extension_version: Option<u16>,
    pub(super) random: [u8; 32],
    pub(super) session_id: Bytes<32>,
    pub(super) cipher: u16,
    pub(super) sni: Option<Bytes<255>>,
    pub(super) alpn: Option<Bytes<255>>,
    /// Of a ticket as it is read: this hello's, or the one that the server issues after both hellos.
    pub(super) digest: Digest,
    /// The hello has a ticket that is not empty.
    has_ticket: bool,
    pub(super) pre_shared_key: bool,
    /// A certificate is shown beside the key (RFC 8773).
    pub(super) with_certificate: bool,
    pub(super) early_data: bool,
    pub(super) ech: bool,
}

impl Hello {
    /// Before the first byte of the message's body.
    pub(super) fn new(sender: Sender, secret: Secret) -> Self {
        Hello {
            sender,
            field: Field::Version,
            left: 2,
            value: 0,
            random_read: 0,
            extensions_left: 0,
            extension_left: 0,
            extension: 0,
            extensions: 0,
            met: 0,
            legacy_version: 0,
            extension_version: None,
            random: [0; 32],
            session_id: Bytes::new(),
            cipher: 0,
            sni: None,
            alpn: None,
            digest: Digest::new(secret, Of::Ticket),
            has_ticket: false,
            pre_shared_key: false,
            with_certificate: false,
            early_data: false,
            ech: false,
        }
    }

    /// The version offered or negotiated (RFC 8446 4.2.1).
    pub(super) fn version(&self) -> u16 {
        self.extension_version.unwrap_or(self.legacy_version)
    }

    /// The digest of its ticket, if it has one that is not empty.
    pub(super) fn ticket(&self) -> Option<u64> {
        self.has_ticket.then(|| self.digest.finish())
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

    /// Takes the next byte in.
    pub(super) fn byte(&mut self, byte: u8) -> Result<(), Malformed> {
        match self.field {
            Field::End => return Err(Malformed),
            Field::Random => {
                if let Some(place) = self.random.get_mut(usize::from(self.random_read)) {
                    *place = byte;
                }
                self.random_read = self.random_read.saturating_add(1);
            }
            Field::SessionId => push(&mut self.session_id, byte)?,
            Field::Name => push(self.sni.get_or_insert_default(), byte)?,
            Field::Protocol => push(self.alpn.get_or_insert_default(), byte)?,
            Field::Ticket => {
                self.has_ticket = true;
                self.digest.byte(byte);
            }
            _ => self.value = (self.value << 8) | u32::from(byte),
        }
        self.left = self.left.saturating_sub(1);
        // Vectors may be empty, so that more than one field can end with a byte.
        while self.left == 0 && self.field != Field::End {
            let value = core::mem::take(&mut self.value) as u16;
            self.next(value)?;
        }
        Ok(())
    }

    /// Takes the first of some bytes in, as many as belong to the field at hand but for its last, or to extensions that are
    /// not read: all of them, fewer, or none.
    pub(super) fn run(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        if self.field == Field::ExtensionType && self.left == 2 {
            return Ok(self.pass_over(bytes));
        }
        let most = usize::from(self.left.saturating_sub(1)).min(bytes.len());
        let bytes = bytes.get(..most).unwrap_or_default();
        match self.field {
            // They are numbers, or the end.
            _ if most < 2 => return Ok(0),
            Field::CipherSuites | Field::CompressionMethods | Field::Skipped => {}
            Field::Random => {
                let from = usize::from(self.random_read);
                let to = self.random.get_mut(from..from.saturating_add(most));
                to.ok_or(Malformed)?.copy_from_slice(bytes);
                self.random_read = self.random_read.saturating_add(most as u8);
            }
            Field::SessionId => append(&mut self.session_id, bytes)?,
            Field::Name => append(self.sni.get_or_insert_default(), bytes)?,
            Field::Protocol => append(self.alpn.get_or_insert_default(), bytes)?,
            Field::Ticket => {
                self.has_ticket = true;
                self.digest.bytes(bytes);
            }
            _ => return Ok(0),
        }
        self.left = self.left.saturating_sub(most as u16);
        Ok(most)
    }

    /// Goes on to the field after the one that ended, whose number is `value`.
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
            // <2..2^16-2> of two bytes each.
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

    /// Goes on with a field of so many bytes.
    pub(super) fn enter(&mut self, field: Field, bytes: u16) {
        self.field = field;
        self.left = bytes;
    }
}

fn append<const N: usize>(to: &mut Bytes<N>, bytes: &[u8]) -> Result<(), Malformed> {
    bytes.iter().try_for_each(|byte| push(to, *byte))
}

fn push<const N: usize>(to: &mut Bytes<N>, byte: u8) -> Result<(), Malformed> {
    if to.push(byte) {
        Ok(())
    } else {
        Err(Malformed)
    }
}
