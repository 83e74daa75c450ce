// SPDX-License-Identifier: GPL-2.0-only
//! Extensions of the hellos: those that are read, and what else they hold passed over.

use super::hello::{Field, Hello, Malformed, Sender};

/// Extensions that are read (RFC 8446 4.2 and the registry).
mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const ALPN: u16 = 16;
    pub(super) const CERT_WITH_EXTERN_PSK: u16 = 33;
    pub(super) const SESSION_TICKET: u16 = 35;
    pub(super) const PRE_SHARED_KEY: u16 = 41;
    pub(super) const EARLY_DATA: u16 = 42;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
    pub(super) const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
}

/// Extensions that a hello may have: no endpoint knows a tenth as many, and none comes twice (RFC 8446 4.2).
const EXTENSIONS: u16 = 4096;

impl Hello {
    /// Goes on after a number within an extension that is read. `Malformed` if it contradicts the lengths around it.
    pub(super) fn next_in_extension(&mut self, value: u16) -> Result<(), Malformed> {
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
            // Versions of two bytes (RFC 8446 4.2.1).
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

    /// Where an extension begins: takes those in that are not read, are whole, and have others after them. Says how many
    /// bytes they have.
    pub(super) fn pass_over(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        let mut left = self.extensions_left;
        let mut number = self.extensions;
        while let Some((&[high, low, len_high, len_low], after)) = rest.split_first_chunk() {
            let extension = u16::from_be_bytes([high, low]);
            let len = u16::from_be_bytes([len_high, len_low]);
            let next = usize::from(left).checked_sub(usize::from(len).saturating_add(4));
            let (Some(next), Some(after), false) = (
                next,
                after.get(len.into()..),
                is_read(extension) || number >= EXTENSIONS,
            ) else {
                break;
            };
            number = number.saturating_add(1);
            (left, rest) = (next as u16, after);
        }
        self.extensions = number;
        self.extensions_left = left;
        bytes.len().saturating_sub(rest.len())
    }

    /// The extension's length is known.
    pub(super) fn extension_begins(&mut self) -> Result<(), Malformed> {
        if self.extensions >= EXTENSIONS {
            return Err(Malformed);
        }
        self.extensions = self.extensions.saturating_add(1);
        let client = self.sender == Sender::Client;
        let bit = match self.extension {
            extension::SERVER_NAME => 1,
            extension::ALPN => 2,
            extension::SESSION_TICKET => 4,
            extension::PRE_SHARED_KEY => 8,
            extension::EARLY_DATA => 16,
            extension::SUPPORTED_VERSIONS => 32,
            extension::ENCRYPTED_CLIENT_HELLO => 64,
            extension::CERT_WITH_EXTERN_PSK => 128,
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
            extension::CERT_WITH_EXTERN_PSK => {
                self.with_certificate = true;
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
    pub(super) fn extension_ended(&mut self) -> Result<(), Malformed> {
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

    /// Enters a field of the extension, which has to hold it.
    fn enter_inside(&mut self, field: Field, bytes: u16) -> Result<(), Malformed> {
        self.extension_left = self.extension_left.checked_sub(bytes).ok_or(Malformed)?;
        self.enter(field, bytes);
        Ok(())
    }

    fn skip_rest(&mut self) -> Result<(), Malformed> {
        self.enter_inside(Field::Skipped, self.extension_left)
    }
}

/// Whether something is done with such an extension.
fn is_read(extension: u16) -> bool {
    const LOW: u64 = (1 << extension::SERVER_NAME)
        | (1 << extension::ALPN)
        | (1 << extension::SESSION_TICKET)
        | (1 << extension::CERT_WITH_EXTERN_PSK)
        | (1 << extension::PRE_SHARED_KEY)
        | (1 << extension::EARLY_DATA)
        | (1 << extension::SUPPORTED_VERSIONS);
    let low = u32::from(extension);
    low < u64::BITS && LOW.wrapping_shr(low) & 1 != 0
        || extension == extension::ENCRYPTED_CLIENT_HELLO
}

/// SSL 3.0 to TLS 1.3: GREASE (RFC 8701) and drafts are left out.
fn is_version(value: u16) -> bool {
    (0x0300..=0x0304).contains(&value)
}
