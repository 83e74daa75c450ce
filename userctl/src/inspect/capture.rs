// SPDX-License-Identifier: GPL-2.0-only

//! Frames out of a capture file, pcap or pcapng, in the order of the file and with memory for one at a time.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use pcap_parser::{create_reader, traits::PcapReaderIterator, PcapError};

use super::{
    ahead::Ahead,
    block::{Joined, Section},
    interface::Time,
    unpack::unpacked,
};
use crate::failure::{Code, Failure};

/// Octets that are read at once.
const BUFFER: usize = 1 << 17;

/// No frame is larger; a file that says so is corrupt.
const LARGEST: usize = 1 << 24;

const CORRUPT: &str = "has a corrupt record; what follows cannot be read";

/// What was captured of a packet.
pub(crate) struct Frame<'a> {
    /// From 1 on, in the order of the file.
    pub(crate) number: u64,
    /// Where it stands in the file.
    pub(crate) offset: u64,
    /// The number of its link layer, from the list of the tcpdump group.
    pub(crate) link: i32,
    /// The byte order of the machine that wrote it.
    pub(crate) big_endian: bool,
    /// When it was captured.
    pub(crate) time: Time,
    pub(crate) octets: &'a [u8],
}

/// A capture that is being read.
pub(crate) struct Capture {
    name: PathBuf,
    length: Option<u64>,
    reader: Box<dyn PcapReaderIterator + Send>,
    fault: Fault,
    frames: u64,
    section: Section,
}

impl Capture {
    /// Opens a file, or standard input where the name is `-`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            let input = Box::new(io::stdin());
            return Self::new("standard input".into(), None, input, true);
        }
        let cannot = |error| {
            failure(
                path,
                format_args!("cannot be opened: {error}; see its name and that you may read it"),
            )
        };
        let file = File::open(path).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if metadata.is_dir() {
            return Err(failure(path, "is a directory; name a capture file in it"));
        }
        let length = metadata.is_file().then_some(metadata.len());
        Self::new(path.into(), length, Box::new(file), true)
    }

    /// A capture of that name; `length` is that of the file, if it is known. `ahead`: it is read and unpacked on a thread of its own.
    pub(crate) fn new(
        name: PathBuf,
        length: Option<u64>,
        input: Box<dyn Read + Send>,
        ahead: bool,
    ) -> Result<Self, Failure> {
        let fault = Fault::default();
        let (input, packed) = unpacked(input).map_err(|error| {
            failure(
                &name,
                format_args!("cannot be read: {error}; see whether it is whole"),
            )
        })?;
        let input: Box<dyn Read + Send> = match ahead {
            true => Box::new(Ahead::new(input).map_err(|error| {
                failure(
                    &name,
                    format_args!("cannot be read: no thread: {error}; see the limits of processes"),
                )
            })?),
            false => input,
        };
        let input = Input {
            input,
            fault: fault.clone(),
            has_begun: false,
        };
        let reader =
            create_reader(BUFFER, input).map_err(|error| fault.failure(&name, 0, &error))?;
        Ok(Self {
            name,
            // How much is in a packed file shows at its end.
            length: length.filter(|_| !packed),
            reader,
            fault,
            frames: 0,
            section: Section::default(),
        })
    }

    /// Octets in the file, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// A failure over this capture.
    pub(crate) fn failure(&self, trouble: impl std::fmt::Display) -> Failure {
        failure(&self.name, trouble)
    }

    /// Hands every frame over until that says false; none where more has to be waited for. The failure comes behind what could be
    /// read.
    pub(crate) fn read(
        &mut self,
        mut take: impl FnMut(Option<&Frame<'_>>) -> bool,
    ) -> Result<(), Failure> {
        loop {
            let offset = self.reader.consumed() as u64;
            let held = self.reader.data().len();
            if !self.section.has_length(self.reader.data()) {
                return Err(failure(&self.name, at(CORRUPT, offset)));
            }
            let joined = self.section.joined(self.reader.data());
            match joined.map_err(|trouble| failure(&self.name, at(trouble, offset)))? {
                Joined::No => {}
                Joined::Yes(len) => {
                    self.reader.consume(len);
                    continue;
                }
                Joined::Unknown if !self.reader.reader_exhausted() => {
                    if !take(None) {
                        return Ok(());
                    }
                    self.refill(held, offset)?;
                    continue;
                }
                Joined::Unknown => {}
            }
            match self.reader.next() {
                Ok((len, block)) => {
                    let packet = self
                        .section
                        .packet(&block)
                        .map_err(|trouble| failure(&self.name, at(trouble, offset)))?;
                    let mut goes_on = true;
                    if let Some(packet) = packet {
                        self.frames += 1;
                        goes_on = take(Some(&Frame {
                            number: self.frames,
                            offset,
                            link: packet.link,
                            big_endian: self.section.big_endian,
                            time: packet.time,
                            octets: packet.octets,
                        }));
                    }
                    self.reader.consume(len);
                    if !goes_on {
                        return Ok(());
                    }
                }
                Err(PcapError::Eof) => return Ok(()),
                Err(PcapError::Incomplete(_) | PcapError::BufferTooSmall) => {
                    if !take(None) {
                        return Ok(());
                    }
                    self.refill(held, offset)?;
                }
                Err(error) => return Err(self.fault.failure(&self.name, offset, &error)),
            }
        }
    }

    /// Reads on, into a larger buffer if the `held` octets of a record that begins at `offset` fill it.
    fn refill(&mut self, held: usize, offset: u64) -> Result<(), Failure> {
        let mut refilled = self.reader.refill().is_ok();
        if refilled && self.reader.data().len() == held && !self.reader.reader_exhausted() {
            if held >= LARGEST {
                let error = PcapError::<()>::BufferTooSmall;
                return Err(self.fault.failure(&self.name, offset, &error));
            }
            self.reader.grow(2 * held.max(BUFFER));
            refilled = self.reader.refill().is_ok();
        }
        match refilled {
            true => Ok(()),
            false => Err(self.fault.cannot_read(&self.name, offset)),
        }
    }
}

/// What the system said when reading failed: pcap-parser tells only that it did.
#[derive(Clone, Default)]
struct Fault(Arc<Mutex<Option<io::Error>>>);

impl Fault {
    fn failure<I>(&self, name: &Path, offset: u64, error: &PcapError<I>) -> Failure {
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

    fn cannot_read(&self, name: &Path, offset: u64) -> Failure {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fault = fault.map_or_else(|| "nothing came".into(), |fault| fault.to_string());
        let text = format!("cannot be read: {fault}; what came before is shown, get the file again if it must be whole");
        failure(name, at(&text, offset))
    }
}

/// The file as pcap-parser reads it: it takes the header for whole, which a pipe may give in pieces. What comes after it is handed
/// over as it comes.
struct Input {
    input: Box<dyn Read + Send>,
    fault: Fault,
    has_begun: bool,
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
                    *self.fault.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
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

fn at(trouble: &str, offset: u64) -> String {
    match trouble.split_once("; ") {
        Some((cause, next)) => format!("{cause}, at offset {offset}; {next}"),
        None => format!("{trouble}, at offset {offset}"),
    }
}

fn failure(name: &Path, trouble: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Failed, format!("{}: {trouble}", name.display()))
}
