// SPDX-License-Identifier: GPL-2.0-only

//! Frames out of a capture file, pcap or pcapng, in the order of the file and with memory for one at a time.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use pcap_parser::{create_reader, traits::PcapReaderIterator, PcapError};

use super::{
    ahead::Ahead,
    block::{Joined, Section},
    fault::{at, failure, Fault, CORRUPT},
    input::Input,
    interface::Time,
    unpack::unpacked,
};
use crate::failure::Failure;

/// Octets that are read at once.
const BUFFER: usize = 1 << 17;

/// No frame is larger; a file that says so is corrupt.
const LARGEST: usize = 1 << 24;

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
        let input = Input::new(input, fault.clone());
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
