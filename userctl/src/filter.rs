// SPDX-License-Identifier: GPL-2.0-only

//! Which connections are meant, by all that is known of them.

use std::net::{IpAddr, SocketAddr};

use clap::Args;
use clap_complete::ArgValueCandidates;
use tlsconn_tls::wildcard;

use crate::{
    completion,
    endpoint::Endpoint,
    model::{Connection, Marking, State, Version},
    octets::Hex,
    selector::{Prefix, Selector, SetName},
};

/// All that were given have to fit. What is not known of a connection fits none.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Selectors")]
pub(crate) struct Filter {
    #[command(flatten)]
    pub(crate) selector: Selector,
    /// One of its ends has this port
    #[arg(long, value_name = "PORT", value_parser = crate::number::port)]
    port: Option<u16>,
    /// It is in this state, or one of several: new, hello, handshake, established, closed, not-tls, lost, tainted
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub(crate) state: Vec<State>,
    /// The protocol that the client offered first
    #[arg(long, value_name = "PROTOCOL")]
    alpn: Option<String>,
    /// The negotiated version, or a range of them: ssl3, 1.0, 1.1, 1.2, 1.3
    #[arg(long, value_name = "VERSION[:VERSION]", value_parser = versions)]
    tls_version: Option<(Version, Version)>,
    /// It continues an earlier session
    #[arg(long)]
    resumed: bool,
    /// The client offered ECH
    #[arg(long)]
    ech: bool,
    /// The ClientHello names no server
    #[arg(long, conflicts_with = "sni")]
    no_sni: bool,
}

/// The same, and what only connections of this machine have.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Selectors")]
pub(crate) struct LiveFilter {
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// It has sent what rules hold, and has no pin
    #[arg(long)]
    waiting: bool,
    /// It carries the mark of a pin, or of this pin
    #[arg(long, value_name = "NAME", num_args = 0..=1)]
    pinned: Option<Option<String>>,
    /// The server name is in this set
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(completion::sets))]
    pub(crate) sni_set: Option<SetName>,
}

impl LiveFilter {
    /// What the module itself looks for.
    pub(crate) fn selector(&self) -> Selector {
        Selector {
            sni_set: self.sni_set.clone(),
            ..self.filter.selector.clone()
        }
    }

    /// Whether every connection fits.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_selector() && self.selector().is_empty()
    }

    /// Whether nothing was given but what the module itself looks for.
    pub(crate) fn is_selector(&self) -> bool {
        self.filter.is_selector() && !self.waiting && self.pinned.is_none()
    }

    /// Whether a connection fits. The set is for the module to say.
    pub(crate) fn fits(&self, connection: &Connection) -> bool {
        let marking = connection.marking.as_ref();
        let waits = |marking: &Marking| marking.waiting.both() != (0, 0);
        let is_pinned = |name: &Option<String>| {
            let pin = marking.and_then(|marking| marking.pin.as_ref());
            pin.is_some_and(|pin| name.as_ref().is_none_or(|name| pin.0 == name.as_bytes()))
        };
        self.filter.fits(connection)
            && (!self.waiting || marking.is_some_and(waits))
            && self.pinned.as_ref().is_none_or(is_pinned)
    }
}

fn versions(text: &str) -> Result<(Version, Version), String> {
    let (low, high) = text.split_once(':').unwrap_or((text, text));
    let (low, high) = (low.parse()?, high.parse()?);
    match low <= high {
        true => Ok((low, high)),
        false => Err("the lower version comes first".into()),
    }
}

impl Filter {
    /// Whether every connection fits.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_selector() && self.selector.is_empty()
    }

    /// Whether nothing was given but what the module itself looks for.
    fn is_selector(&self) -> bool {
        let Self {
            selector: _,
            port: None,
            state,
            alpn: None,
            tls_version: None,
            resumed: false,
            ech: false,
            no_sni: false,
        } = self
        else {
            return false;
        };
        state.is_empty()
    }

    pub(crate) fn fits(&self, connection: &Connection) -> bool {
        let Connection { src, dst, .. } = connection;
        let (low, high) = self.tls_version.unzip();
        let is_of_version = |version| low <= Some(version) && Some(version) <= high;
        self.fits_selector(connection)
            && self
                .port
                .is_none_or(|port| [src.port(), dst.port()].contains(&port))
            && (self.state.is_empty() || self.state.contains(&connection.state))
            && self.alpn.as_ref().is_none_or(|alpn| {
                let offered = connection.alpn.as_ref();
                offered.is_some_and(|offered| offered.0 == alpn.as_bytes())
            })
            && (low.is_none() || connection.version.is_some_and(is_of_version))
            && (!self.resumed || connection.resumed == Some(true))
            && (!self.ech || connection.ech == Some(true))
            && (!self.no_sni || connection.sni.is_none() && connection.client_random.is_some())
    }

    fn fits_selector(&self, connection: &Connection) -> bool {
        let Selector {
            client_random,
            server_random,
            session_id,
            sni,
            ja4,
            src,
            dst,
            // Of these the module knows.
            zone: _,
            sni_set: _,
        } = &self.selector;
        let begins = |prefix: &Option<Prefix>, of: &[&Option<Hex>]| {
            prefix.as_ref().is_none_or(|Prefix(prefix)| {
                let mut known = of.iter().filter_map(|octets| octets.as_ref());
                known.any(|Hex(octets)| octets.starts_with(prefix))
            })
        };
        begins(client_random, &[&connection.client_random])
            && begins(server_random, &[&connection.server_random])
            && begins(
                session_id,
                &[&connection.session_id, &connection.server_session_id],
            )
            && sni.as_ref().is_none_or(|pattern| {
                let name = connection.sni.as_ref();
                name.is_some_and(|name| wildcard::matches(pattern.0.as_bytes(), &name.0))
            })
            && ja4.as_ref().is_none_or(|pattern| {
                let ja4 = connection.ja4.as_ref();
                ja4.is_some_and(|ja4| wildcard::matches(pattern.0.as_bytes(), ja4.as_bytes()))
            })
            && src.as_ref().is_none_or(|end| is_at(end, connection.src))
            && dst.as_ref().is_none_or(|end| is_at(end, connection.dst))
    }
}

/// Whether an end is the one that is meant.
fn is_at(meant: &Endpoint, end: SocketAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => address.into(),
    };
    let (address, length) = meant.prefix();
    let is_any = length == 0 && !meant.is_ipv6();
    let differ = bits(address) ^ bits(end.ip());
    let is_near = differ.leading_zeros() >= u32::from(length) || differ == 0;
    let is_there = is_near && address.is_ipv6() == end.is_ipv6();
    (is_any && !end.is_ipv6() || is_there) && meant.port().is_none_or(|port| port == end.port())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{model::tests::connection, model::Bytes, octets::Name};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        filter: Filter,
    }

    fn filter(args: &[&str]) -> Filter {
        let line = Line::try_parse_from([&["test"], args].concat());
        line.unwrap_or_else(|error| panic!("{error}")).filter
    }

    #[test]
    fn each_selector_chooses() {
        assert!(filter(&[]).is_empty());
        let both = [
            (&["--port", "443"], &["--port", "444"]),
            (&["--port", "40000"], &["--port", "0"]),
            (&["--state", "lost,established"], &["--state", "closed"]),
            (&["--alpn", "h2"], &["--alpn", "h"]),
            (&["--tls-version", "1.2"], &["--tls-version", "1.3"]),
            (
                &["--tls-version", "ssl3:1.2"],
                &["--tls-version", "ssl3:1.1"],
            ),
            (&["--sni", "WWW.*.org"], &["--sni", "*.com"]),
            (&["--client-random", "c1c1"], &["--client-random", "c2"]),
            (&["--server-random", "52"], &["--server-random", "5253"]),
            (&["--session-id", "0c"], &["--session-id", "0b"]),
            (&["--src", "10.0.1.0/24"], &["--src", "10.0.2.0/24"]),
            (&["--src", "10.0.1.2:40000"], &["--src", "10.0.1.2:1"]),
            (&["--dst", "0.0.0.0/0:443"], &["--dst", "::/0"]),
            (
                &["--ja4", "t13?15*_8daaf6152771_*"],
                &["--ja4", "t13?15*_8daaf6152772_*"],
            ),
        ];
        for (fits, fits_not) in both {
            assert!(!filter(fits).is_empty());
            assert!(filter(fits).fits(&connection()), "{fits:?}");
            assert!(!filter(fits_not).fits(&connection()), "{fits_not:?}");
        }
        let other = Connection {
            ech: Some(true),
            sni: None,
            resumed: Some(false),
            ..connection()
        };
        for (option, is_first) in [("--resumed", true), ("--ech", false), ("--no-sni", false)] {
            assert!(!filter(&[option]).is_empty());
            assert_eq!(filter(&[option]).fits(&connection()), is_first, "{option}");
            assert_eq!(filter(&[option]).fits(&other), !is_first, "{option}");
        }
        // What is not known fits none.
        let unknown = Connection {
            client_random: None,
            version: None,
            ja4: None,
            ..other
        };
        assert!(!filter(&["--ja4", "*"]).fits(&unknown));
        assert!(!filter(&["--no-sni"]).fits(&unknown));
        assert!(!filter(&["--tls-version", "ssl3:1.3"]).fits(&unknown));
    }

    #[test]
    fn pins_and_what_waits() {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            live: LiveFilter,
        }
        let marked = |pin: Option<&[u8]>, client| Connection {
            marking: Some(Marking {
                waiting: Bytes::ByPart { client, server: 0 },
                retry: None,
                pin: pin.map(|pin| Name(pin.into())),
                mark: 0,
            }),
            ..connection()
        };
        let connections = [
            marked(None, 0),
            marked(None, 1),
            marked(Some(b"default"), 0),
            marked(Some(b"other"), 0),
        ];
        let cases: [(&[&str], [bool; 4]); 4] = [
            (&[], [true; 4]),
            (&["--waiting"], [false, true, false, false]),
            (&["--pinned"], [false, false, true, true]),
            (&["--pinned", "other"], [false, false, false, true]),
        ];
        for (args, fit) in cases {
            let line = Line::try_parse_from([&["test"], args].concat());
            let live = line.unwrap_or_else(|error| panic!("{error}")).live;
            assert_eq!(live.is_empty(), args.is_empty());
            assert_eq!(
                connections.each_ref().map(|one| live.fits(one)),
                fit,
                "{args:?}"
            );
        }
    }

    #[test]
    fn patterns_that_no_ja4_fits() {
        let whole = "t13d1516h2_8daaf6152771_e5627efa2ab1";
        for wrong in [
            "",
            "t13 *",
            "t13d1516h2-*",
            "*.example",
            &format!("{whole}?"),
        ] {
            let line = Line::try_parse_from(["test", "--ja4", wrong]);
            assert!(line.is_err(), "{wrong}");
        }
        assert!(filter(&["--ja4", whole]).fits(&connection()));
    }
}
