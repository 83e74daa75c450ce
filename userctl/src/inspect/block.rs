// SPDX-License-Identifier: GPL-2.0-only

//! What the blocks of a capture file say: interfaces, and the packets captured from them.

use pcap_parser::{parse_pcap_header, Block, PcapBlockOwned, PcapHeader};

use super::interface::{Interface, Time};

/// pcapng's first kind of packet block, which new files must not have but readers should know.
const OBSOLETE_PACKET: u32 = 2;

const TOO_SHORT: &str = "a packet longer than its block; the file is corrupt";

const OTHER_ORDER: &str =
    "another capture is joined to it, in another byte order; read each on its own";

/// What a pcap file begins with: in either byte order, with micro- or nanoseconds.
const MAGICS: [[u8; 4]; 4] = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x4d, 0x3c, 0xb2, 0xa1],
];

/// What a section header begins with, in either byte order.
const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Octets of a block of pcapng with nothing in it: its kind, and its length twice.
const SHORTEST: u32 = 12;

/// Interfaces of a section that are remembered at most, as many as the first kind of packet block could tell apart.
const MOST: usize = 1 << 16;

/// Where in the file the reader is: a pcap file has one section, with one interface.
#[derive(Default)]
pub(crate) struct Section {
    /// The byte order of the machine that wrote it.
    pub(crate) big_endian: bool,
    is_pcapng: bool,
    /// A pcap file's header, if it is one and that was read.
    pcap: Option<PcapHeader>,
    interfaces: Vec<Interface>,
    /// When the last packet was captured.
    time: Time,
}

/// Whether another pcap file begins where a record would.
pub(crate) enum Joined {
    No,
    /// Octets are missing that tell.
    Unknown,
    /// It does, with a header of so many octets.
    Yes(usize),
}

/// A packet with what its interface says of it.
pub(crate) struct Captured<'a> {
    pub(crate) link: i32,
    pub(crate) time: Time,
    pub(crate) octets: &'a [u8],
}

/// The numbers in front of a packet in a pcapng file.
struct Header {
    interface: u32,
    time: [u32; 2],
    captured: u32,
}

impl Section {
    /// Whether the block that `octets` begin with has a length that can be. pcap-parser takes the least length from it
    /// without a look; those of section headers, which may be in another byte order, it does check.
    pub(crate) fn has_length(&self, octets: &[u8]) -> bool {
        let Some(([kind @ .., l0, l1, l2, l3], _)) = octets.split_first_chunk::<8>() else {
            return true;
        };
        let is_header = *kind == SECTION_HEADER;
        !self.is_pcapng || is_header || self.u32([*l0, *l1, *l2, *l3]) >= SHORTEST
    }

    /// Whether another pcap file begins here, as `cat` joins them: it says anew what its frames are. A record in its place would be
    /// empty and of the year 2055.
    pub(crate) fn joined(&mut self, octets: &[u8]) -> Result<Joined, &'static str> {
        const LENGTH: usize = 24;
        let Some(first) = &self.pcap else {
            return Ok(Joined::No);
        };
        let (Some(magic), rest) = (octets.get(..4), octets.len()) else {
            return Ok(Joined::No);
        };
        if !MAGICS.iter().any(|known| known == magic) {
            return Ok(Joined::No);
        }
        if rest < LENGTH {
            return Ok(Joined::Unknown);
        }
        let Ok((_, header)) = parse_pcap_header(octets) else {
            return Ok(Joined::No);
        };
        if (header.version_major, header.version_minor) != (2, 4) || header.thiszone != 0 {
            return Ok(Joined::No);
        }
        if header.is_bigendian() != first.is_bigendian() {
            return Err(OTHER_ORDER);
        }
        self.interfaces.clear();
        self.describe(Interface::of_pcap(&header))?;
        Ok(Joined::Yes(LENGTH))
    }

    /// The packet in a block, if it has one. An error says what is wrong and what to do.
    pub(crate) fn packet<'a>(
        &mut self,
        block: &'a PcapBlockOwned<'_>,
    ) -> Result<Option<Captured<'a>>, &'static str> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.big_endian = header.is_bigendian();
                self.pcap = Some(header.clone());
                self.describe(Interface::of_pcap(header))?;
                Ok(None)
            }
            PcapBlockOwned::Legacy(packet) => {
                let interface = self.interface(0)?;
                self.time = interface.time_of_pcap(packet.ts_sec, packet.ts_usec);
                Ok(Some(self.captured(interface, packet.data)))
            }
            PcapBlockOwned::NG(Block::SectionHeader(section)) => {
                self.big_endian = section.big_endian();
                self.is_pcapng = true;
                self.interfaces.clear();
                Ok(None)
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                self.describe(Interface::of_pcapng(interface, self.big_endian))?;
                Ok(None)
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let header = Header {
                    interface: packet.if_id,
                    time: [packet.ts_high, packet.ts_low],
                    captured: packet.caplen,
                };
                self.with_header(&header, packet.data).map(Some)
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let interface = self.interface(0)?;
                let octets = usize::try_from(packet.origlen)
                    .ok()
                    .and_then(|len| packet.data.get(..len));
                Ok(Some(
                    self.captured(interface, octets.unwrap_or(packet.data)),
                ))
            }
            // pcap-parser reads the number of an unknown block as little-endian always.
            PcapBlockOwned::NG(Block::Unknown(block))
                if self.u32(block.block_type.to_le_bytes()) == OBSOLETE_PACKET =>
            {
                let (header, octets) = self.obsolete(block.data).ok_or(TOO_SHORT)?;
                self.with_header(&header, octets).map(Some)
            }
            PcapBlockOwned::NG(_) => Ok(None),
        }
    }

    fn describe(&mut self, interface: Interface) -> Result<(), &'static str> {
        if self.interfaces.len() >= MOST {
            return Err("more than 65536 interfaces; the file is corrupt");
        }
        self.interfaces.push(interface);
        Ok(())
    }

    fn interface(&self, number: u32) -> Result<Interface, &'static str> {
        usize::try_from(number)
            .ok()
            .and_then(|place| self.interfaces.get(place).copied())
            .ok_or("a packet of an interface that was not described; the file is corrupt")
    }

    /// A packet of pcapng; what pads it to four octets is cut off.
    fn with_header<'a>(
        &mut self,
        header: &Header,
        padded: &'a [u8],
    ) -> Result<Captured<'a>, &'static str> {
        let interface = self.interface(header.interface)?;
        let octets = usize::try_from(header.captured)
            .ok()
            .and_then(|len| padded.get(..len))
            .ok_or(TOO_SHORT)?;
        let [high, low] = header.time;
        self.time = interface.time(high, low);
        Ok(self.captured(interface, octets))
    }

    /// A packet of the last time: those of pcapng's simple kind have none of their own.
    fn captured<'a>(&self, interface: Interface, octets: &'a [u8]) -> Captured<'a> {
        Captured {
            link: interface.link,
            time: self.time,
            octets,
        }
    }

    /// Reads a packet block of the first kind: interface (two octets), drops (two), time in two halves, length
    /// captured, length on the wire, and the packet (draft-ietf-opsawg-pcapng, appendix A).
    fn obsolete<'a>(&self, block: &'a [u8]) -> Option<(Header, &'a [u8])> {
        let ([i0, i1, _, _], rest) = block.split_first_chunk()?;
        let (high, rest) = rest.split_first_chunk()?;
        let (low, rest) = rest.split_first_chunk()?;
        let (captured, rest) = rest.split_first_chunk()?;
        let ([_, _, _, _], octets) = rest.split_first_chunk()?;
        let header = Header {
            interface: match self.big_endian {
                true => u16::from_be_bytes([*i0, *i1]).into(),
                false => u16::from_le_bytes([*i0, *i1]).into(),
            },
            time: [self.u32(*high), self.u32(*low)],
            captured: self.u32(*captured),
        };
        Some((header, octets))
    }

    fn u32(&self, octets: [u8; 4]) -> u32 {
        match self.big_endian {
            true => u32::from_be_bytes(octets),
            false => u32::from_le_bytes(octets),
        }
    }
}
