// SPDX-License-Identifier: GPL-2.0-only

//! The connections of a capture, those that are followed and those that were given up.

use std::collections::HashMap;

use tlsconn_tls::Handshake;

use super::{describe, flow::Flow, view::View};
use crate::model::Connection;

/// A connection.
pub(super) enum Row {
    Live(Box<Flow>),
    Gone(Box<Gone>),
}

/// What is kept of a connection that was given up: what there is to show.
pub(super) struct Gone {
    connection: Connection,
    sessions: Sessions,
}

/// Digests of the session that it continues, and of those that were issued in it.
#[derive(Clone, Copy, Default)]
struct Sessions {
    continues: Option<u64>,
    issued: [Option<u64>; 2],
}

impl Sessions {
    fn of(flow: &Flow) -> Self {
        let of = |handshake: &Handshake| Self {
            continues: handshake.continues(),
            issued: handshake.issued(),
        };
        View(flow)
            .tracked()
            .map_or_else(Self::default, |tracked| of(&tracked.handshake))
    }
}

impl Row {
    /// The connection, if it is followed.
    pub(super) fn flow(&self) -> Option<&Flow> {
        match self {
            Self::Live(flow) => Some(flow),
            Self::Gone(_) => None,
        }
    }

    /// The same, to be changed.
    pub(super) fn flow_mut(&mut self) -> Option<&mut Flow> {
        match self {
            Self::Live(flow) => Some(flow),
            Self::Gone(_) => None,
        }
    }

    /// Keeps no more than what there is to show.
    pub(super) fn give_up(&mut self) {
        if let Self::Live(flow) = self {
            let gone = Gone {
                connection: describe::connection(0, flow, None),
                sessions: Sessions::of(flow),
            };
            *self = Self::Gone(Box::new(gone));
        }
    }

    fn sessions(&self) -> Sessions {
        match self {
            Self::Live(flow) => Sessions::of(flow),
            Self::Gone(gone) => gone.sessions,
        }
    }

    fn connection(&self, id: u64, resumes: Option<u64>) -> Connection {
        match self {
            Self::Live(flow) => describe::connection(id, flow, resumes),
            Self::Gone(gone) => Connection {
                id,
                resumes,
                ..gone.connection.clone()
            },
        }
    }
}

/// The connections in order of their first packet. A session is continued by a later connection than the one that it was issued in.
pub(super) fn connections(rows: &[Row]) -> impl Iterator<Item = Connection> + '_ {
    let mut issued: HashMap<u64, u64> = HashMap::new();
    (0..).zip(rows).map(move |(id, row)| {
        let sessions = row.sessions();
        let resumes = sessions
            .continues
            .and_then(|digest| issued.get(&digest).copied());
        for digest in sessions.issued.into_iter().flatten() {
            issued.insert(digest, id);
        }
        row.connection(id, resumes)
    })
}
