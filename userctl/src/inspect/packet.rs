// SPDX-License-Identifier: GPL-2.0-only

//! IP and TCP: what a packet says to the connection it belongs to.

use std::net::{IpAddr, SocketAddr};

use etherparse::{
    ether_type, ip_number, EtherType, IpNumber, Ipv6ExtensionSlice, LaxNetSlice, LaxSlicedPacket,
    TcpSlice, TransportSlice,
};

use super::{
    fragments::{Fragment, Key, Whole},
    tunnel::{self, Carrier, Tunnel},
};

/// Tunnels in tunnels that are looked into.
const DEEPEST: usize = 8;

/// What came out of a packet.
pub(crate) enum Packet<'a> {
    Tcp(Tcp<'a>),
    /// A fragment of a packet that may have TCP in it.
    Fragment(Fragment<'a>),
    /// One that was captured in part.
    CutFragment,
    /// TCP, or IP within a tunnel, but its header is not whole or not in order.
    BadHeader,
    /// The same of IP outside tunnels.
    BadIp,
    /// No IP.
    NotIp,
    /// IP, and not TCP.
    Other(Other),
}

/// IP without TCP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Other {
    /// Another protocol.
    Protocol,
    /// A tunnel of that kind, in which no IP is.
    Empty(tunnel::Kind),
    /// A tunnel of that kind that is not looked into.
    Closed(tunnel::Kind),
}

/// A TCP packet.
#[derive(Clone, Copy)]
pub(crate) struct Tcp<'a> {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    pub(crate) seq: u32,
    pub(crate) ack: Option<u32>,
    pub(crate) syn: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
    pub(crate) urgent: bool,
    /// What was captured of the payload.
    pub(crate) payload: &'a [u8],
    /// Octets of payload on the wire.
    pub(crate) len: u32,
}

impl Tcp<'_> {
    /// The sequence number of the first octet of payload.
    pub(crate) fn first_octet(&self) -> u32 {
        self.seq.wrapping_add(u32::from(self.syn))
    }

    /// The number behind the last octet of payload.
    pub(crate) fn end(&self) -> u32 {
        self.first_octet().wrapping_add(self.len)
    }
}

/// Reads a packet from its ethertype on, and where `tunnels` says so what it carries through tunnels, with the tunnel.
pub(crate) fn read(kind: EtherType, octets: &[u8], tunnels: bool) -> (Tunnel, Packet<'_>) {
    read_within(0, (kind, octets), tunnels)
}

/// A packet that came through a tunnel of that kind.
fn through(kind: tunnel::Kind, packet: Packet<'_>) -> Packet<'_> {
    match packet {
        Packet::NotIp => Packet::Other(Other::Empty(kind)),
        Packet::BadIp => Packet::BadHeader,
        packet => packet,
    }
}

fn read_within(
    mut tunnel: Tunnel,
    mut packet: (EtherType, &[u8]),
    tunnels: bool,
) -> (Tunnel, Packet<'_>) {
    let mut outer = None;
    for _ in 0..DEEPEST {
        let (kind, octets) = packet;
        match one(tunnel, kind, octets) {
            Layer::Last(last) => {
                let last = match outer {
                    Some(kind) => through(kind, last),
                    None => last,
                };
                return (tunnel, last);
            }
            Layer::Inner(kind, ..) if !tunnels => {
                return (tunnel, Packet::Other(Other::Closed(kind)))
            }
            Layer::Inner(kind, through, inner) => {
                (outer, tunnel, packet) = (Some(kind), through, inner);
            }
        }
    }
    let closed = outer.map_or(Other::Protocol, Other::Closed);
    (tunnel, Packet::Other(closed))
}

/// An IP packet.
enum Layer<'a> {
    Last(Packet<'a>),
    /// One that carries another through a tunnel.
    Inner(tunnel::Kind, Tunnel, (EtherType, &'a [u8])),
}

fn one(within: Tunnel, kind: EtherType, octets: &[u8]) -> Layer<'_> {
    let sliced = LaxSlicedPacket::from_ether_type(kind, octets);
    let (src, dst, claimed, payload): (IpAddr, IpAddr, _, _) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let auth = ip
                .extensions()
                .auth
                .map_or(0, |header| header.slice().len());
            (
                header.source_addr().into(),
                header.destination_addr().into(),
                usize::from(header.total_len()).checked_sub(header.slice().len() + auth),
                ip.payload(),
            )
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
                usize::from(header.payload_length()).checked_sub(ip.extensions().slice().len()),
                ip.payload(),
            )
        }
        _ if matches!(kind, ether_type::IPV4 | ether_type::IPV6) => {
            return Layer::Last(Packet::BadIp)
        }
        _ => return Layer::Last(Packet::NotIp),
    };
    if payload.fragmented {
        let whole = (!payload.incomplete).then_some(payload.payload);
        let fragment = fragment(&sliced, within, [src, dst], payload.ip_number);
        return Layer::Last(match (fragment, whole) {
            (Some(fragment), Some(octets)) => Packet::Fragment(Fragment { octets, ..fragment }),
            _ => Packet::CutFragment,
        });
    }
    if payload.ip_number != ip_number::TCP {
        return match tunnel::inner(within, [src, dst], payload.ip_number, payload.payload) {
            Carrier::Of(kind, through, inner) => Layer::Inner(kind, through, inner),
            Carrier::Empty(kind) => Layer::Last(Packet::Other(Other::Empty(kind))),
            Carrier::No => Layer::Last(Packet::Other(Other::Protocol)),
        };
    }
    let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else {
        return Layer::Last(Packet::BadHeader);
    };
    // Only what was cut off is longer on the wire; the length field of large packets may be zero.
    let cut = match claimed {
        Some(claimed) if payload.incomplete => claimed.saturating_sub(payload.payload.len()),
        _ => 0,
    };
    Layer::Last(Packet::Tcp(from_slice(src, dst, tcp, cut)))
}

/// Where a fragment belongs; what is in it is added.
fn fragment<'a>(
    sliced: &LaxSlicedPacket<'_>,
    tunnel: Tunnel,
    [src, dst]: [IpAddr; 2],
    number: IpNumber,
) -> Option<Fragment<'a>> {
    let (id, protocol, offset, more) = match sliced.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let id = header.identification().into();
            let offset = header.fragments_offset();
            (id, Some(number), offset, header.more_fragments())
        }
        LaxNetSlice::Ipv6(ip) => {
            let mut extensions = ip.extensions().clone().into_iter();
            extensions.find_map(|extension| match extension {
                Ipv6ExtensionSlice::Fragment(header) => {
                    let offset = header.fragment_offset();
                    Some((
                        header.identification(),
                        None,
                        offset,
                        header.more_fragments(),
                    ))
                }
                _ => None,
            })?
        }
        LaxNetSlice::Arp(_) => return None,
    };
    Some(Fragment {
        key: Key {
            tunnel,
            src,
            dst,
            id,
            protocol,
        },
        number,
        offset: usize::from(offset.value()) * 8,
        more,
        octets: &[],
    })
}

/// Reads a packet that was put together.
pub(crate) fn read_whole(whole: &Whole, tunnels: bool) -> (Tunnel, Packet<'_>) {
    let Key {
        tunnel, src, dst, ..
    } = whole.key;
    if whole.number == ip_number::TCP {
        let tcp = TcpSlice::from_slice(&whole.octets);
        let packet = tcp.map_or(Packet::BadHeader, |tcp| {
            Packet::Tcp(from_slice(src, dst, &tcp, 0))
        });
        return (tunnel, packet);
    }
    match tunnel::inner(tunnel, [src, dst], whole.number, &whole.octets) {
        Carrier::Of(kind, tunnel, inner) if tunnels => {
            let (tunnel, packet) = read_within(tunnel, inner, tunnels);
            (tunnel, through(kind, packet))
        }
        Carrier::Of(kind, ..) => (tunnel, Packet::Other(Other::Closed(kind))),
        Carrier::Empty(kind) => (tunnel, Packet::Other(Other::Empty(kind))),
        Carrier::No => (tunnel, Packet::Other(Other::Protocol)),
    }
}

fn from_slice<'a>(src: IpAddr, dst: IpAddr, tcp: &TcpSlice<'a>, cut: usize) -> Tcp<'a> {
    let payload = tcp.payload();
    Tcp {
        src: SocketAddr::new(src, tcp.source_port()),
        dst: SocketAddr::new(dst, tcp.destination_port()),
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        urgent: tcp.urg(),
        payload,
        len: u32::try_from(payload.len().saturating_add(cut)).unwrap_or(u32::MAX),
    }
}
