// SPDX-License-Identifier: GPL-2.0-only
//! Handshakes up to TLS 1.2.

use super::*;
use tlsconn_tls::Side::{Dst, Src};

/// The extension session_ticket (RFC 5077 3.2).
pub const TICKET: u16 = 35;

pub fn finished12() -> Record {
    record(22, &[0x16; 40], HANDSHAKE)
}

/// A full handshake, and data of both sides.
pub fn full(client: Hello, server: Hello) -> Vec<Turn> {
    let mut messages = message(2, &server.server_body());
    messages.extend(message(11, &[0x30; 900]));
    messages.extend(message(12, &[1; 300]));
    messages.extend(message(14, &[]));
    // Messages share records and are split over them, each way.
    let (first, second) = messages.split_at(700);
    vec![
        (Src, vec![client.as_client()]),
        (Dst, vec![plain(first), plain(second)]),
        (
            Src,
            vec![plain(&message(16, &[4; 66])), ccs(), finished12()],
        ),
        (
            Dst,
            vec![plain(&message(4, &[9; 180])), ccs(), finished12()],
        ),
        (Src, vec![data(120)]),
        (Dst, vec![data(1000)]),
    ]
}

/// A session continued, and data of both sides.
pub fn resumed(client: Hello, server: Hello) -> Vec<Turn> {
    vec![
        (Src, vec![client.as_client()]),
        (Dst, vec![server.as_server(), ccs(), finished12()]),
        (Src, vec![ccs(), finished12(), data(100)]),
        (Dst, vec![data(100)]),
    ]
}

pub fn server12() -> Hello {
    Hello {
        cipher: 0xc02f,
        ..Hello::server()
    }
}
