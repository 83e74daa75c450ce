// SPDX-License-Identifier: GPL-2.0-only

//! Packets that were captured before what was sent before them: which wait, for how long, and when they are taken in.

use tlsconn_tls::{Reason, Side};

use super::{
    super::{
        early::{At, Kept},
        interface::Time,
        packet::Tcp,
        reorder::{before, InOrder, Waiting},
    },
    Awaits, Flow, Tell,
};

/// Octets that may wait for what was captured late in a connection; the same and packets where its start is waited for.
const MOST: u32 = 1 << 20;
const MOST_BEFORE_SYN: u32 = 1 << 16;
pub(super) const MOST_PACKETS_BEFORE_SYN: usize = 64;

/// Seconds of the thirty that the start of a connection is not waited for, where its SYN was not seen.
const SOONER: Time = 28;

/// How far from its start a connection's packets may be captured before that.
const NEAR: u32 = 1 << 20;

impl Flow {
    /// Takes a packet in, or keeps it until what was sent before it has come.
    pub(crate) fn packet(&mut self, tcp: &Tcp<'_>, at: At, tell: &mut Tell<'_>) {
        let [first, last] = self.times;
        self.times = [first.min(at.time), last.max(at.time)];
        self.comes_late(tcp);
        self.opens_loosely(tcp);
        if self.waits(tcp) {
            let side = self.side(tcp) as usize;
            self.early.get_or_insert_default().keep(side, tcp, at);
            while self.has_too_many() {
                self.wait_no_longer(tell);
            }
            return;
        }
        self.take_in(tcp, at.time);
        tell(self, tcp, at.frame);
        self.take_ready(tell);
    }

    /// A SYN, or the answer to one, before it is known whose it is. If it is the start of this connection, which waited for it,
    /// that begins anew; if it is not, nothing waits here any longer.
    pub(crate) fn meets_syn(&mut self, tcp: &Tcp<'_>, tell: &mut Tell<'_>) {
        let Some(early) = self.early.as_deref_mut() else {
            return;
        };
        let first = tcp.first_octet();
        let is_here = match (self.awaits, tcp.ack) {
            (Awaits::Syn, ack) => {
                let fits = early
                    .all()
                    .all(|kept| is_after(tcp, &kept.tcp(), first, ack));
                if fits {
                    let kept = early.take_all();
                    let times @ [first, _] = self.times;
                    *self = Self::begin(tcp, first, self.options);
                    self.times = times;
                    for kept in kept {
                        let side = self.side(&kept.tcp()) as usize;
                        self.early.get_or_insert_default().put(side, kept);
                    }
                }
                fits
            }
            (_, None) if tcp.src == self.src => {
                let begins = |tracked: &InOrder| tracked.connection.begins_at(Side::Src, first);
                self.syn == Some(first) || self.tracked.as_deref().is_some_and(begins)
            }
            // The other side begins another.
            (Awaits::Nothing, None) => false,
            (Awaits::Nothing, Some(_)) | (Awaits::SynAck, _) => true,
        };
        if !is_here {
            self.flush(tell);
        }
    }

    /// Octets that were given up come after all; whether they had been acknowledged.
    fn comes_late(&mut self, tcp: &Tcp<'_>) {
        let Some((side, missing)) = self.lost_at else {
            return;
        };
        let is_it = missing.wrapping_sub(tcp.first_octet()) < tcp.len;
        if side == self.side(tcp) && is_it && !tcp.rst {
            let ack = self.acks.get(side.other() as usize).copied().flatten();
            self.is_out_of_order |= ack.is_some_and(|ack| before(missing, ack));
        }
    }

    /// Whether what was sent before a packet may still come.
    fn waits(&self, tcp: &Tcp<'_>) -> bool {
        if tcp.syn {
            return false;
        }
        if tcp.rst {
            return self.early.as_ref().is_some_and(|early| !early.is_empty());
        }
        let side = self.side(tcp);
        match self.awaits {
            Awaits::Syn => true,
            Awaits::SynAck => self.has_early() || self.is_of_syn(tcp, side),
            Awaits::Nothing => tcp
                .ack
                .is_some_and(|ack| self.is_to_come(side.other(), ack)),
        }
    }

    /// Whether a packet belongs to the SYN that was not answered yet.
    pub(super) fn is_of_syn(&self, tcp: &Tcp<'_>, side: Side) -> bool {
        let number = match side {
            Side::Src => Some(tcp.seq),
            Side::Dst => tcp.ack,
        };
        let from_syn = |(number, syn): (u32, u32)| number.wrapping_sub(syn) < NEAR;
        tcp.ack.is_some() && number.zip(self.syn).is_some_and(from_syn)
    }

    /// Whether octets of a side that are acknowledged up to `ack` have not come, though they may.
    fn is_to_come(&self, side: Side, ack: u32) -> bool {
        let Some(tracked) = &self.tracked else {
            return false;
        };
        let connection = &tracked.connection;
        if !connection.follows(side) || !connection.is_unseen(side, ack) {
            return false;
        }
        let place = side as usize;
        let is_cut = self.is_cut.get(place) == Some(&true);
        let is_fin = self.fins.get(place) == Some(&Some(ack))
            && !connection.is_unseen(side, ack.wrapping_sub(1));
        connection.reason() == Reason::None && !is_cut && !is_fin
    }

    fn has_too_many(&self) -> bool {
        self.early.as_ref().is_some_and(|early| match self.awaits {
            Awaits::Syn => early.len() > MOST_PACKETS_BEFORE_SYN || early.cost() > MOST_BEFORE_SYN,
            _ => early.cost() > MOST,
        })
    }

    /// Takes in what waits for nothing any longer, that captured first before others.
    fn take_ready(&mut self, tell: &mut Tell<'_>) {
        while let Some(kept) = self.ready() {
            self.take_in(&kept.tcp(), kept.at.time);
            tell(self, &kept.tcp(), kept.at.frame);
        }
        if self.early.as_ref().is_some_and(|early| early.is_empty()) {
            self.early = None;
        }
    }

    fn ready(&mut self) -> Option<Kept> {
        let early = self.early.as_deref()?;
        let (_, side) = [0, 1]
            .into_iter()
            .filter_map(|side| {
                let first = early.first(side)?;
                let tcp = first.tcp();
                let is_ready = match tcp.rst {
                    // When nothing else waits.
                    true => early.first(1 - side).is_none_or(|other| other.tcp().rst),
                    false => !self.waits(&tcp),
                };
                is_ready.then_some((first.at.frame, side))
            })
            .min()?;
        self.early.as_deref_mut()?.take_first(side)
    }

    /// What has waited longest waits no longer.
    fn wait_no_longer(&mut self, tell: &mut Tell<'_>) {
        let Some(early) = self.early.as_deref_mut() else {
            return;
        };
        if self.awaits != Awaits::Nothing {
            self.awaits = Awaits::Nothing;
            for kept in early.take_all() {
                self.take_in(&kept.tcp(), kept.at.time);
                tell(self, &kept.tcp(), kept.at.frame);
            }
            return;
        }
        let frame = |side| Some((early.first(side)?.at.frame, side));
        let Some((_, side)) = [0, 1].into_iter().filter_map(frame).min() else {
            return;
        };
        if let Some(kept) = early.take_first(side) {
            self.take_in(&kept.tcp(), kept.at.time);
            tell(self, &kept.tcp(), kept.at.frame);
        }
        self.take_ready(tell);
    }

    /// Whether packets wait for what was captured late.
    pub(crate) fn has_early(&self) -> bool {
        self.early.as_ref().is_some_and(|early| !early.is_empty())
    }

    /// Nothing waits any longer for what was captured late.
    pub(crate) fn flush(&mut self, tell: &mut Tell<'_>) {
        while self.has_early() {
            self.wait_no_longer(tell);
        }
        self.early = None;
    }

    /// No longer waits for what is missing before segments that were captured before `oldest`.
    pub(crate) fn give_up(&mut self, oldest: Time, tell: &mut Tell<'_>) {
        if let Some(tracked) = &mut self.tracked {
            let sides = [Side::Src, Side::Dst];
            let before = sides.map(|side| {
                tracked
                    .connection
                    .follows(side)
                    .then(|| tracked.connection.next(side))
            });
            tracked.give_up(oldest);
            self.notice(before);
            self.take_ready(tell);
        }
        while self
            .early_waiting()
            .since
            .is_some_and(|since| since < oldest)
        {
            self.wait_no_longer(tell);
        }
    }

    /// What waits behind holes, and for what was captured late.
    pub(crate) fn waiting(&self) -> Waiting {
        let tracked = self.tracked.as_ref();
        let holes = tracked.map_or_else(Waiting::default, |tracked| tracked.waiting());
        holes.and(self.early_waiting())
    }

    fn early_waiting(&self) -> Waiting {
        let sooner = match self.awaits {
            Awaits::Syn => SOONER,
            _ => 0,
        };
        let early = self.early.as_ref();
        early.map_or_else(Waiting::default, |early| early.waiting(sooner))
    }
}

/// Whether a packet belongs to the connection that a SYN, or the answer to one, begins.
fn is_after(syn: &Tcp<'_>, tcp: &Tcp<'_>, first: u32, ack: Option<u32>) -> bool {
    let is_near = |number: u32, from: u32| number.wrapping_sub(from) < NEAR;
    let (sent, acknowledged) = match tcp.src == syn.src {
        true => (Some(first), ack),
        false => (ack, Some(first)),
    };
    sent.is_none_or(|first| is_near(tcp.seq, first))
        && acknowledged
            .zip(tcp.ack)
            .is_none_or(|(first, ack)| is_near(ack, first))
}
