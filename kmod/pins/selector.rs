// SPDX-License-Identifier: GPL-2.0-only

//! Which connections an armed pin waits for.

use crate::{
    sets::Set,
    sys::conntrack::Conntrack,
    tls::{
        wildcard::{fits_once, Name, Stars},
        Bytes, IdentityRef, Side,
    },
};
use kernel::sync::Arc;

/// What it takes to find where the characters of a JA4 stand, in bytes of a pattern. Each selector whose JA4 pattern has several stars
/// does it anew.
const JA4_PLACES: usize = 90;

/// All that were given have to fit. What is not known of a connection fits none.
#[derive(Default)]
pub struct Selector {
    /// The first bytes of the client's random.
    pub client_random: Option<Bytes<32>>,
    /// Of the server's.
    pub server_random: Option<Bytes<32>>,
    /// Of the client's or the server's session id.
    pub session_id: Option<Bytes<32>>,
    /// A pattern over server names.
    pub sni: Option<Pattern<255>>,
    /// A set of them.
    pub sni_set: Option<Arc<Set>>,
    /// A pattern over JA4s.
    pub ja4: Option<Pattern<63>>,
    /// Where it was opened from, before NAT.
    pub src: Option<End>,
    /// And to.
    pub dst: Option<End>,
    /// Conntrack's zone.
    pub zone: Option<u16>,
}

/// A pattern, in lower case, with its stars.
pub struct Pattern<const N: usize> {
    bytes: Bytes<N>,
    stars: Stars,
}

impl<const N: usize> Pattern<N> {
    /// Of these bytes.
    pub fn new(bytes: Bytes<N>) -> Self {
        let stars = Stars::of(bytes.as_slice());
        Self { bytes, stars }
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    fn fits(&self, name: &mut Name) -> bool {
        name.fits(self.as_slice(), self.stars)
    }

    /// Whether a name fits that no other pattern is compared with.
    fn fits_once(&self, name: &[u8]) -> bool {
        fits_once(self.as_slice(), self.stars, name)
    }
}

/// An address or network, a port, or both.
pub struct End {
    /// 4 or 16 bytes; none: any address.
    pub address: Bytes<16>,
    /// Bits of it that count.
    pub prefix: u8,
    /// In host order.
    pub port: Option<u16>,
}

impl End {
    /// Whether it is one address and port.
    fn is_whole(&self) -> bool {
        let bits = self.address.as_slice().len().saturating_mul(8);
        bits != 0 && usize::from(self.prefix) == bits && self.port.is_some()
    }
}

/// A connection that selectors are compared with, one after the other.
pub struct Candidate<'a> {
    identity: IdentityRef<'a>,
    ct: &'a Conntrack,
    /// All patterns share what was found out about it.
    name: Option<Name>,
}

impl<'a> Candidate<'a> {
    /// A connection with what is known of it.
    pub fn new(identity: IdentityRef<'a>, ct: &'a Conntrack) -> Self {
        let name = identity.sni.map(Name::new);
        Self { identity, ct, name }
    }
}

impl Selector {
    /// Whether nothing that the ClientHello said is against it.
    pub(super) fn fits_client(&self, candidate: &mut Candidate<'_>) -> bool {
        let ct = candidate.ct;
        begins(&self.client_random, candidate.identity.client_random)
            && fits_end(&self.src, ct, Side::Src)
            && fits_end(&self.dst, ct, Side::Dst)
            && self.fits_zone(ct)
            && self.sni.as_ref().is_none_or(|pattern| {
                let name = candidate.name.as_mut();
                name.is_some_and(|name| pattern.fits(name))
            })
            && self.sni_set.as_ref().is_none_or(|set| {
                let name = candidate.identity.sni;
                name.is_some_and(|name| set.has(name))
            })
            && self.ja4.as_ref().is_none_or(|pattern| {
                let ja4 = candidate.identity.ja4.as_ref();
                ja4.is_some_and(|ja4| pattern.fits_once(ja4))
            })
    }

    /// What trying its patterns takes ([`Stars::work`]).
    pub(super) fn work(&self) -> usize {
        let work = |stars: Option<Stars>| stars.map_or(0, Stars::work);
        let name = work(self.sni.as_ref().map(|pattern| pattern.stars));
        match work(self.ja4.as_ref().map(|pattern| pattern.stars)) {
            0 => name,
            ja4 => name.saturating_add(ja4).saturating_add(JA4_PLACES),
        }
    }

    /// Whether it asks a set.
    pub(super) fn asks(&self, set: &Set) -> bool {
        let asked = self.sni_set.as_deref();
        asked.is_some_and(|asked| core::ptr::eq(asked, set))
    }

    fn fits_zone(&self, ct: &Conntrack) -> bool {
        self.zone.is_none_or(|zone| zone == ct.zone())
    }

    /// Whether everything fits, of what is known by now.
    pub fn fits(&self, candidate: &mut Candidate<'_>) -> bool {
        let identity = &candidate.identity;
        begins(&self.server_random, identity.server_random)
            && (begins(&self.session_id, identity.session_id)
                || begins(&self.session_id, identity.server_session_id))
            && self.fits_client(candidate)
    }

    /// Whether it names both ends whole, and asks for nothing else.
    pub(super) fn is_of_both_ends(&self) -> bool {
        let whole = |end: &Option<End>| end.as_ref().is_some_and(End::is_whole);
        let hellos = self.client_random.is_some()
            || self.needs_server()
            || self.sni.is_some()
            || self.sni_set.is_some()
            || self.ja4.is_some();
        whole(&self.src) && whole(&self.dst) && !hellos
    }

    /// Whether both ends fit, whichever has sent first.
    pub(super) fn fits_ends_either_way(&self, ct: &Conntrack) -> bool {
        let fits = |one, other| fits_end(&self.src, ct, one) && fits_end(&self.dst, ct, other);
        self.fits_zone(ct) && (fits(Side::Src, Side::Dst) || fits(Side::Dst, Side::Src))
    }

    /// Whether the ClientHello alone does not tell.
    pub(super) fn needs_server(&self) -> bool {
        self.server_random.is_some() || self.session_id.is_some()
    }
}

/// Whether bytes begin with a prefix, if one was given.
fn begins(prefix: &Option<Bytes<32>>, octets: Option<&[u8]>) -> bool {
    prefix
        .as_ref()
        .is_none_or(|prefix| octets.is_some_and(|octets| octets.starts_with(prefix.as_slice())))
}

fn fits_end(wanted: &Option<End>, ct: &Conntrack, side: Side) -> bool {
    let Some(wanted) = wanted else {
        return true;
    };
    let end = ct.endpoint(side.into());
    let len = if ct.is_ipv6() { 16 } else { 4 };
    let address = wanted.address.as_slice();
    let same_network = address.is_empty()
        || address.len() == len && same_prefix(address, &end.address, wanted.prefix);
    same_network && wanted.port.is_none_or(|port| port == end.port)
}

/// Whether the first bits are the same.
fn same_prefix(one: &[u8], other: &[u8], bits: u8) -> bool {
    let mut left = u32::from(bits);
    for (one, other) in one.iter().zip(other) {
        if left == 0 {
            return true;
        }
        let counted = left.min(8);
        let mask = 0xff_u32 << (8_u32.wrapping_sub(counted) & 7);
        if u32::from(one ^ other) & mask & 0xff != 0 {
            return false;
        }
        left = left.saturating_sub(8);
    }
    true
}
