// SPDX-License-Identifier: GPL-2.0-only

//! The connections of a capture: those that are followed, and what there is to show of those that were given up.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
};

use tlsconn_tls::Handshake;

use super::{describe, flow::Flow, tunnel::Tunnel, view::View};
use crate::model::Connection;

/// Connections that are followed at a time at most, as many as the module tracks by default: they take up to 4 KiB each.
pub(crate) const MOST: usize = 1 << 18;

/// Connections that were given up of which something is kept at most: less than 1 KiB each.
pub(crate) const MOST_GONE: usize = 1 << 20;

/// The ends of a connection, the lower one first, and the tunnel that it goes through.
pub(super) type Ends = (Tunnel, SocketAddr, SocketAddr);

/// Those of a packet, or of a connection.
pub(super) fn ends(tunnel: Tunnel, one: SocketAddr, other: SocketAddr) -> Ends {
    (tunnel, one.min(other), one.max(other))
}

/// The last connection between two ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Latest {
    /// It is followed, at that place.
    Live(usize),
    /// It was given up, and had this number.
    Gone(u64),
}

/// A connection that is followed.
pub(super) struct Live {
    /// Its number, in the order of first packets.
    pub(super) id: u64,
    tunnel: Tunnel,
    pub(super) flow: Flow,
}

/// What is kept of a connection that was given up: what there is to show.
struct Gone {
    tunnel: Tunnel,
    connection: Connection,
    sessions: Sessions,
}

impl Gone {
    fn ends(&self) -> Ends {
        ends(self.tunnel, self.connection.src, self.connection.dst)
    }
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

/// The connections. The memory that they take is bounded by how many are followed at a time, and by what is kept of others.
pub(super) struct Rows {
    /// A place is used again when its connection was given up.
    live: Vec<Option<Box<Live>>>,
    free: Vec<usize>,
    /// In the order in which they were given up.
    gone: VecDeque<Box<Gone>>,
    latest: HashMap<Ends, Latest>,
    /// Ends and numbers of those that were given up before, and taken out.
    taken_out: VecDeque<(Ends, u64)>,
    /// How many there were.
    begun: u64,
    pub(super) most: usize,
    pub(super) most_gone: usize,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            live: Vec::new(),
            free: Vec::new(),
            gone: VecDeque::new(),
            latest: HashMap::new(),
            taken_out: VecDeque::new(),
            begun: 0,
            most: MOST,
            most_gone: MOST_GONE,
        }
    }
}

impl Rows {
    /// Whether there were none.
    pub(super) fn is_empty(&self) -> bool {
        self.begun == 0
    }

    /// How many are followed.
    pub(super) fn followed(&self) -> usize {
        self.live.len() - self.free.len()
    }

    /// The last connection between two ends, if it is remembered.
    pub(super) fn latest(&self, ends: &Ends) -> Option<Latest> {
        self.latest.get(ends).copied()
    }

    /// The connection that is followed at a place.
    pub(super) fn at(&self, place: usize) -> Option<&Live> {
        self.live.get(place)?.as_deref()
    }

    /// The same, to be changed.
    pub(super) fn at_mut(&mut self, place: usize) -> Option<&mut Live> {
        self.live.get_mut(place)?.as_deref_mut()
    }

    /// The places of those that are followed, in the order of first packets.
    pub(super) fn places(&self) -> Vec<usize> {
        let numbered =
            |(place, live): (usize, &Option<Box<Live>>)| Some((live.as_ref()?.id, place));
        let mut places: Vec<(u64, usize)> =
            self.live.iter().enumerate().filter_map(numbered).collect();
        places.sort_unstable();
        places.into_iter().map(|(_, place)| place).collect()
    }

    /// Follows a connection from now on; its place. None where there is no room: what comes next between these ends does not belong
    /// to the connection that was there either.
    pub(super) fn follow(&mut self, ends: Ends, flow: impl FnOnce() -> Flow) -> Option<usize> {
        if self.followed() >= self.most {
            self.latest.remove(&ends);
            return None;
        }
        let live = Live {
            id: self.begun,
            tunnel: ends.0,
            flow: flow(),
        };
        self.begun += 1;
        let place = self.free.pop().unwrap_or(self.live.len());
        match self.live.get_mut(place) {
            Some(free) => *free = Some(Box::new(live)),
            None => self.live.push(Some(Box::new(live))),
        }
        self.latest.insert(ends, Latest::Live(place));
        Some(place)
    }

    /// No longer follows a connection, and keeps what there is to show of it. Whether there was no room for that, so that nothing is
    /// kept any longer of the one that was given up first.
    pub(super) fn give_up(&mut self, place: usize) -> bool {
        let Some(live) = self.live.get_mut(place).and_then(Option::take) else {
            return false;
        };
        self.free.push(place);
        let Live { id, tunnel, flow } = *live;
        let gone = Box::new(Gone {
            tunnel,
            connection: describe::connection(id, &flow, None),
            sessions: Sessions::of(&flow),
        });
        if let Some(latest) = self.latest.get_mut(&gone.ends()) {
            if *latest == Latest::Live(place) {
                *latest = Latest::Gone(id);
            }
        }
        self.gone.push_back(gone);
        if self.gone.len() <= self.most_gone {
            return false;
        }
        if let Some(first) = self.gone.pop_front() {
            self.forget(&first.ends(), first.connection.id);
        }
        true
    }

    /// Whether a packet belongs to that connection is not asked any longer.
    fn forget(&mut self, ends: &Ends, id: u64) {
        if self.latest.get(ends) == Some(&Latest::Gone(id)) {
            self.latest.remove(ends);
        }
    }

    /// Takes those out that were given up: no more is kept of them than their ends, for a while.
    pub(super) fn take_gone(&mut self) -> Vec<Connection> {
        let gone: Vec<Box<Gone>> = self.gone.drain(..).collect();
        for gone in &gone {
            self.taken_out.push_back((gone.ends(), gone.connection.id));
        }
        while self.taken_out.len() > self.most_gone {
            if let Some((ends, id)) = self.taken_out.pop_front() {
                self.forget(&ends, id);
            }
        }
        gone.into_iter().map(|gone| gone.connection).collect()
    }

    /// The connections in order of their first packet. A session is continued by a later connection than the one that it was
    /// issued in.
    pub(super) fn connections(&self) -> impl Iterator<Item = Connection> + '_ {
        let gone = self.gone.iter().map(|gone| Row::Gone(gone));
        let live = self.live.iter().flatten().map(|live| Row::Live(live));
        let mut rows: Vec<Row<'_>> = gone.chain(live).collect();
        rows.sort_unstable_by_key(Row::id);
        let mut issued: HashMap<u64, u64> = HashMap::new();
        rows.into_iter().map(move |row| {
            let (id, sessions) = (row.id(), row.sessions());
            let resumes = sessions
                .continues
                .and_then(|digest| issued.get(&digest).copied());
            for digest in sessions.issued.into_iter().flatten() {
                issued.insert(digest, id);
            }
            row.connection(resumes)
        })
    }
}

/// A connection that is shown.
enum Row<'a> {
    Live(&'a Live),
    Gone(&'a Gone),
}

impl Row<'_> {
    fn id(&self) -> u64 {
        match self {
            Self::Live(live) => live.id,
            Self::Gone(gone) => gone.connection.id,
        }
    }

    fn sessions(&self) -> Sessions {
        match self {
            Self::Live(live) => Sessions::of(&live.flow),
            Self::Gone(gone) => gone.sessions,
        }
    }

    fn connection(&self, resumes: Option<u64>) -> Connection {
        match self {
            Self::Live(live) => describe::connection(live.id, &live.flow, resumes),
            Self::Gone(gone) => Connection {
                resumes,
                ..gone.connection.clone()
            },
        }
    }
}
