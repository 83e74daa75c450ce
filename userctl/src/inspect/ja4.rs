// SPDX-License-Identifier: GPL-2.0-only

//! The JA4 of a connection: what it is made of is kept only while the ClientHello is read.

use std::cell::RefCell;

use sha2::{Digest, Sha256};
use tlsconn_tls::{Ja4, Listener};

/// A connection's JA4, as far as it is known.
#[derive(Default)]
pub(crate) struct Fingerprint(RefCell<Progress>);

#[derive(Default)]
enum Progress {
    #[default]
    Nothing,
    Reading(Box<Ja4>),
    Read(Option<[u8; Ja4::LENGTH]>),
}

impl Fingerprint {
    /// The JA4, where the ClientHello has been read and has one.
    pub(crate) fn known(&self) -> Option<String> {
        match *self.0.borrow() {
            Progress::Read(Some(text)) => Some(text.into_iter().map(char::from).collect()),
            _ => None,
        }
    }
}

impl Listener for Fingerprint {
    fn client_hello(&self, bytes: &[u8]) {
        let mut progress = self.0.borrow_mut();
        if let Progress::Nothing = *progress {
            *progress = Progress::Reading(Box::default());
        }
        let Progress::Reading(ja4) = &mut *progress else {
            return;
        };
        ja4.take(bytes);
        if ja4.is_over() {
            let read = ja4.finish::<Hash>();
            *progress = Progress::Read(read);
        }
    }
}

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
