// SPDX-License-Identifier: GPL-2.0-only

//! A file as pcap-parser reads it.

use std::io::{self, Read};

use super::fault::Fault;

/// The file as pcap-parser reads it: it takes the header for whole, which a pipe may give in pieces. What comes after it is handed
/// over as it comes.
pub(super) struct Input {
    input: Box<dyn Read + Send>,
    fault: Fault,
    has_begun: bool,
}

impl Input {
    /// What is read of `input`; what the system says when that fails is left in `fault`.
    pub(super) fn new(input: Box<dyn Read + Send>, fault: Fault) -> Self {
        Self {
            input,
            fault,
            has_begun: false,
        }
    }
}

impl Read for Input {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        loop {
            // pcap-parser reads twice before it says what came: the first time no more than it needs.
            let wanted = match self.has_begun {
                true => room.len(),
                false => header_length(room.get(..filled).unwrap_or_default()).min(room.len()),
            };
            let rest = match room.get_mut(filled..wanted) {
                Some(rest) if !rest.is_empty() => rest,
                _ => break,
            };
            match self.input.read(rest) {
                Ok(0) => break,
                Ok(len) => {
                    filled += len;
                    if self.has_begun {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What came before it is read first: the error comes again.
                Err(_) if filled > 0 => break,
                Err(error) => {
                    let kind = error.kind();
                    self.fault.set(error);
                    return Err(kind.into());
                }
            }
        }
        self.has_begun = true;
        Ok(filled)
    }
}

/// Octets of the header that a file begins with: pcap's, or the first block of pcapng.
fn header_length(read: &[u8]) -> usize {
    const PCAP: usize = 24;
    let Some((&[kind @ .., l0, l1, l2, l3, b0, _, _, _], _)) = read.split_first_chunk::<12>()
    else {
        return PCAP;
    };
    let length = match (kind, b0) {
        ([0x0a, 0x0d, 0x0d, 0x0a], 0x1a) => u32::from_be_bytes([l0, l1, l2, l3]),
        ([0x0a, 0x0d, 0x0d, 0x0a], _) => u32::from_le_bytes([l0, l1, l2, l3]),
        _ => 0,
    };
    usize::try_from(length).map_or(PCAP, |length| length.max(PCAP))
}
