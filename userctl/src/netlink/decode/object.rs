// SPDX-License-Identifier: GPL-2.0-only

//! The attributes of one object, by their numbers and forms.

use std::net::{IpAddr, SocketAddr};

use crate::{
    netlink::{
        attribute::{self, Attribute},
        malformed::Malformed,
    },
    octets::{Hex, Name},
};

/// Attributes of one object, to be asked for by their numbers.
pub(in crate::netlink) struct Object<'a>(Vec<Attribute<'a>>);

impl<'a> Object<'a> {
    /// Attributes out of bytes.
    pub(in crate::netlink) fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        attribute::parse(octets).map(Self)
    }

    /// An attribute that may be left out.
    pub(in crate::netlink) fn may<T>(
        &self,
        kind: u32,
        read: impl FnOnce(Attribute<'a>) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        self.0
            .iter()
            .copied()
            .find(|attribute| attribute.kind == kind)
            .map(read)
            .transpose()
    }

    /// An attribute that has to be there.
    pub(in crate::netlink) fn must<T>(
        &self,
        kind: u32,
        read: impl FnOnce(Attribute<'a>) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        self.may(kind, read)?.ok_or(Malformed)
    }

    /// All attributes of a kind.
    pub(in crate::netlink) fn all(&self, kind: u32) -> impl Iterator<Item = Attribute<'a>> + '_ {
        let all = self.0.iter().copied();
        all.filter(move |attribute| attribute.kind == kind)
    }

    /// Whether a flag is there.
    pub(in crate::netlink) fn has(&self, kind: u32) -> bool {
        self.0.iter().any(|attribute| attribute.kind == kind)
    }

    /// A name that may be left out.
    pub(in crate::netlink) fn name(&self, kind: u32) -> Result<Option<Name>, Malformed> {
        self.may(kind, |attribute| Ok(Name(attribute.value.into())))
    }

    /// Bytes that may be left out.
    pub(in crate::netlink) fn hex(&self, kind: u32) -> Result<Option<Hex>, Malformed> {
        self.may(kind, |attribute| Ok(Hex(attribute.value.into())))
    }

    /// An address and a port, which have to be there.
    pub(in crate::netlink) fn end(&self, address: u32, port: u32) -> Result<SocketAddr, Malformed> {
        Ok(SocketAddr::new(
            self.must(address, ip)?,
            self.must(port, Attribute::be16)?,
        ))
    }
}

/// Reads a number that stands for a name.
pub(in crate::netlink) fn enumerated<T>(
    from_number: impl FnOnce(u8) -> Option<T>,
) -> impl FnOnce(Attribute<'_>) -> Result<T, Malformed> {
    |attribute| from_number(attribute.u8()?).ok_or(Malformed)
}

/// 4 or 16 bytes.
pub(in crate::netlink) fn ip(attribute: Attribute<'_>) -> Result<IpAddr, Malformed> {
    match attribute.value.len() {
        4 => <[u8; 4]>::try_from(attribute.value)
            .map(IpAddr::from)
            .map_err(|_| Malformed),
        _ => <[u8; 16]>::try_from(attribute.value)
            .map(IpAddr::from)
            .map_err(|_| Malformed),
    }
}
