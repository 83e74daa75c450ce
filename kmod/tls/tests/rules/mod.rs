// SPDX-License-Identifier: GPL-2.0-only
//! The rules for a TLS 1.3 handshake's encrypted records, each at its bounds and where it must not be used.

mod client;
mod plain_text;
mod server;
mod talk;

use crate::common::tls13::{established, *};
use crate::common::*;
use talk::Talk;
use tlsconn_tls::{Config, Reason, Side, Side::Dst, Side::Src, State, Types};
