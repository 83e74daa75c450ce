// SPDX-License-Identifier: GPL-2.0-only

//! An interface that was captured from: what its frames are and how it counts time.

use pcap_parser::{InterfaceDescriptionBlock, OptionCode, PcapHeader};

/// Nanoseconds since 1970.
pub(crate) type Time = i128;

/// Nanoseconds in a second.
pub(crate) const SECOND: Time = 1_000_000_000;

/// pcap's header keeps more than the link type in these bits.
const LINK_TYPE: i32 = 0x03ff_ffff;

/// What a capture file says of an interface.
#[derive(Clone, Copy)]
pub(crate) struct Interface {
    /// The number of its link layer, from the list of the tcpdump group.
    pub(crate) link: i32,
    /// Ticks of its clock in a second; none if it is too fast to tell times apart.
    per_second: Option<u128>,
    /// Seconds between 1970 and where its clock begins.
    begins: i64,
}

impl Interface {
    /// The one of a pcap file.
    pub(crate) fn of_pcap(header: &PcapHeader) -> Self {
        Self {
            link: header.network.0 & LINK_TYPE,
            per_second: Some(match header.is_nanosecond_precision() {
                true => 1_000_000_000,
                false => 1_000_000,
            }),
            begins: 0,
        }
    }

    /// One of a pcapng file. pcap-parser does not know clocks that count in powers of two, nor offsets in big-endian
    /// files.
    pub(crate) fn of_pcapng(block: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        let resolution = block.if_tsresol;
        let begins = block
            .options
            .iter()
            .find(|option| option.code == OptionCode::IfTsoffset)
            .and_then(|option| option.value().first_chunk().copied());
        Self {
            link: block.linktype.0 & LINK_TYPE,
            per_second: match resolution & 0x80 {
                0 => 10_u128.checked_pow(resolution.into()),
                _ => 1_u128.checked_shl((resolution & 0x7f).into()),
            },
            begins: begins.map_or(0, |octets| match big_endian {
                true => i64::from_be_bytes(octets),
                false => i64::from_le_bytes(octets),
            }),
        }
    }

    /// The time of a pcap record: seconds, and ticks in the second.
    pub(crate) fn time_of_pcap(&self, seconds: u32, ticks: u32) -> Time {
        Time::from(seconds) * SECOND + self.nanoseconds(u64::from(ticks))
    }

    /// The time of a pcapng packet: ticks in two halves.
    pub(crate) fn time(&self, high: u32, low: u32) -> Time {
        let ticks = (u64::from(high) << 32) | u64::from(low);
        Time::from(self.begins) * SECOND + self.nanoseconds(ticks)
    }

    fn nanoseconds(&self, ticks: u64) -> Time {
        let nanoseconds = self.per_second.and_then(|per_second| {
            (u128::from(ticks) * SECOND.unsigned_abs()).checked_div(per_second)
        });
        nanoseconds.map_or(0, |nanoseconds| Time::try_from(nanoseconds).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(per_second: Option<u128>, begins: i64) -> Interface {
        Interface {
            link: 1,
            per_second,
            begins,
        }
    }

    #[test]
    fn ticks_are_nanoseconds() {
        let micro = interface(Some(1_000_000), 0);
        assert_eq!(micro.time_of_pcap(3, 5), 3 * SECOND + 5000);
        assert_eq!(micro.time(1, 0), (1 << 32) * 1000);
        assert_eq!(
            interface(Some(1 << 7), -2).time(0, 64),
            -2 * SECOND + SECOND / 2
        );
        // The largest of everything.
        assert_eq!(
            interface(Some(1), i64::MAX).time(u32::MAX, u32::MAX) / SECOND,
            27_670_116_110_564_327_422
        );
        assert_eq!(interface(Some(1 << 127), 0).time(u32::MAX, u32::MAX), 0);
        assert_eq!(interface(None, 0).time(u32::MAX, u32::MAX), 0);
    }
}
