// SPDX-License-Identifier: GPL-2.0-only

//! What of a capture could not be taken in.

use std::fmt;

use super::{
    packet::Other,
    rows::{MOST, MOST_GONE},
    tunnel::Kind,
};

const FRAMES: [&str; 2] = ["frame", "frames"];
const PACKETS: [&str; 2] = ["packet", "packets"];

/// A number with one noun or the other.
fn counted(count: u64, [one, several]: [&str; 2]) -> String {
    let noun = if count == 1 { one } else { several };
    format!("{count} {noun}")
}

/// Packets that could not be taken in.
#[derive(Default)]
pub(crate) struct PassedOver {
    /// All that there were.
    pub(super) frames: u64,
    pub(super) not_ip: u64,
    not_tcp: u64,
    /// By the kind of tunnel, packets of it without IP in them, and those that were not looked into.
    empty: [u64; Kind::ALL.len()],
    closed: [u64; Kind::ALL.len()],
    /// TCP packets of which octets were not captured.
    pub(super) cut: u64,
    /// Fragments of which no packet could be made.
    pub(super) fragments: u64,
    /// Fragments that were captured in part.
    pub(super) cut_fragments: u64,
    pub(super) bad_headers: u64,
    /// Frames in which the header of IP is cut off or not in order.
    pub(super) bad_ip: u64,
    /// Times that there was no room for what waits behind holes.
    pub(super) holes: u64,
    /// Times that there was no room for packets that wait for what was captured late.
    pub(super) late: u64,
    /// Packets of connections for which there is no room.
    pub(super) no_room: u64,
    /// Connections that were given up, and of which there is no room to keep anything.
    pub(super) left_out: u64,
    /// Whether it was said that something is left out.
    has_warned: bool,
    /// Frames whose link layer is not known, with the first one's number and place.
    pub(super) unknown_link: Option<(u64, i32, u64)>,
}

impl PassedOver {
    /// Counts an IP packet without TCP.
    pub(super) fn other(&mut self, other: Other) {
        let of = |counts: &mut [u64; Kind::ALL.len()], kind: Kind| {
            if let Some(count) = counts.get_mut(kind as usize) {
                *count += 1;
            }
        };
        match other {
            Other::Protocol => self.not_tcp += 1,
            Other::Empty(kind) => of(&mut self.empty, kind),
            Other::Closed(kind) => of(&mut self.closed, kind),
        }
    }

    /// That something is left out from now on, when it begins: who reads along shall not wait for the end.
    pub(crate) fn warning(&mut self) -> Option<String> {
        if self.has_warned || self.no_room + self.left_out == 0 {
            return None;
        }
        self.has_warned = true;
        let frame = self.frames;
        Some(match self.no_room {
            0 => format!(
                "frame {frame}: more than {MOST_GONE} connections are over; those that were over first are left out from here on"
            ),
            _ => format!(
                "frame {frame}: {MOST} connections are followed, and there is no room for more; further ones are left out; \
                 --timeout gives connections up sooner"
            ),
        })
    }

    /// Why what was read is not all, if that is so.
    pub(crate) fn trouble(&self) -> Option<String> {
        if self.no_room > 0 {
            return Some(format!(
                "more than {MOST} connections at a time: {} of further ones left out; cut the capture in parts with editcap or \
                 tcpdump, or give connections up sooner with --timeout",
                counted(self.no_room, PACKETS)
            ));
        }
        if self.left_out > 0 {
            return Some(format!(
                "more than {MOST_GONE} connections that are over: {} left out, which were over first; cut the capture in parts with \
                 editcap or tcpdump",
                counted(self.left_out, ["of them", "of them"])
            ));
        }
        if self.frames > 0 && self.frames == self.not_ip {
            return Some(format!(
                "no IP packet is known in its {}; look at one with tcpdump -xx, and take off what is around IP when capturing",
                counted(self.frames, FRAMES)
            ));
        }
        if self.bad_ip > 0 && self.frames == self.bad_ip + self.not_ip {
            return Some(format!(
                "no IP header is whole in its {}; capture more of each packet (tcpdump -s 0)",
                counted(self.frames, FRAMES)
            ));
        }
        let (frames, link, offset) = self.unknown_link?;
        Some(format!(
            "link type {link} is not known, of {}, the first at offset {offset}; capture as Ethernet, \
             Linux cooked, raw IP, loopback or NFLOG",
            counted(frames, FRAMES)
        ))
    }
}

impl fmt::Display for PassedOver {
    /// Nothing if nothing was passed over.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.not_ip, FRAMES, "without IP"),
            (
                self.bad_ip,
                ["IP header", "IP headers"],
                "cut off or not in order",
            ),
            (self.not_tcp, PACKETS, "of other protocols than TCP"),
            (
                self.cut,
                ["end", "ends"],
                "of TCP packets, which were captured in part",
            ),
            (
                self.fragments + self.cut_fragments,
                ["fragment", "fragments"],
                "of packets that are not whole",
            ),
            (
                self.bad_headers,
                ["header", "headers"],
                "of TCP or in tunnels, cut off or not in order",
            ),
            (
                self.holes,
                ["time", "times"],
                "the wait for what is missing in a connection, for want of room",
            ),
            (
                self.late,
                ["time", "times"],
                "the wait for what may have been captured late, for want of room",
            ),
        ];
        let counts = counts.map(|(count, nouns, what)| (count, nouns, what.to_string()));
        let of_tunnels = |counts: [u64; Kind::ALL.len()], what: &'static str| {
            let kinds = Kind::ALL.into_iter().zip(counts);
            kinds.map(move |((_, name), count)| (count, PACKETS, format!("of {name} {what}")))
        };
        let counts = counts
            .into_iter()
            .chain(of_tunnels(self.empty, "without IP within"))
            .chain(of_tunnels(self.closed, "that were not looked into"));
        let mut separator = "passed over: ";
        for (count, nouns, what) in counts.filter(|(count, ..)| *count > 0) {
            write!(f, "{separator}{} {what}", counted(count, nouns))?;
            separator = ", ";
        }
        Ok(())
    }
}
