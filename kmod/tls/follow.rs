// SPDX-License-Identifier: GPL-2.0-only
//! How a direction is followed, and what of it has come.

/// Whether the direction's records can be followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Follow {
    /// Its first sequence number is not known yet.
    Unset,
    /// Where records begin is known.
    Records,
    /// It is known again, by a chain of record headers.
    Resynchronised,
    /// It is not known.
    Bytes,
}

/// What has come already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen(u8);

impl Seen {
    /// A whole record header.
    const HEADER: u8 = 1;
    const FIN: u8 = 2;
    /// A SYN with data, and no answer to it.
    const OPENING: u8 = 4;
    /// What is certain to be a Finished of TLS 1.3.
    const FINISHED: u8 = 8;

    fn has(self, what: u8) -> bool {
        self.0 & what != 0
    }

    fn add(&mut self, what: u8) {
        self.0 |= what;
    }

    fn remove(&mut self, what: u8) {
        self.0 &= !what;
    }

    /// A FIN.
    pub(super) fn has_fin(self) -> bool {
        self.has(Self::FIN)
    }

    /// Its FIN was seen.
    pub(super) fn set_fin(&mut self) {
        self.add(Self::FIN);
    }

    /// What is certain to be its Finished of TLS 1.3.
    pub(super) fn has_finished(self) -> bool {
        self.has(Self::FINISHED)
    }

    /// Its Finished of TLS 1.3 was seen for certain.
    pub(super) fn set_finished(&mut self) {
        self.add(Self::FINISHED);
    }

    /// A SYN with data that was not answered.
    pub(super) fn is_opening(self) -> bool {
        self.has(Self::OPENING)
    }

    /// Sets or clears that a SYN with data waits for an answer.
    pub(super) fn set_opening(&mut self, opening: bool) {
        match opening {
            true => self.add(Self::OPENING),
            false => self.remove(Self::OPENING),
        }
    }

    /// A whole record header.
    pub(super) fn has_begun(self) -> bool {
        self.has(Self::HEADER)
    }

    /// The next record is not the first, whatever it was.
    pub(super) fn set_begun(&mut self) {
        self.add(Self::HEADER);
    }
}
