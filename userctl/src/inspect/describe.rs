// SPDX-License-Identifier: GPL-2.0-only

//! The engine's view of a connection in the tool's own words.

use tlsconn_tls::{Counters, Identity, IdentityRef, Types};

use super::{
    flow::{Flow, Missing},
    interface::Time,
    view::View,
};
use crate::{
    cipher::Cipher,
    model::{
        Bytes, Connection, Reason, Records, RecordsBySide, Resumption, Side, State, Times, Version,
    },
    octets::{Hex, Name},
};

/// Types in the order in which they are printed.
pub(crate) const TYPES: [(Types, &str); 7] = [
    (Types::CHANGE_CIPHER_SPEC, "change-cipher-spec"),
    (Types::ALERT, "alert"),
    (Types::HANDSHAKE, "handshake"),
    (Types::APPLICATION_DATA, "application-data"),
    (Types::HEARTBEAT, "heartbeat"),
    (Types::UNKNOWN, "unknown"),
    (Types::IN_DOUBT, "in-doubt"),
];

/// The name of a type.
pub(crate) fn type_name(types: Types) -> Option<&'static str> {
    let found = TYPES.into_iter().find(|(kind, _)| *kind == types);
    found.map(|(_, name)| name)
}

/// A connection as `list` knows it; `resumes` is the one whose session it continues.
pub(crate) fn connection(id: u64, flow: &Flow, resumes: Option<u64>) -> Connection {
    let tracked = View(flow).tracked();
    let identity = tracked.map_or_else(Identity::default, |tracked| tracked.handshake.identity);
    let counters = |side| {
        tracked.map_or_else(Counters::default, |tracked| Counters {
            bytes: View(flow).bytes(side),
            ..tracked.connection.counters(side)
        })
    };
    let [first, last] = flow.times;
    let (bytes, records) = match identity.client {
        Some(client) => by_part(&counters(client), &counters(client.other())),
        None => (
            Bytes::ByEnd {
                src: counters(tlsconn_tls::Side::Src).bytes,
                dst: counters(tlsconn_tls::Side::Dst).bytes,
            },
            None,
        ),
    };
    let mut connection = Connection {
        resumes,
        records,
        // Of a hello that the engine has found right.
        ja4: identity
            .client_random
            .and_then(|_| tracked?.fingerprint.known()),
        reason: tracked.and_then(|tracked| reason(tracked.connection.reason(), flow)),
        times: Some(Times {
            first: time(first),
            last: time(last),
            loose: View(flow).loose(),
        }),
        ..Connection::new(id, [flow.src, flow.dst], state(View(flow).state()), bytes)
    };
    tell(&identity.as_ref(), &mut connection);
    connection
}

macro_rules! identity_of {
    ($([$({ $field:ident [$($kind:ident)+] $attribute:ident $label:literal $title:literal $least:literal $means:literal })+])+) => {
        /// Takes what the hellos said into a connection.
        fn tell(identity: &IdentityRef<'_>, connection: &mut Connection) {
            $($(connection.$field = field!(identity.$field, $($kind)+);)+)+
        }
    };
}

macro_rules! field {
    ($value:expr, side) => {
        $value.map(side)
    };
    ($value:expr, flag) => {
        $value
    };
    ($value:expr, version) => {
        $value.and_then(Version::from_number)
    };
    ($value:expr, cipher) => {
        $value.map(Cipher)
    };
    ($value:expr, name) => {
        $value.map(|name| Name(name.into()))
    };
    ($value:expr, random) => {
        $value.map(|random| Hex(random.into()))
    };
    ($value:expr, id) => {
        $value.map(|id| Hex(id.into()))
    };
    ($value:expr, echo $of:ident) => {
        $value.map(|id| Hex(id.into()))
    };
    ($value:expr, truth) => {
        $value
    };
    ($value:expr, resumption) => {
        $value.map(resumption)
    };
}

crate::identity_fields! { identity_of }

fn by_part(client: &Counters, server: &Counters) -> (Bytes, Option<RecordsBySide>) {
    let bytes = Bytes::ByPart {
        client: client.bytes,
        server: server.bytes,
    };
    let records = RecordsBySide {
        client: records(client),
        server: records(server),
    };
    (bytes, Some(records))
}

fn records(counters: &Counters) -> Records {
    let [change_cipher_spec, alert, handshake, application_data, heartbeat] = counters.records;
    Records {
        change_cipher_spec,
        alert,
        handshake,
        application_data,
        heartbeat,
    }
}

/// A capture's time. One before 1970 is none that a packet was captured at.
pub(super) fn time(time: Time) -> crate::time::Time {
    crate::time::Time(u64::try_from(time).unwrap_or(0))
}

/// The engine's enumerations are of the same rows.
macro_rules! of_engine {
    ($name:ident $kind:ident $({ $variant:ident $($more:tt)* })+) => {
        pub(crate) fn $name(value: tlsconn_tls::$kind) -> $kind {
            match value { $(tlsconn_tls::$kind::$variant => $kind::$variant,)+ }
        }
    };
}

crate::sides! { of_engine side Side }
crate::states! { of_engine state State }
crate::resumptions! { of_engine resumption Resumption }

fn reason(reason: tlsconn_tls::Reason, flow: &Flow) -> Option<Reason> {
    match (reason, View(flow).missing()) {
        (tlsconn_tls::Reason::NotTls, _) => Some(View(flow).preface().unwrap_or(Reason::NotTls)),
        (tlsconn_tls::Reason::Hole, Some(Missing::CapturedLate)) => {
            Some(Reason::CapturedOutOfOrder)
        }
        (tlsconn_tls::Reason::Hole, Some(Missing::CutOff)) => Some(Reason::Snaplen),
        (tlsconn_tls::Reason::Hole | tlsconn_tls::Reason::MidStream, Some(Missing::Direction)) => {
            Some(Reason::OneDirection)
        }
        // The engine's numbers are those of the interface with the kernel.
        _ => Reason::from_number(reason as u8),
    }
}
