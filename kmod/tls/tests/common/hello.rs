// SPDX-License-Identifier: GPL-2.0-only
//! Hellos from their fields.

use super::{message, plain, Record};

pub const CLIENT_RANDOM: [u8; 32] = [0xc1; 32];
pub const SERVER_RANDOM: [u8; 32] = [0x5e; 32];
pub const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

#[derive(Clone, Debug)]
pub struct Hello {
    pub version: u16,
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub cipher: u16,
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl Hello {
    pub fn client() -> Self {
        Hello {
            version: 0x0303,
            random: CLIENT_RANDOM,
            session_id: vec![0x1d; 32],
            cipher: 0,
            extensions: vec![],
        }
    }

    /// A client that offers TLS 1.2 and 1.3.
    pub fn client13() -> Self {
        Hello::client()
            .with(0x2a2a, &[])
            .sni(b"www.example.org")
            .with(51, &[7; 125])
            .with(43, &[6, 0x1a, 0x1a, 3, 4, 3, 3])
            .with(16, &vector16(b"\x02h2\x08http/1.1"))
    }

    pub fn server() -> Self {
        Hello {
            random: SERVER_RANDOM,
            ..Hello::client()
        }
    }

    pub fn server13(cipher: u16) -> Self {
        Hello {
            cipher,
            ..Hello::server()
        }
        .with(43, &[3, 4])
        .with(51, &[7; 36])
    }

    pub fn retry(cipher: u16) -> Self {
        Hello {
            random: RETRY_RANDOM,
            ..Hello::server13(cipher)
        }
    }

    pub fn with(mut self, extension: u16, body: &[u8]) -> Self {
        self.extensions.push((extension, body.to_vec()));
        self
    }

    pub fn sni(self, name: &[u8]) -> Self {
        let mut entry = vec![0];
        entry.extend(vector16(name));
        self.with(0, &vector16(&entry))
    }

    fn extensions(&self) -> Vec<u8> {
        let mut bytes = vec![];
        for (extension, body) in &self.extensions {
            bytes.extend(extension.to_be_bytes());
            bytes.extend(vector16(body));
        }
        if bytes.is_empty() {
            bytes
        } else {
            vector16(&bytes)
        }
    }

    fn start(&self) -> Vec<u8> {
        let mut bytes = self.version.to_be_bytes().to_vec();
        bytes.extend(self.random);
        bytes.extend(vector8(&self.session_id));
        bytes
    }

    pub fn client_body(&self) -> Vec<u8> {
        let mut bytes = self.start();
        bytes.extend(vector16(&[0x13, 1, 0x13, 2, 0xc0, 0x2f]));
        bytes.extend(vector8(&[0]));
        bytes.extend(self.extensions());
        bytes
    }

    pub fn server_body(&self) -> Vec<u8> {
        let mut bytes = self.start();
        bytes.extend(self.cipher.to_be_bytes());
        bytes.push(0);
        bytes.extend(self.extensions());
        bytes
    }

    pub fn as_client(&self) -> Record {
        plain(&message(1, &self.client_body()))
    }

    pub fn as_server(&self) -> Record {
        plain(&message(2, &self.server_body()))
    }
}

pub fn vector16(body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u16).to_be_bytes().to_vec();
    bytes.extend(body);
    bytes
}

fn vector8(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![body.len() as u8];
    bytes.extend(body);
    bytes
}
