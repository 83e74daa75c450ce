// SPDX-License-Identifier: GPL-2.0-only

//! Why a capture cannot be read on, and where.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use pcap_parser::PcapError;

use crate::failure::{Code, Failure};

pub(super) const CORRUPT: &str = "has a corrupt record; what follows cannot be read";

/// What the system said when reading failed: pcap-parser tells only that it did.
#[derive(Clone, Default)]
pub(super) struct Fault(Arc<Mutex<Option<io::Error>>>);

impl Fault {
    /// Reading has failed so.
    pub(super) fn set(&self, error: io::Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(super) fn failure<I>(&self, name: &Path, offset: u64, error: &PcapError<I>) -> Failure {
        let trouble = match error {
            PcapError::Eof if offset == 0 => "is empty; it must be a capture, pcap or pcapng",
            PcapError::ReadError => return self.cannot_read(name, offset),
            PcapError::UnexpectedEof | PcapError::Incomplete(_) => {
                "is cut off in a record; what is missing cannot be shown"
            }
            PcapError::BufferTooSmall => "has a record of more than 16 MiB; the file is corrupt",
            PcapError::HeaderNotRecognized => {
                "is no capture, neither pcap nor pcapng; unpack or convert it first"
            }
            _ => CORRUPT,
        };
        failure(name, at(trouble, offset))
    }

    pub(super) fn cannot_read(&self, name: &Path, offset: u64) -> Failure {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fault = fault.map_or_else(|| "nothing came".into(), |fault| fault.to_string());
        let text = format!("cannot be read: {fault}; what came before is shown, get the file again if it must be whole");
        failure(name, at(&text, offset))
    }
}

pub(super) fn at(trouble: &str, offset: u64) -> String {
    match trouble.split_once("; ") {
        Some((cause, next)) => format!("{cause}, at offset {offset}; {next}"),
        None => format!("{trouble}, at offset {offset}"),
    }
}

pub(super) fn failure(name: &Path, trouble: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Failed, format!("{}: {trouble}", name.display()))
}
