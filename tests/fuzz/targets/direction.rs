// SPDX-License-Identifier: GPL-2.0-only
//! One direction: the first byte says how the rest is cut; whole or cut, the outcome has to be the same.
#![no_main]

#[path = "../../../kmod/tls/tests/common/mod.rs"]
mod common;
#[path = "../../../kmod/tls/tests/heard/mod.rs"]
mod heard;

use common::Wire;
use heard::Heard;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use tlsconn_tls::{Connection, PacketTypes, Side::Src};

#[derive(Default)]
struct Hash(Sha256);

impl tlsconn_tls::Sha256 for Hash {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(&mut self.0, bytes);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

fn played(bytes: &[u8], step: usize, picked_up: bool) -> (Wire, Heard) {
    let (mut wire, heard) = (Wire::default(), Heard::default());
    if picked_up {
        wire.connection = Connection::picked_up();
    }
    for piece in bytes.chunks(step) {
        heard.send(&mut wire, Src, piece);
    }
    (wire, heard)
}

fuzz_target!(|input: &[u8]| {
    let Some((&how, bytes)) = input.split_first() else {
        return;
    };
    let picked_up = how & 0x80 != 0;
    // Where records are looked for, no more than 128 places of a packet are, and each has three bytes at least.
    let most = if picked_up { 384 } else { bytes.len() };
    let (whole, whole_heard) = played(bytes, most.max(1), picked_up);
    let (cut, cut_heard) = played(bytes, usize::from(how & 0x7f).max(1), picked_up);
    assert_eq!(whole.connection.state(), cut.connection.state());
    assert_eq!(whole.connection.reason(), cut.connection.reason());
    assert_eq!(whole.handshake.identity, cut.handshake.identity);
    assert_eq!(whole.connection.counters(Src), cut.connection.counters(Src));
    if whole.handshake.identity.client_random.is_some() {
        assert_eq!(whole_heard.ja4::<Hash>(), cut_heard.ja4::<Hash>());
    }
    let types = |wire: &Wire| -> Vec<PacketTypes> {
        let places = (0..bytes.len() as u32).step_by(3);
        places.map(|at| wire.types(Src, 1000 + at, 1)).collect()
    };
    assert_eq!(types(&whole), types(&cut));
});
