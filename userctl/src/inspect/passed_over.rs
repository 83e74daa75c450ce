// SPDX-License-Identifier: GPL-2.0-only

//! What of a capture could not be taken in.

use std::fmt;

use super::MOST;

/// Packets that could not be taken in.
#[derive(Default)]
pub(crate) struct PassedOver {
    /// All that there were.
    pub(super) frames: u64,
    pub(super) not_ip: u64,
    pub(super) not_tcp: u64,
    /// TCP packets of which octets were not captured.
    pub(super) cut: u64,
    /// Fragments of which no packet could be made.
    pub(super) fragments: u64,
    /// Fragments that were captured in part.
    pub(super) cut_fragments: u64,
    pub(super) bad_headers: u64,
    /// Times that there was no room for what waits behind holes.
    pub(super) holes: u64,
    /// Times that there was no room for packets that wait for what was captured late.
    pub(super) late: u64,
    /// Packets of connections for which there is no room.
    pub(super) no_room: u64,
    /// Frames whose link layer is not known, with the first one's number and place.
    pub(super) unknown_link: Option<(u64, i32, u64)>,
}

impl PassedOver {
    /// Why what was read is not all, if that is so.
    pub(crate) fn trouble(&self) -> Option<String> {
        if self.no_room > 0 {
            return Some(format!(
                "more than {MOST} connections: {} packets of further ones are left out; cut the capture in parts with \
                 editcap or tcpdump",
                self.no_room
            ));
        }
        if self.frames > 0 && self.frames == self.not_ip {
            return Some(format!(
                "no IP packet is known in its {} frames; look at one with tcpdump -xx, and take off what is around IP when capturing",
                self.frames
            ));
        }
        let (frames, link, offset) = self.unknown_link?;
        Some(format!(
            "link type {link} is not known, of {frames} frames, the first at offset {offset}; capture as Ethernet, \
             Linux cooked, raw IP, loopback or NFLOG"
        ))
    }
}

impl fmt::Display for PassedOver {
    /// Nothing if nothing was passed over.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.not_ip, "frames without IP"),
            (self.not_tcp, "packets of other protocols than TCP"),
            (self.cut, "ends of TCP packets, which were captured in part"),
            (
                self.fragments + self.cut_fragments,
                "fragments of packets that are not whole",
            ),
            (self.bad_headers, "TCP headers cut off or not in order"),
            (
                self.holes,
                "times the wait for what is missing in a connection, for want of room",
            ),
        ];
        let late = "times the wait for what may have been captured late, for want of room";
        let mut separator = "passed over: ";
        for (count, what) in counts
            .into_iter()
            .chain([(self.late, late)])
            .filter(|(count, _)| *count > 0)
        {
            write!(f, "{separator}{count} {what}")?;
            separator = ", ";
        }
        Ok(())
    }
}
