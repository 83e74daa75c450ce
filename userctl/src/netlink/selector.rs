// SPDX-License-Identifier: GPL-2.0-only

//! How selectors stand in messages.

use std::{collections::BTreeMap, net::IpAddr};

use tlsconn_uapi as uapi;

use super::{
    attribute::{Attribute, Attributes},
    decode::{ip, Object},
    malformed::Malformed,
};
use crate::{
    endpoint::Endpoint,
    octets::{Hex, Name},
    selector::Selector,
};

/// The attributes of an end: address, prefix, port.
type EndAttributes = [u32; 3];

const SRC: EndAttributes = [
    uapi::TLSCONN_A_SELECTOR_SRC_ADDR,
    uapi::TLSCONN_A_SELECTOR_SRC_PREFIX,
    uapi::TLSCONN_A_SELECTOR_SRC_PORT,
];
const DST: EndAttributes = [
    uapi::TLSCONN_A_SELECTOR_DST_ADDR,
    uapi::TLSCONN_A_SELECTOR_DST_PREFIX,
    uapi::TLSCONN_A_SELECTOR_DST_PORT,
];

/// The attributes of a selector.
pub(super) fn selector(selector: &Selector) -> Attributes {
    let mut nest = Attributes::default();
    for (kind, prefix) in [
        (
            uapi::TLSCONN_A_SELECTOR_CLIENT_RANDOM,
            &selector.client_random,
        ),
        (
            uapi::TLSCONN_A_SELECTOR_SERVER_RANDOM,
            &selector.server_random,
        ),
        (uapi::TLSCONN_A_SELECTOR_SESSION_ID, &selector.session_id),
    ] {
        if let Some(prefix) = prefix {
            nest = nest.push(kind, &prefix.0);
        }
    }
    if let Some(pattern) = &selector.sni {
        nest = nest.push(uapi::TLSCONN_A_SELECTOR_SNI, pattern.0.as_bytes());
    }
    if let Some(pattern) = &selector.ja4 {
        nest = nest.push(uapi::TLSCONN_A_SELECTOR_JA4, pattern.0.as_bytes());
    }
    for ([address, prefix, port], end) in [(SRC, &selector.src), (DST, &selector.dst)] {
        let Some(end) = end else { continue };
        let (ip, length) = end.prefix();
        nest = match ip {
            IpAddr::V4(ip) => nest.push(address, &ip.octets()),
            IpAddr::V6(ip) => nest.push(address, &ip.octets()),
        };
        nest = nest.push(prefix, &[length]);
        if let Some(number) = end.port() {
            nest = nest.push(port, &number.to_be_bytes());
        }
    }
    if let Some(zone) = selector.zone {
        nest = nest.push(uapi::TLSCONN_A_SELECTOR_ZONE, &zone.to_ne_bytes());
    }
    if let Some(set) = &selector.sni_set {
        nest = nest.string(uapi::TLSCONN_A_SELECTOR_SNI_SET, &set.0);
    }
    nest
}

/// What a pin was told to look for, as it is shown.
pub(super) fn shown(nest: Attribute<'_>) -> Result<BTreeMap<&'static str, String>, Malformed> {
    let object = Object::parse(nest.value)?;
    let mut shown = BTreeMap::new();
    for (kind, key) in [
        (uapi::TLSCONN_A_SELECTOR_CLIENT_RANDOM, "client_random"),
        (uapi::TLSCONN_A_SELECTOR_SERVER_RANDOM, "server_random"),
        (uapi::TLSCONN_A_SELECTOR_SESSION_ID, "session_id"),
    ] {
        if let Some(octets) = object.may(kind, |field| Ok(Hex(field.value.into())))? {
            shown.insert(key, octets.to_string());
        }
    }
    for (kind, key) in [
        (uapi::TLSCONN_A_SELECTOR_SNI, "sni"),
        (uapi::TLSCONN_A_SELECTOR_JA4, "ja4"),
    ] {
        if let Some(pattern) = object.may(kind, |field| Ok(Name(field.value.into())))? {
            shown.insert(key, pattern.to_string());
        }
    }
    for ([address, prefix, port], key) in [(SRC, "src"), (DST, "dst")] {
        let address = object.may(address, ip)?;
        let port = object.may(port, Attribute::be16)?;
        if address.is_some() || port.is_some() {
            let length = object.may(prefix, Attribute::u8)?.unwrap_or(0);
            let end = Endpoint::new(address, length, port).ok_or(Malformed)?;
            shown.insert(key, end.to_string());
        }
    }
    if let Some(zone) = object.may(uapi::TLSCONN_A_SELECTOR_ZONE, Attribute::u16)? {
        shown.insert("zone", zone.to_string());
    }
    if let Some(set) = object.may(uapi::TLSCONN_A_SELECTOR_SNI_SET, |field| {
        Ok(Name(field.string().into()))
    })? {
        shown.insert("sni_set", set.to_string());
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        selector: Selector,
    }

    #[test]
    fn what_is_asked_for_is_shown() {
        let given = [
            ("client_random", "0011"),
            ("server_random", "ff"),
            ("session_id", "0a0b"),
            ("sni", "*.example.org"),
            ("ja4", "t13d*_8daaf6152771_?5627efa2ab1"),
            ("src", "10.0.0.0/8:443"),
            ("dst", "[2001:db8::1]:443"),
        ];
        let mut words = vec!["test".to_string()];
        for (key, value) in given {
            words.push(format!("--{}={value}", key.replace('_', "-")));
        }
        let line = Line::try_parse_from(words).expect("it parses");
        let nest = selector(&line.selector);
        let read = shown(Attribute {
            kind: 0,
            value: nest.as_slice(),
        });
        let expected = given.map(|(key, value)| (key, value.to_string()));
        assert_eq!(read.ok(), Some(expected.into()));
    }
}
