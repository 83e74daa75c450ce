// SPDX-License-Identifier: GPL-2.0-only
//! ClientHellos as JA4 sees them, and what FoxIO's description makes of them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file is a crate of its own and uses what it needs"
)]

use crate::common::{message, vector16, CLIENT_RANDOM};
use proptest::{collection::vec, prelude::*, sample::Index};
use sha2::{Digest, Sha256};
use tlsconn_tls::Ja4;

pub const SERVER_NAME: u16 = 0;
pub const SIGNATURE_ALGORITHMS: u16 = 13;
pub const PROTOCOLS: u16 = 16;
pub const VERSIONS: u16 = 43;

/// A ClientHello as JA4 sees it.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    pub version: u16,
    pub suites: Vec<u16>,
    /// Those that are empty here get what they hold from the fields below.
    pub extensions: Vec<u16>,
    pub protocol: Vec<u8>,
    pub versions: Vec<u16>,
    pub algorithms: Vec<u16>,
}

impl Offer {
    pub fn message(&self) -> Vec<u8> {
        message(1, &self.body())
    }

    pub fn body(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend(CLIENT_RANDOM);
        body.extend([2, 7, 7]);
        body.extend(vector16(&numbers(&self.suites)));
        body.extend([1, 0]);
        let mut extensions = vec![];
        for extension in &self.extensions {
            extensions.extend(extension.to_be_bytes());
            extensions.extend(vector16(&self.extension(*extension)));
        }
        if !extensions.is_empty() {
            body.extend(vector16(&extensions));
        }
        body
    }

    fn extension(&self, extension: u16) -> Vec<u8> {
        match extension {
            SERVER_NAME => vector16(&[&[0], &vector16(b"www.example.org")[..]].concat()),
            SIGNATURE_ALGORITHMS => vector16(&numbers(&self.algorithms)),
            PROTOCOLS => {
                let first = [&[self.protocol.len() as u8], &self.protocol[..]].concat();
                vector16(&[&first, &b"\x06second"[..]].concat())
            }
            VERSIONS => {
                let versions = numbers(&self.versions);
                [&[versions.len() as u8], &versions[..]].concat()
            }
            // Others look like lists of algorithms and of protocols.
            other => vec![0, 2, 4, 3][..usize::from(other & 4)].to_vec(),
        }
    }

    /// What FoxIO's description says of it, step by step.
    pub fn expected(&self) -> String {
        let known = |list: &[u16]| -> Vec<u16> {
            list.iter().copied().filter(|it| !is_grease(*it)).collect()
        };
        let sorted = |mut list: Vec<u16>| {
            list.sort_unstable();
            list
        };
        let has = |extension| self.extensions.contains(&extension);
        let highest = known(&self.versions).into_iter().max();
        let version = match highest.filter(|_| has(VERSIONS)).unwrap_or(self.version) {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            _ => "00",
        };
        let name = if has(SERVER_NAME) { "d" } else { "i" };
        let suites = sorted(known(&self.suites));
        let extensions = known(&self.extensions);
        let protocol = match (self.protocol.first(), self.protocol.last()) {
            (Some(first), Some(last)) if has(PROTOCOLS) => {
                let ends = [*first, *last];
                match ends.iter().all(u8::is_ascii_alphanumeric) {
                    true => String::from_utf8(ends.into()).expect("ASCII"),
                    false => format!("{:x}{:x}", first >> 4, last & 15),
                }
            }
            _ => "00".into(),
        };
        let front = format!(
            "t{version}{name}{:02}{:02}{protocol}",
            suites.len().min(99),
            extensions.len().min(99)
        );
        let hashed: Vec<u16> = extensions
            .into_iter()
            .filter(|extension| ![SERVER_NAME, PROTOCOLS].contains(extension))
            .collect();
        let mut last = joined(&sorted(hashed));
        let algorithms = known(&self.algorithms);
        if has(SIGNATURE_ALGORITHMS) && !algorithms.is_empty() {
            last = format!("{last}_{}", joined(&algorithms));
        }
        format!("{front}_{}_{}", hashed12(&joined(&suites)), hashed12(&last))
    }
}

fn numbers(list: &[u16]) -> Vec<u8> {
    list.iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

fn joined(list: &[u16]) -> String {
    let each: Vec<String> = list.iter().map(|number| format!("{number:04x}")).collect();
    each.join(",")
}

fn hashed12(text: &str) -> String {
    match text {
        "" => "000000000000".into(),
        text => format!("{:x}", Sha256::digest(text))[..12].into(),
    }
}

fn is_grease(number: u16) -> bool {
    (0..16).any(|high| number == 0x0a0a + 0x1010 * high)
}

pub fn list(text: &str) -> Vec<u16> {
    let each = text.split(',').filter(|number| !number.is_empty());
    each.map(|number| u16::from_str_radix(number, 16).expect("hex"))
        .collect()
}

/// As the tool has it.
#[derive(Default)]
pub struct Hash(Sha256);

impl tlsconn_tls::Sha256 for Hash {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(&mut self.0, bytes);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// JA4 of a message, if there is one.
pub fn ja4(message: &[u8]) -> Option<String> {
    let of = |pieces: &[&[u8]]| {
        let mut ja4 = Ja4::new();
        pieces.iter().for_each(|piece| ja4.take(piece));
        said(&mut ja4)
    };
    let whole = of(&[message]);
    // However it is cut.
    for cut in 0..message.len() {
        let (one, other) = message.split_at(cut);
        assert_eq!(of(&[one, other]), whole, "{cut}");
    }
    for size in 1..4 {
        assert_eq!(of(&message.chunks(size).collect::<Vec<_>>()), whole);
    }
    whole
}

/// What a collected one is.
pub fn said(ja4: &mut Ja4) -> Option<String> {
    let text = ja4.finish::<Hash>()?;
    Some(String::from_utf8(text.into()).expect("ASCII"))
}

/// Any, with GREASE among all that it has.
pub fn offers() -> impl Strategy<Value = Offer> {
    let number =
        || prop_oneof![3 => any::<u16>(), 1 => (0..16_u16).prop_map(|high| 0x0a0a + 0x1010 * high)];
    // Of each that the engine reads there is one at most.
    let other = number().prop_filter("not read", |number| {
        ![0, 13, 16, 33, 35, 41, 42, 43, 0xfe0d].contains(number)
    });
    let read = proptest::sample::subsequence(
        vec![SERVER_NAME, SIGNATURE_ALGORITHMS, PROTOCOLS, VERSIONS],
        0..=4,
    );
    let versions = prop_oneof![0x0300..0x0305_u16, Just(0x1a1a), Just(0x7f12)];
    (
        0x0300..0x0305_u16,
        vec(number(), 1..200),
        (vec(other, 0..60), read, any::<Vec<Index>>()),
        vec(any::<u8>(), 1..5),
        vec(versions, 1..6),
        vec(number(), 1..40),
    )
        .prop_map(
            |(version, suites, (others, read, places), protocol, versions, algorithms)| {
                let mut extensions = others;
                for (number, extension) in read.into_iter().enumerate() {
                    let at = places
                        .get(number)
                        .map_or(0, |at| at.index(extensions.len() + 1));
                    extensions.insert(at, extension);
                }
                Offer {
                    version,
                    suites,
                    extensions,
                    protocol,
                    versions,
                    algorithms,
                }
            },
        )
}
