// SPDX-License-Identifier: GPL-2.0-only

//! Packets to connections: which one a packet belongs to, which begins with it, and which has been idle for too long.

use tlsconn_tls::Decided;

use super::{
    capture::Frame,
    early::At,
    explained::Explained,
    flow::{Flow, Tell},
    holes::{self, Holes},
    idle::Idle,
    interface::Time,
    item::{Item, Seen},
    options::Options,
    packet::Tcp,
    passed_over::PassedOver,
    reorder::Waiting,
    rows::{self, Latest, Live, Rows},
    timeout,
    tunnel::Tunnel,
    view::View,
};

/// The connections, and what there is to do for them.
pub(super) struct Following {
    pub(super) rows: Rows,
    pub(super) holes: Holes,
    idle: Idle,
    pub(super) options: Options,
    /// What was taken in and not told of yet.
    pub(super) items: Vec<Item>,
    pub(super) passed_over: PassedOver,
}

impl Following {
    /// None so far.
    pub(super) fn new(options: Options) -> Self {
        Self {
            rows: Rows::default(),
            holes: Holes::default(),
            idle: Idle::default(),
            options,
            items: Vec::new(),
            passed_over: PassedOver::default(),
        }
    }

    /// It is `now`: what has waited for too long does so no longer, and what was idle for too long is given up.
    pub(super) fn at(&mut self, now: Time, ask: bool) {
        let oldest = holes::oldest_at(now);
        while let Some(place) = self.holes.older_than(oldest) {
            self.flow(place, ask, |flow, tell| flow.give_up(oldest, tell));
        }
        while let Some((time, place)) = self.idle.next(now) {
            self.look_after(place, time, now, ask);
        }
    }

    /// Nothing comes any more that packets wait for.
    pub(super) fn end(&mut self, ask: bool) {
        for place in self.rows.places() {
            self.flow(place, ask, Flow::flush);
        }
    }

    /// Takes a TCP packet in.
    pub(super) fn tcp(&mut self, frame: &Frame<'_>, tunnel: Tunnel, tcp: &Tcp<'_>, ask: bool) {
        self.passed_over.cut += u64::from(tcp.payload.len() < tcp.len as usize);
        let ends = rows::ends(tunnel, tcp.src, tcp.dst);
        let known = match self.rows.latest(&ends) {
            Some(Latest::Live(place)) => {
                let is_gone = self.look_after(place, frame.time, frame.time, ask);
                Some((!is_gone).then_some(place))
            }
            Some(Latest::Gone(_)) => Some(None),
            None => None,
        };
        if known == Some(None) && !tcp.syn && (tcp.len == 0 || tcp.fin || tcp.rst) {
            // conntrack has forgotten it, and nothing is kept of one that begins so.
            return;
        }
        let known = known.flatten();
        if let Some(place) = known.filter(|_| tcp.syn) {
            self.flow(place, ask, |flow, tell| flow.meets_syn(tcp, tell));
        }
        let same = known.filter(|place| {
            let live = self.rows.at(*place);
            live.is_some_and(|live| !live.flow.is_followed_by(tcp))
        });
        let options = self.options;
        let begin = || Flow::begin(tcp, frame.time, options);
        let Some(place) = same.or_else(|| self.rows.follow(ends, begin)) else {
            self.passed_over.no_room += 1;
            return;
        };
        let at = At {
            frame: frame.number,
            time: frame.time,
        };
        self.flow(place, ask, |flow, tell| flow.packet(tcp, at, tell));
        self.make_room(place, ask);
    }

    /// Where more waits than there is room for, what has waited longest for what was captured late goes first: most likely that
    /// never comes.
    fn make_room(&mut self, place: usize, ask: bool) {
        while self.holes.are_too_many() {
            let oldest = self.holes.older_than(Time::MAX);
            let live = |place: usize| self.rows.at(place);
            let is_early = |place: &usize| live(*place).is_some_and(|live| live.flow.has_early());
            let Some(oldest) = oldest.filter(is_early) else {
                break;
            };
            self.passed_over.late += 1;
            self.flow(oldest, ask, Flow::flush);
        }
        if self.holes.are_too_many() {
            self.passed_over.holes += 1;
            self.flow(place, ask, |flow, tell| flow.give_up(Time::MAX, tell));
        }
    }

    /// Changes a connection, and takes notice of what waits in it and of what is to be told.
    fn flow(&mut self, place: usize, ask: bool, change: impl FnOnce(&mut Flow, &mut Tell<'_>)) {
        let Some(Live { id, flow, .. }) = self.rows.at_mut(place) else {
            return;
        };
        let (id, before) = (*id, flow.waiting());
        change(flow, &mut |flow, tcp, frame| {
            if ask && tcp.len > 0 {
                self.items
                    .push(Item::Packet(Seen::of(flow, tcp, frame, id)));
            }
            let explained = |of: Decided| Explained::new(&of, frame, id);
            let decided = View(flow).decided().into_iter().map(explained);
            self.items.extend(decided.map(Item::Record));
        });
        self.holes.changed(place, before, flow.waiting());
        let until = timeout::idle_until(flow);
        if until < flow.looked_at {
            flow.looked_at = until;
            self.idle.look_at(until, place);
        }
    }

    /// Gives a connection up that has been idle for too long, if it was to be looked after by then; whether it did.
    fn look_after(&mut self, place: usize, time: Time, now: Time, ask: bool) -> bool {
        let Some(Live { flow, .. }) = self.rows.at_mut(place) else {
            return false;
        };
        if time < flow.looked_at {
            return false;
        }
        flow.looked_at = timeout::idle_until(flow);
        if now <= flow.looked_at {
            self.idle.look_at(flow.looked_at, place);
            return false;
        }
        self.flow(place, ask, Flow::flush);
        if let Some(Live { flow, .. }) = self.rows.at(place) {
            self.holes
                .changed(place, flow.waiting(), Waiting::default());
        }
        self.passed_over.left_out += u64::from(self.rows.give_up(place));
        true
    }
}
