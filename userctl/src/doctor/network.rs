// SPDX-License-Identifier: GPL-2.0-only

//! Networks, and which of them are parts of others.

use std::net::IpAddr;

use super::tri::Tri;

/// An address and how many of its bits count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Network {
    pub(super) is_ipv6: bool,
    bits: u128,
    length: u32,
}

impl Network {
    /// ADDRESS or ADDRESS/LENGTH; other masks are not understood.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse().ok()?)),
            None => (text, None),
        };
        Self::new(address.parse().ok()?, length)
    }

    pub(super) fn new(address: IpAddr, length: Option<u32>) -> Option<Self> {
        // Bits of IPv4 stand at the head too.
        let (is_ipv6, bits, all) = match address {
            IpAddr::V4(address) => (false, u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (true, address.to_bits(), 128),
        };
        let length = length.unwrap_or(all);
        (length <= all).then_some(Self {
            is_ipv6,
            bits,
            length,
        })
    }

    pub(super) fn is_one_address(&self) -> bool {
        self.length == if self.is_ipv6 { 128 } else { 32 }
    }

    fn agrees(&self, other: &Self, length: u32) -> bool {
        let unused = 128 - length;
        self.is_ipv6 == other.is_ipv6
            && (self.bits ^ other.bits).checked_shr(unused).unwrap_or(0) == 0
    }

    /// Whether an address of another network, or any of this version of IP, is in it.
    pub(super) fn has(&self, other: Option<&Self>, is_ipv6: bool) -> Tri {
        if self.is_ipv6 != is_ipv6 {
            return Tri::No;
        }
        match other {
            _ if self.length == 0 => Tri::Yes,
            None => Tri::Unknown,
            Some(other) if self.length <= other.length => self.agrees(other, self.length).into(),
            Some(other) if self.agrees(other, other.length) => Tri::Unknown,
            Some(_) => Tri::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_networks() {
        let lan = Network::parse("10.1.0.0/24");
        for (of, is) in [
            ("10.1.0.0/16", Tri::Yes),
            ("10.1.0.0/24", Tri::Yes),
            ("0.0.0.0/0", Tri::Yes),
            ("10.1.0.2", Tri::Unknown),
            ("10.2.0.0/24", Tri::No),
            ("::/0", Tri::No),
        ] {
            let of = Network::parse(of).expect("a network");
            assert_eq!(of.has(lan.as_ref(), false), is, "{of:?}");
        }
        let some = Network::parse("10.0.0.0/8").expect("a network");
        assert_eq!(some.has(None, false), Tri::Unknown);
        assert_eq!(Network::parse("10.0.0.0/255.0.255.0"), None);
        assert_eq!(Network::parse("10.0.0.0/33"), None);
    }
}
