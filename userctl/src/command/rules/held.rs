// SPDX-License-Identifier: GPL-2.0-only

//! What is held, and how.

use clap::{Args, ValueEnum};

use crate::{endpoint::Endpoint, failure::Failure, number::server_port};

/// What is held, and how.
#[derive(Args, Debug)]
pub(super) struct Held {
    /// What happens to held packets. drop: they come with a retransmission after the connection is pinned. reset: they are answered
    /// with a reset, which ends the sender's side of the connection
    #[arg(long, value_enum, default_value_t = OnData::Drop, value_name = "VERDICT")]
    pub(super) on_data: OnData,
    /// Also hold records that are in doubt: records of TLS 1.3 that may be handshake or data. With nft this needs `track on --strict`
    #[arg(long)]
    pub(super) strict: bool,
    /// Only connections to these server ports
    #[arg(
        long = "port",
        value_name = "PORT,…",
        value_delimiter = ',',
        value_parser = server_port
    )]
    pub(super) ports: Vec<u16>,
    /// Only connections from this client or network
    #[arg(long, value_name = "ADDR[/LEN]", value_parser = network)]
    pub(super) src: Option<Endpoint>,
    /// Only connections to this server or network
    #[arg(long, value_name = "ADDR[/LEN]", value_parser = network)]
    pub(super) dst: Option<Endpoint>,
    /// What happens to QUIC, which is TLS over UDP, to the same ports, or to 443. reject: clients then use TCP instead. pass: it is
    /// left to the other rules
    #[arg(long, value_enum, default_value_t = Quic::Reject, value_name = "VERDICT")]
    pub(super) quic: Quic,
}

/// What becomes of held packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum OnData {
    Drop,
    Reset,
}

/// What becomes of QUIC.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Quic {
    Reject,
    Pass,
}

/// Port of QUIC where none is given.
const HTTPS: u16 = 443;

impl Held {
    /// All TCP, and QUIC.
    pub(super) fn all() -> Self {
        Self {
            on_data: OnData::Drop,
            strict: false,
            ports: Vec::new(),
            src: None,
            dst: None,
            quic: Quic::Reject,
        }
    }

    /// Whether the addresses are IPv6; None without any.
    pub(super) fn is_ipv6(&self) -> Result<Option<bool>, Failure> {
        match (&self.src, &self.dst) {
            (Some(src), Some(dst)) if src.is_ipv6() != dst.is_ipv6() => Err(Failure::usage(
                "--src and --dst are of different versions of IP; print a ruleset for each",
            )),
            (src, dst) => Ok(src.as_ref().or(dst.as_ref()).map(Endpoint::is_ipv6)),
        }
    }

    /// The server's ports, each once; none: all.
    pub(super) fn ports(&self) -> Vec<u16> {
        let mut ports = self.ports.clone();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// The ports to which QUIC is rejected; None where it passes.
    pub(super) fn quic_ports(&self) -> Option<Vec<u16>> {
        match self.quic {
            Quic::Pass => None,
            Quic::Reject if self.ports.is_empty() => Some(vec![HTTPS]),
            Quic::Reject => Some(self.ports()),
        }
    }

    /// What becomes of data, as a participle.
    pub(super) fn verb(&self) -> &'static str {
        match self.on_data {
            OnData::Drop => "dropped",
            OnData::Reset => "reset",
        }
    }
}

/// An address or network without a port.
fn network(text: &str) -> Result<Endpoint, String> {
    let endpoint: Endpoint = text.parse()?;
    match endpoint.port() {
        None => Ok(endpoint),
        Some(_) => Err("the server's port is given with --port".into()),
    }
}
