// SPDX-License-Identifier: GPL-2.0-only
//! Tables in memory of this machine.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use tlsconn_names::{Encoded, Source, Table, Word};

/// A word that processors share.
pub(crate) struct Shared(AtomicU32);

impl Word for Shared {
    fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }

    fn set(&mut self, value: u32) {
        *self.0.get_mut() = value;
    }

    fn add(&self, number: u32) {
        self.0.fetch_add(number, Relaxed);
    }
}

pub(crate) type Names = Table<Vec<u32>, Vec<Shared>>;

/// Names as a file has them, more than once perhaps.
pub(crate) struct Listed(pub(crate) Vec<Encoded>);

impl Source for Listed {
    fn each(&self, to: &mut dyn FnMut(&Encoded)) {
        self.0.iter().for_each(to);
    }
}

pub(crate) fn encoded<T: AsRef<[u8]>>(names: impl IntoIterator<Item = T>) -> Listed {
    let encoded = |name: T| Encoded::new(name.as_ref()).expect("it is a name");
    Listed(names.into_iter().map(encoded).collect())
}

/// A table of names with a key.
pub(crate) fn keyed(key: [u64; 2], names: &Listed) -> Names {
    let words: usize = names.0.iter().map(|name| name.words().len() + 1).sum();
    let words = (0..words).map(|_| Shared(AtomicU32::new(0))).collect();
    Table::build(key, vec![0; names.0.len() + 1], words, names, || {}).expect("there is room")
}

#[allow(dead_code, reason = "not every test uses it")]
pub(crate) fn table<T: AsRef<[u8]>>(names: impl IntoIterator<Item = T>) -> Names {
    keyed(
        [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908],
        &encoded(names),
    )
}

/// The text of the name that a host is in the table by.
#[allow(dead_code, reason = "not every test uses it")]
pub(crate) fn found(table: &Names, host: &[u8]) -> Option<Vec<u8>> {
    let place = table.find(host)?;
    all(table)
        .into_iter()
        .find(|(at, _)| *at == place)
        .map(|(_, text)| text)
}

/// All names with their places.
pub(crate) fn all(table: &Names) -> Vec<(tlsconn_names::Place, Vec<u8>)> {
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some((place, name, next)) = table.at(at) {
        all.push((place, name.text(&mut [0; 256]).to_vec()));
        at = next;
    }
    all
}

/// By the words of the documentation alone: itself, else its smallest domain.
#[allow(dead_code, reason = "not every test uses it")]
pub(crate) fn expected(names: &BTreeSet<Vec<u8>>, host: &[u8]) -> Option<Vec<u8>> {
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(b".").unwrap_or(&host);
    if host.is_empty() || host.len() > 255 {
        return None;
    }
    if names.contains(host) {
        return Some(host.to_vec());
    }
    let whole = [b".", host].concat();
    (0..whole.len())
        .filter(|at| whole[*at] == b'.')
        .map(|at| whole[at..].to_vec())
        .find(|domain| names.contains(domain))
}
