// SPDX-License-Identifier: GPL-2.0-only
//! Frames: Ethernet, IPv4, TCP, and the header in front that tells the kernel what a network card would.

/// TCP flags (RFC 9293 3.1).
pub(crate) const SYN: u8 = 0x02;
pub(crate) const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;

/// Octets of payload in a packet of 1500 with the timestamp option.
pub(crate) const MSS: usize = 1448;

/// Octets in front of the TCP header: struct virtio_net_hdr, Ethernet, IPv4.
const VNET: usize = 10;
const ETHERNET: usize = 14;
const IPV4: usize = 20;

/// linux/virtio_net.h
const VNET_NEEDS_CSUM: u8 = 1;
const VNET_GSO_TCPV4: u8 = 1;
/// Where in the TCP header its checksum is.
const TCP_CHECKSUM: usize = 16;

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) address: [u8; 4],
    pub(crate) port: u16,
}

/// What is in a TCP header besides its ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
}

/// A frame from `from` to `to`, with the virtio header in front (PACKET_VNET_HDR). The checksum is left to the card, as
/// the host's own stack does; more payload than `MSS` makes a packet as segmentation offload or GRO have it.
pub(crate) fn frame(
    destination: [u8; 6],
    from: End,
    to: End,
    header: Header,
    payload: &[u8],
) -> Vec<u8> {
    let options = options(header.flags);
    let tcp_len = 20 + options.len();
    let ip_len = IPV4 + tcp_len + payload.len();
    let mut octets = vnet_header(tcp_len, payload.len());
    octets.reserve(ETHERNET + ip_len);
    octets.extend(destination);
    octets.extend([2, 0, 0, 0, 0, 1]);
    octets.extend([8, 0]);
    octets.extend(ipv4_header(ip_len as u16, from.address, to.address));
    let tcp = octets.len();
    octets.extend(from.port.to_be_bytes());
    octets.extend(to.port.to_be_bytes());
    octets.extend(header.seq.to_be_bytes());
    octets.extend(header.ack.to_be_bytes());
    octets.extend([(tcp_len as u8 / 4) << 4, header.flags]);
    octets.extend(u16::MAX.to_be_bytes());
    octets.extend([0; 4]);
    octets.extend(options);
    // Of the checksum, only the pseudo header's part (RFC 9293 3.1) is the sender's.
    let pseudo = sum(&from.address) + sum(&to.address) + 6 + (tcp_len + payload.len()) as u32;
    octets[tcp + TCP_CHECKSUM..tcp + TCP_CHECKSUM + 2].copy_from_slice(&fold(pseudo).to_be_bytes());
    octets.extend(payload);
    octets
}

/// A frame of that length that nobody takes, for what sending costs.
pub(crate) fn unwanted(mut frame: Vec<u8>) -> Vec<u8> {
    frame[VNET..VNET + 6].copy_from_slice(&[2, 0, 0, 0, 0, 0xee]);
    frame
}

fn vnet_header(tcp_len: usize, payload: usize) -> Vec<u8> {
    let headers = (ETHERNET + IPV4 + tcp_len) as u16;
    let (kind, size) = if payload > MSS {
        (VNET_GSO_TCPV4, MSS as u16)
    } else {
        (0, 0)
    };
    let mut octets = vec![VNET_NEEDS_CSUM, kind];
    for field in [headers, size, (ETHERNET + IPV4) as u16, TCP_CHECKSUM as u16] {
        octets.extend(field.to_ne_bytes());
    }
    octets
}

fn ipv4_header(len: u16, from: [u8; 4], to: [u8; 4]) -> Vec<u8> {
    let [high, low] = len.to_be_bytes();
    // Don't fragment; 64 hops; TCP.
    let mut octets = vec![0x45, 0, high, low, 0, 0, 0x40, 0, 64, 6, 0, 0];
    octets.extend(from);
    octets.extend(to);
    let checksum = !fold(sum(&octets));
    octets[10..12].copy_from_slice(&checksum.to_be_bytes());
    octets
}

/// As Linux writes them: a SYN has MSS, SACK, timestamps and the greatest window scale, all others timestamps.
fn options(flags: u8) -> Vec<u8> {
    let mut octets = Vec::with_capacity(20);
    if flags & SYN != 0 {
        octets.extend([2, 4, 5, 0xb4, 4, 2, 8, 10]);
        octets.extend([0; 8]);
        octets.extend([1, 3, 3, 14]);
    } else {
        octets.extend([1, 1, 8, 10]);
        octets.extend([0; 8]);
    }
    octets
}

fn sum(octets: &[u8]) -> u32 {
    octets
        .chunks(2)
        .map(|pair| {
            let low = pair.get(1).copied().unwrap_or_default();
            u32::from(u16::from_be_bytes([pair[0], low]))
        })
        .sum()
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ip_header_s_checksum_comes_out_right() {
        let header = ipv4_header(60, [10, 1, 0, 2], [10, 2, 0, 2]);
        assert_eq!(fold(sum(&header)), 0xffff);
    }

    #[test]
    fn a_frame_has_the_lengths_it_says() {
        let end = End {
            address: [10, 1, 0, 2],
            port: 1,
        };
        let header = Header {
            seq: 1,
            ack: 2,
            flags: ACK,
        };
        for len in [0, 200, MSS, 16406] {
            let frame = frame([2; 6], end, end, header, &vec![0; len]);
            let ip_len = u16::from_be_bytes([frame[26], frame[27]]);
            assert_eq!(frame.len(), VNET + ETHERNET + usize::from(ip_len));
            assert_eq!(frame[VNET + ETHERNET + IPV4 + 12] >> 4, 8);
            assert_eq!(frame[1] != 0, len > MSS);
        }
    }
}
