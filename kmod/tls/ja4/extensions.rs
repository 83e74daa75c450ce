// SPDX-License-Identifier: GPL-2.0-only
//! The extensions of a ClientHello as a JA4 needs them: which there are, and what is in three of them.

use super::list::is_grease;
use super::{Field, Ja4, ALGORITHMS, EXTENSIONS, EXTENSION_HEADER, NUMBER};

/// Extensions that are no part of the hashed list, or of which more is needed (RFC 8446 4.2).
mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(super) const ALPN: u16 = 16;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
}

impl Ja4 {
    /// Counts an extension whose number was read. None if there are too many for a JA4.
    pub(super) fn extension_begins(&mut self) -> Option<()> {
        let extension = self.extension;
        self.begun = self.begun.saturating_add(1);
        if self.begun > EXTENSIONS {
            return None;
        }
        if !is_grease(extension) {
            self.counted = self.counted.saturating_add(1);
        }
        match extension {
            extension::SERVER_NAME | extension::ALPN => {}
            _ => self.extensions.push(extension)?,
        }
        // Each list that is read is there once (RFC 8446 4.2), which bounds what reading them takes.
        let list = match extension {
            extension::ALPN => 1,
            extension::SUPPORTED_VERSIONS => 2,
            extension::SIGNATURE_ALGORITHMS => 4,
            _ => 0,
        };
        if self.lists & list != 0 {
            return None;
        }
        self.lists |= list;
        match extension {
            extension::ALPN => self.enter_inside(Field::ProtocolListLength, NUMBER),
            extension::SUPPORTED_VERSIONS => self.enter_inside(Field::VersionListLength, 1),
            extension::SIGNATURE_ALGORITHMS => {
                self.enter_inside(Field::AlgorithmListLength, NUMBER)
            }
            extension::SERVER_NAME => {
                self.has_name = true;
                self.skip_rest()
            }
            _ => self.skip_rest(),
        }
    }

    /// Goes on after a number within an extension that is read. None if there is no JA4.
    pub(super) fn next_in_extension(&mut self, number: u16) -> Option<()> {
        match self.field {
            Field::ProtocolListLength if number != self.list_left => None,
            Field::ProtocolListLength if number == 0 => self.extension_ended(),
            // The first is the client's choice.
            Field::ProtocolListLength => self.enter_inside(Field::ProtocolLength, 1),
            Field::ProtocolLength => self.enter_inside(Field::Protocol, number),
            Field::VersionListLength => self.list(Field::OfferedVersion, number, u16::MAX),
            Field::AlgorithmListLength => self.list(Field::Algorithm, number, ALGORITHMS),
            Field::Protocol => self.skip_rest(),
            Field::Skipped => self.extension_ended(),
            _ => None,
        }
    }

    /// A list of so many bytes begins, which is all that is left: `most` numbers at most.
    pub(super) fn list(&mut self, field: Field, bytes: u16, most: u16) -> Option<()> {
        let fits = bytes == self.list_left && bytes / NUMBER <= most;
        if !fits {
            return None;
        }
        self.field = field;
        self.list_goes_on()
    }

    /// On to the list's next number, or to what follows it.
    pub(super) fn list_goes_on(&mut self) -> Option<()> {
        match (self.list_left, self.field) {
            (0, Field::Suite) => {
                self.enter(Field::CompressionMethodsLength, 1);
                Some(())
            }
            (0, _) => self.extension_ended(),
            (_, field) => self.enter_inside(field, NUMBER),
        }
    }

    /// On to the next extension, or to the end.
    pub(super) fn extension_ended(&mut self) -> Option<()> {
        match self.extensions_left {
            0 => self.enter(Field::End, 0),
            left => {
                self.extensions_left = left.checked_sub(EXTENSION_HEADER)?;
                self.enter(Field::ExtensionHeader, EXTENSION_HEADER);
            }
        }
        Some(())
    }

    fn skip_rest(&mut self) -> Option<()> {
        self.enter_inside(Field::Skipped, self.list_left)
    }

    /// Enters a field of the extension or list, which has to hold it.
    fn enter_inside(&mut self, field: Field, bytes: u16) -> Option<()> {
        self.list_left = self.list_left.checked_sub(bytes)?;
        self.enter(field, bytes);
        Some(())
    }
}
