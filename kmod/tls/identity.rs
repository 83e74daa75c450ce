// SPDX-License-Identifier: GPL-2.0-only
//! What ClientHello and ServerHello say of a connection: the fields by which people and rules name it.

use super::ja4::Ja4;
use super::types::{numbered, Side};

/// Versions as hellos say them (RFC 5246 A.1, RFC 8446 4.2.1).
pub(super) const TLS12: u16 = 0x0303;
pub(super) const TLS13: u16 = 0x0304;

/// At most `N` bytes, `N` below 256.
#[derive(Clone, Copy)]
pub struct Bytes<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> Bytes<N> {
    /// None yet.
    pub const fn new() -> Self {
        Bytes {
            len: 0,
            bytes: [0; N],
        }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.len))
            .unwrap_or(&self.bytes)
    }

    /// Appends one; false if there is no room.
    pub fn push(&mut self, byte: u8) -> bool {
        let (Some(place), Some(len)) = (
            self.bytes.get_mut(usize::from(self.len)),
            self.len.checked_add(1),
        ) else {
            return false;
        };
        *place = byte;
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

macro_rules! identity {
    ($([$({ $field:ident [$($kind:ident)+] $attribute:ident $label:literal $title:literal $least:literal $means:literal })+])+) => {
        /// The fields of ClientHello and ServerHello, each hello's set as a whole once it is complete. Unknown is `None`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Identity {
            $($(#[doc = $means] pub $field: owned!($($kind)+),)+)+
        }

        impl Identity {
            /// The same, borrowed.
            pub fn as_ref(&self) -> IdentityRef<'_> {
                // What has branches first: fewer registers are in use then.
                $($(borrow!(long self $field, $($kind)+);)+)+
                $($(borrow!(short self $field, $($kind)+);)+)+
                IdentityRef { $($($field,)+)+ ja4: None }
            }
        }

        /// An [`Identity`] wherever it is kept; the fields are the same, and what others have made of the ClientHello.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct IdentityRef<'a> {
            $($(#[doc = $means] pub $field: borrowed!('a $($kind)+),)+)+
            /// Its JA4, where a [listener](super::Listener) has computed it.
            pub ja4: Option<[u8; Ja4::LENGTH]>,
        }
    };
}

/// The type of a field's value.
macro_rules! owned {
    (name) => { Option<Bytes<255>> };
    (random) => { Option<[u8; 32]> };
    (id) => { Option<Bytes<32>> };
    (echo $of:ident) => { Option<Bytes<32>> };
    ($kind:ident) => { plain!($kind) };
}

/// The same where it is kept elsewhere.
macro_rules! borrowed {
    ($life:lifetime name) => { Option<&$life [u8]> };
    ($life:lifetime random) => { Option<&$life [u8]> };
    ($life:lifetime id) => { Option<&$life [u8]> };
    ($life:lifetime echo $of:ident) => { Option<&$life [u8]> };
    ($life:lifetime $kind:ident) => { plain!($kind) };
}

/// Those that are the same in both.
macro_rules! plain {
    (side) => { Option<Side> };
    (flag) => { bool };
    (version) => { Option<u16> };
    (cipher) => { Option<u16> };
    (truth) => { Option<bool> };
    (resumption) => { Option<Resumption> };
}

/// Borrows a field, in the pass of those like it.
macro_rules! borrow {
    (long $self:ident $field:ident, name) => { let $field = $self.$field.as_ref().map(Bytes::as_slice); };
    (long $self:ident $field:ident, random) => { let $field = $self.$field.as_ref().map(<[u8; 32]>::as_slice); };
    (long $self:ident $field:ident, id) => { borrow!(long $self $field, name) };
    (long $self:ident $field:ident, echo $of:ident) => { borrow!(long $self $field, name) };
    (short $self:ident $field:ident, name) => {};
    (short $self:ident $field:ident, random) => {};
    (short $self:ident $field:ident, id) => {};
    (short $self:ident $field:ident, echo $of:ident) => {};
    (long $self:ident $field:ident, $kind:ident) => {};
    (short $self:ident $field:ident, $kind:ident) => { let $field = $self.$field; };
}

crate::identity_fields! { identity }
