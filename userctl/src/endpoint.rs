// SPDX-License-Identifier: GPL-2.0-only

//! `ADDR[/LEN][:PORT]`: which ends of connections a selector means.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::number;

/// An address or network, and a port if one was given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Endpoint {
    address: IpAddr,
    length: u8,
    port: Option<u16>,
}

impl Endpoint {
    /// The port, if one was given.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// The address, and how many bits of it count.
    pub(crate) fn prefix(&self) -> (IpAddr, u8) {
        (self.address, self.length)
    }

    /// Whether the address is IPv6.
    pub(crate) fn is_ipv6(&self) -> bool {
        self.address.is_ipv6()
    }

    /// The address or network as iptables writes it.
    pub(crate) fn network(&self) -> String {
        let longest = if self.is_ipv6() { 128 } else { 32 };
        if self.length == longest {
            self.address.to_string()
        } else {
            format!("{}/{}", self.address, self.length)
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = self.network();
        match self.port {
            Some(port) if self.is_ipv6() => write!(f, "[{network}]:{port}"),
            Some(port) => write!(f, "{network}:{port}"),
            None => f.write_str(&network),
        }
    }
}

impl Endpoint {
    /// As the kernel tells of one; None where that makes no sense.
    pub(crate) fn new(address: Option<IpAddr>, length: u8, port: Option<u16>) -> Option<Self> {
        let (address, length) = match address {
            Some(address) => (address, length),
            None => (Ipv4Addr::UNSPECIFIED.into(), 0),
        };
        let longest = if address.is_ipv6() { 128 } else { 32 };
        (length <= longest).then_some(Self {
            address,
            length,
            port,
        })
    }
}

impl FromStr for Endpoint {
    type Err = String;

    /// IPv4 as `ADDR[/LEN][:PORT]`; IPv6 as `ADDR[/LEN]`, `[ADDR][/LEN][:PORT]` or `[ADDR/LEN][:PORT]`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(inner) = text.strip_prefix('[') {
            let (inner, rest) = inner
                .split_once(']')
                .ok_or("the closing bracket is missing")?;
            let (network, port) = split_port(rest)?;
            if !network.is_empty() && (!network.starts_with('/') || inner.contains('/')) {
                return Err("only /LEN or :PORT can follow the bracket".into());
            }
            let (address, length) = parse_network::<Ipv6Addr>(&format!("{inner}{network}"), 128)?;
            return Ok(Self {
                address: address.into(),
                length,
                port,
            });
        }
        if text.matches(':').count() > 1 {
            let (address, length) = parse_network::<Ipv6Addr>(text, 128).map_err(|error| {
                format!("{error} (with a port, IPv6 stands in brackets: [ADDR]:PORT)")
            })?;
            return Ok(Self {
                address: address.into(),
                length,
                port: None,
            });
        }
        let (network, port) = split_port(text)?;
        let (address, length) = parse_network::<Ipv4Addr>(network, 32)?;
        Ok(Self {
            address: address.into(),
            length,
            port,
        })
    }
}

/// Takes the `:PORT` off the end, if there is one.
fn split_port(text: &str) -> Result<(&str, Option<u16>), String> {
    let Some((front, port)) = text.split_once(':') else {
        return Ok((text, None));
    };
    Ok((front, Some(number::port(port)?)))
}

/// Takes `ADDR[/LEN]` apart; without a length it is one host.
fn parse_network<A: FromStr>(text: &str, longest: u8) -> Result<(A, u8), String> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address = address
        .parse()
        .map_err(|_| format!("{address:?} is not an IP address"))?;
    let length = match length {
        None => longest,
        Some(text) => number::decimal(text)
            .filter(|length| *length <= longest)
            .ok_or_else(|| format!("{text:?} is not a prefix length, 0 to {longest}"))?,
    };
    Ok((address, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, u8, Option<u16>) {
        let endpoint: Endpoint = text.parse().expect(text);
        (endpoint.address.to_string(), endpoint.length, endpoint.port)
    }

    #[test]
    fn ipv4() {
        for (text, address, length, port) in [
            ("10.0.1.2", "10.0.1.2", 32, None),
            ("10.0.1.2:443", "10.0.1.2", 32, Some(443)),
            ("10.0.0.0/8", "10.0.0.0", 8, None),
            ("10.1.2.3/8:443", "10.1.2.3", 8, Some(443)),
            ("0.0.0.0/0:22", "0.0.0.0", 0, Some(22)),
        ] {
            assert_eq!(parsed(text), (address.into(), length, port));
        }
    }

    #[test]
    fn ipv6() {
        for (text, address, length, port) in [
            ("2001:db8::1", "2001:db8::1", 128, None),
            ("[2001:db8::1]", "2001:db8::1", 128, None),
            ("[2001:db8::1]:443", "2001:db8::1", 128, Some(443)),
            ("2001:db8::/32", "2001:db8::", 32, None),
            ("[2001:db8::/32]:443", "2001:db8::", 32, Some(443)),
            ("[2001:db8::]/32:443", "2001:db8::", 32, Some(443)),
            ("::/0", "::", 0, None),
            // Without brackets the last group is part of the address.
            ("2001:db8::443", "2001:db8::443", 128, None),
        ] {
            assert_eq!(parsed(text), (address.into(), length, port));
        }
    }

    #[test]
    fn networks_as_iptables_writes_them() {
        for (given, written) in [
            ("10.0.1.2:443", "10.0.1.2"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            let endpoint: Endpoint = given.parse().expect(given);
            assert_eq!(endpoint.network(), written);
            assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for wrong in [
            "",
            "host",
            "10.0.1",
            "10.0.1.256",
            "10.0.1.2/33",
            "10.0.1.2/",
            "10.0.1.2/-1",
            "10.0.1.2/+8",
            "10.0.1.2:",
            "10.0.1.2:65536",
            "10.0.1.2:+443",
            "10.0.1.2:443/8",
            "10.0.1.2 ",
            ":443",
            "/8",
            "[10.0.1.2]:443",
            "[2001:db8::1",
            "[2001:db8::1]443",
            "[2001:db8::1]:",
            "[2001:db8::/32]/32",
            "2001:db8::/129",
            "[]:443",
            "2001:db8::1/64:443",
            "[2001:db8::1]:443:1",
            "fe80::1%eth0",
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }
}
