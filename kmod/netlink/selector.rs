// SPDX-License-Identifier: GPL-2.0-only

//! Selectors as requests give them and messages tell of them.

use super::{
    policy::{self, Address},
    set,
};
use crate::{
    bindings::{
        TLSCONN_A_SELECTOR_CLIENT_RANDOM, TLSCONN_A_SELECTOR_DST_ADDR, TLSCONN_A_SELECTOR_DST_PORT,
        TLSCONN_A_SELECTOR_DST_PREFIX, TLSCONN_A_SELECTOR_JA4, TLSCONN_A_SELECTOR_SERVER_RANDOM,
        TLSCONN_A_SELECTOR_SESSION_ID, TLSCONN_A_SELECTOR_SNI, TLSCONN_A_SELECTOR_SNI_SET,
        TLSCONN_A_SELECTOR_SRC_ADDR, TLSCONN_A_SELECTOR_SRC_PORT, TLSCONN_A_SELECTOR_SRC_PREFIX,
        TLSCONN_A_SELECTOR_ZONE,
    },
    check::{is_ja4_pattern, is_pattern},
    namespace::NetState,
    pins::{End, Pattern, Selector},
    sys::{
        message::Message,
        policy::{Attribute, Binary, Nest, Nested, Policy, Port, U8},
        request::Request,
    },
    tls::Bytes,
};
use core::ffi::CStr;
use kernel::prelude::*;

/// Attributes of a selector.
type Of<K> = Attribute<policy::Selector, K>;

/// The selector that a request holds. Process context.
pub(super) fn of<P: Policy>(
    net: &NetState,
    request: &Request<'_, P>,
    attribute: Attribute<P, Nested<policy::Selector>>,
) -> Result<Option<KBox<Selector>>> {
    let Some(nest) = request.get(attribute) else {
        return Ok(None);
    };
    let mut selector = KBox::new(Selector::default(), GFP_KERNEL)?;
    fill(&mut selector, &nest).map_err(|why| request.refuse(EINVAL, why))?;
    if let Some(name) = nest.get(policy::Selector::SNI_SET) {
        selector.sni_set = Some(set::of_name(net, request, Some(name))?);
    }
    Ok(Some(selector))
}

fn fill(selector: &mut Selector, nest: &Nest<'_, policy::Selector>) -> Result<(), &'static CStr> {
    use policy::Selector as Of;
    selector.client_random = bytes(nest, Of::CLIENT_RANDOM)?;
    selector.server_random = bytes(nest, Of::SERVER_RANDOM)?;
    selector.session_id = bytes(nest, Of::SESSION_ID)?;
    selector.sni = pattern(nest)?;
    selector.ja4 = ja4(nest)?;
    selector.src = end(nest, Of::SRC_ADDR, Of::SRC_PREFIX, Of::SRC_PORT)?;
    selector.dst = end(nest, Of::DST_ADDR, Of::DST_PREFIX, Of::DST_PORT)?;
    selector.zone = nest.get(Of::ZONE);
    Ok(())
}

/// A pattern in lower case, with the NUL that strings have in netlink or without. A dot at its end makes no difference.
fn pattern(nest: &Nest<'_, policy::Selector>) -> Result<Option<Pattern<255>>, &'static CStr> {
    let Some(value) = nest.get(policy::Selector::SNI) else {
        return Ok(None);
    };
    let value = value.strip_suffix(b"\0").unwrap_or(value);
    let value = value.strip_suffix(b".").unwrap_or(value);
    let pattern = filled(value.iter().map(u8::to_ascii_lowercase))?;
    match is_pattern(pattern.as_slice()) {
        true => Ok(Some(Pattern::new(pattern))),
        false => Err(c"a selector's server name is not a name with * and ? as wildcards"),
    }
}

/// A pattern in lower case, with the NUL that strings have in netlink or without.
fn ja4(nest: &Nest<'_, policy::Selector>) -> Result<Option<Pattern<63>>, &'static CStr> {
    let Some(value) = nest.get(policy::Selector::JA4) else {
        return Ok(None);
    };
    let value = value.strip_suffix(b"\0").unwrap_or(value);
    let pattern = filled(value.iter().map(u8::to_ascii_lowercase))?;
    match is_ja4_pattern(pattern.as_slice()) {
        true => Ok(Some(Pattern::new(pattern))),
        false => Err(c"a selector's JA4 has something else than letters, digits, _ * and ?"),
    }
}

fn bytes<const MOST: usize, const N: usize>(
    nest: &Nest<'_, policy::Selector>,
    attribute: Of<Binary<MOST>>,
) -> Result<Option<Bytes<N>>, &'static CStr> {
    let value = nest.get(attribute);
    value.map(|value| filled(value.iter().copied())).transpose()
}

fn filled<const N: usize>(mut value: impl Iterator<Item = u8>) -> Result<Bytes<N>, &'static CStr> {
    let mut bytes = Bytes::new();
    if !value.all(|byte| bytes.push(byte)) || bytes.as_slice().is_empty() {
        return Err(c"a selector's field is empty or too long");
    }
    Ok(bytes)
}

fn end(
    nest: &Nest<'_, policy::Selector>,
    address: Of<Address>,
    prefix: Of<U8>,
    port: Of<Port>,
) -> Result<Option<End>, &'static CStr> {
    let address = bytes(nest, address)?;
    let prefix = nest.get(prefix);
    let port = nest.get(port);
    let longest = match address.as_ref().map(|address| address.as_slice().len()) {
        Some(4) => 32,
        Some(16) => 128,
        None if prefix.is_none() => 0,
        _ => return Err(c"a selector's address has 4 or 16 bytes"),
    };
    if prefix.is_some_and(|prefix| prefix > longest) {
        return Err(c"a selector's prefix is longer than its address");
    }
    Ok((longest != 0 || port.is_some()).then(|| End {
        address: address.unwrap_or_default(),
        prefix: prefix.unwrap_or(longest),
        port,
    }))
}

/// The attributes of an end: address, prefix, port.
type EndAttributes = [u32; 3];

const SRC: EndAttributes = [
    TLSCONN_A_SELECTOR_SRC_ADDR,
    TLSCONN_A_SELECTOR_SRC_PREFIX,
    TLSCONN_A_SELECTOR_SRC_PORT,
];
const DST: EndAttributes = [
    TLSCONN_A_SELECTOR_DST_ADDR,
    TLSCONN_A_SELECTOR_DST_PREFIX,
    TLSCONN_A_SELECTOR_DST_PORT,
];

/// Tells of a selector.
pub(super) fn put(selector: &Selector, message: &mut Message<'_>) -> Result {
    for (number, bytes) in [
        (TLSCONN_A_SELECTOR_CLIENT_RANDOM, &selector.client_random),
        (TLSCONN_A_SELECTOR_SERVER_RANDOM, &selector.server_random),
        (TLSCONN_A_SELECTOR_SESSION_ID, &selector.session_id),
    ] {
        if let Some(bytes) = bytes {
            message.bytes(number, bytes.as_slice())?;
        }
    }
    if let Some(pattern) = &selector.sni {
        message.bytes(TLSCONN_A_SELECTOR_SNI, pattern.as_slice())?;
    }
    if let Some(pattern) = &selector.ja4 {
        message.bytes(TLSCONN_A_SELECTOR_JA4, pattern.as_slice())?;
    }
    if let Some(set) = &selector.sni_set {
        message.string(TLSCONN_A_SELECTOR_SNI_SET, set.name.as_slice())?;
    }
    for ([address, prefix, port], end) in [(SRC, &selector.src), (DST, &selector.dst)] {
        let Some(end) = end else {
            continue;
        };
        if !end.address.as_slice().is_empty() {
            message.bytes(address, end.address.as_slice())?;
            message.u8(prefix, end.prefix)?;
        }
        if let Some(number) = end.port {
            message.u16(port, number.to_be())?;
        }
    }
    if let Some(zone) = selector.zone {
        message.u16(TLSCONN_A_SELECTOR_ZONE, zone)?;
    }
    Ok(())
}
