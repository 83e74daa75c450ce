// SPDX-License-Identifier: GPL-2.0-only

//! The generic netlink family `tlsconn`, as docs/netlink/tlsconn.yaml describes it.
//!
//! Messages are read and written here, in 400 lines, not by neli: its types and derive macros would be a second description of what
//! tlsconn-uapi has from that file, and have to be compiled. The socket is netlink-sys's.

mod abi;
mod answer;
mod attribute;
mod client;
mod decode;
mod events;
mod malformed;
mod message;
mod pinning;
mod selector;
mod sets;
mod socket;
mod told;
mod tracking;

use std::collections::BTreeMap;

use tlsconn_uapi as uapi;

use self::{
    attribute::{Attributes, NESTED},
    client::{one, Client},
};
pub(crate) use self::{
    events::Listener,
    pinning::{PinRequest, Target},
    sets::Change,
    told::Told,
};
use crate::{
    failure::Failure,
    mark::{Bit, PinName},
    model::{Connection, Pin, State, Tracking},
    selector::Selector,
};

/// What to do when what a request names is not there.
const SEE_LIST: &str = "see `tlsconnctl list`";
const SEE_PINS: &str = "see `tlsconnctl pins`";

/// The tracker and the pin table of the network namespace that the process is in.
pub(crate) struct Tlsconn {
    client: Client,
}

impl Tlsconn {
    /// Opens the way to the module, which has to be loaded.
    pub(crate) fn open() -> Result<Self, Failure> {
        Ok(Self {
            client: Client::open()?,
        })
    }

    /// Every connection that is tracked, in the order of their ids.
    pub(crate) fn connections(&mut self) -> Result<Told<'_, Connection>, Failure> {
        self.connections_that(&Selector::default(), |_| true)
    }

    /// Those that fit a selector and that a pin can be bound to. The kernel chooses.
    pub(crate) fn live_connections_that(
        &mut self,
        fit: &Selector,
    ) -> Result<Told<'_, Connection>, Failure> {
        self.dump_connections(
            Attributes::default().flag(uapi::TLSCONN_A_CONNECTION_LIVE, true),
            fit,
        )
    }

    /// Those that fit a selector and are in one of some states. The kernel chooses.
    pub(crate) fn connections_that(
        &mut self,
        fit: &Selector,
        state: impl Fn(State) -> bool,
    ) -> Result<Told<'_, Connection>, Failure> {
        let states = State::all().zip(0..).filter(|(known, _)| state(*known));
        let states = states.fold(0, |bits, (_, number)| bits | (1 << number));
        self.dump_connections(
            Attributes::default().u32(uapi::TLSCONN_A_CONNECTION_STATES, states),
            fit,
        )
    }

    fn dump_connections(
        &mut self,
        mut asked: Attributes,
        fit: &Selector,
    ) -> Result<Told<'_, Connection>, Failure> {
        if !fit.is_empty() {
            let nest = selector::selector(fit);
            asked = asked.push(
                uapi::TLSCONN_A_CONNECTION_SELECTOR | NESTED,
                nest.as_slice(),
            );
        }
        self.client.dump(
            uapi::TLSCONN_CMD_CONNECTION_GET,
            &asked,
            decode::connection,
            "cannot list the connections",
        )
    }

    /// One connection.
    pub(crate) fn connection(&mut self, id: u64) -> Result<Connection, Failure> {
        let asked = Attributes::default().uint(uapi::TLSCONN_A_CONNECTION_ID, id);
        let doing = format!("cannot show connection {id}");
        let objects =
            self.client
                .command(uapi::TLSCONN_CMD_CONNECTION_GET, &asked, &doing, SEE_LIST)?;
        one(&objects, decode::connection, &doing)
    }

    /// Every pin.
    pub(crate) fn pins(&mut self) -> Result<Vec<Pin>, Failure> {
        let pins = self.client.dump(
            uapi::TLSCONN_CMD_PIN_GET,
            &Attributes::default(),
            decode::pin,
            "cannot list the pins",
        );
        let mut all: Vec<Pin> = Vec::new();
        for pin in pins? {
            let pin = pin?;
            match all.last_mut() {
                // More connections of the same one, which shares its mark with many.
                Some(last) if last.name == pin.name => last.widen(pin),
                _ => all.push(pin),
            }
        }
        Ok(all)
    }

    /// Binds or arms a pin and gives it as it is then.
    pub(crate) fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, Failure> {
        let (asked, doing) = request.attributes();
        let objects = self
            .client
            .command(uapi::TLSCONN_CMD_PIN_SET, &asked, &doing, SEE_LIST)?;
        one(&objects, decode::pin, &doing)
    }

    /// Releases a pin, or one connection of it.
    pub(crate) fn unpin(&mut self, name: &PinName, from: Option<u64>) -> Result<(), Failure> {
        let mut asked = Attributes::default().string(uapi::TLSCONN_A_PIN_NAME, &name.0);
        let mut doing = format!("cannot release pin {}", name.0);
        if let Some(id) = from {
            asked = asked.uint(uapi::TLSCONN_A_PIN_CONNECTION, id);
            doing += &format!(" from connection {id}");
        }
        self.client
            .command(uapi::TLSCONN_CMD_PIN_DEL, &asked, &doing, SEE_PINS)
            .map(drop)
    }

    /// Releases every pin.
    pub(crate) fn unpin_all(&mut self) -> Result<(), Failure> {
        let asked = Attributes::default().flag(uapi::TLSCONN_A_PIN_ALL, true);
        self.client
            .command(
                uapi::TLSCONN_CMD_PIN_DEL,
                &asked,
                "cannot release the pins",
                SEE_PINS,
            )
            .map(drop)
    }

    /// Whether connections are tracked, and why.
    pub(crate) fn tracking(&mut self) -> Result<Tracking, Failure> {
        let doing = "cannot ask whether connections are tracked";
        let asked = Attributes::default();
        let objects = self
            .client
            .command(uapi::TLSCONN_CMD_TRACK_GET, &asked, doing, SEE_LIST)?;
        one(&objects, tracking::tracking, doing)
    }

    /// Has connections tracked without a rule. A pass mark that is not given stays as it is, with strict if it was; so does JA4.
    pub(crate) fn track_on(
        &mut self,
        pass_mark: Option<Bit>,
        strict: bool,
        ja4: bool,
    ) -> Result<Tracking, Failure> {
        let mut asked = Attributes::default().push(uapi::TLSCONN_A_TRACK_REQUESTED, &[1]);
        if let Some(Bit(bit)) = pass_mark {
            asked = asked.u32(uapi::TLSCONN_A_TRACK_PASS_MARK, bit);
        }
        if pass_mark.is_some() || strict {
            asked = asked.push(uapi::TLSCONN_A_TRACK_STRICT, &[u8::from(strict)]);
        }
        if ja4 {
            asked = asked.push(uapi::TLSCONN_A_TRACK_JA4, &[1]);
        }
        self.track(&asked)
    }

    /// Has connections tracked no longer, unless a rule uses the match.
    pub(crate) fn track_off(&mut self) -> Result<Tracking, Failure> {
        self.track(&Attributes::default().push(uapi::TLSCONN_A_TRACK_REQUESTED, &[0]))
    }

    fn track(&mut self, asked: &Attributes) -> Result<Tracking, Failure> {
        let doing = "cannot turn tracking on or off";
        let objects = self
            .client
            .command(uapi::TLSCONN_CMD_TRACK_SET, asked, doing, SEE_LIST)?;
        one(&objects, tracking::tracking, doing)
    }

    /// The counters by name, in the order of their attributes.
    pub(crate) fn stats(&mut self) -> Result<BTreeMap<String, u64>, Failure> {
        let doing = "cannot read the counters";
        let asked = Attributes::default();
        let objects = self
            .client
            .command(uapi::TLSCONN_CMD_STATS_GET, &asked, doing, SEE_LIST)?;
        one(&objects, tracking::counters, doing)
    }
}
