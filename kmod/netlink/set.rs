// SPDX-License-Identifier: GPL-2.0-only

//! `set-get`, `set-new` and `set-del`, and sets as messages tell of them.

use super::policy::{SetDel, SetDump, SetGet, SetNew};
use crate::{
    bindings::{
        TLSCONN_A_SET_HITS, TLSCONN_A_SET_NAME, TLSCONN_A_SET_OCTETS, TLSCONN_A_SET_PINS,
        TLSCONN_A_SET_RULES, TLSCONN_A_SET_SIZE, TLSCONN_CMD_SET_DEL, TLSCONN_CMD_SET_GET,
        TLSCONN_CMD_SET_NEW,
    },
    namespace::{NetState, Tracker},
    sets::{Name, Nothing, Set, MISSING},
    sys::{
        message::Message,
        policy::Policy,
        rcu::Reader,
        request::{Answer, Dump, Request, Tell},
    },
};
use kernel::{prelude::*, sync::Arc};

/// The name that a request gives.
pub(super) fn name_of<P: Policy>(request: &Request<'_, P>, name: Option<&[u8]>) -> Result<Name> {
    let why =
        c"a set's name has 1 to 31 letters, digits, dots, hyphens and underscores, no hyphen first";
    name.and_then(Name::new)
        .ok_or_else(|| request.refuse(EINVAL, why))
}

/// The set that it means.
pub(super) fn of_name<P: Policy>(
    net: &NetState,
    request: &Request<'_, P>,
    name: Option<&[u8]>,
) -> Result<Arc<Set>> {
    let name = name_of(request, name)?;
    let (error, why) = MISSING;
    let set = net.sets.of_name(name);
    set.ok_or_else(|| request.refuse(error, why))
}

/// A set.
pub(super) fn put(net: &NetState, set: &Set, message: &mut Message<'_>) -> Result {
    let (size, octets) = {
        let rcu = Reader::begin();
        let names = set.names(&rcu);
        (names.len(), names.octets())
    };
    message.string(TLSCONN_A_SET_NAME, set.name.as_slice())?;
    message.u32(TLSCONN_A_SET_SIZE, size)?;
    message.uint(TLSCONN_A_SET_OCTETS, octets)?;
    message.uint(TLSCONN_A_SET_HITS, set.hits())?;
    message.u32(TLSCONN_A_SET_RULES, set.rules())?;
    let pins = net.pins.lock().asking(set);
    message.u32(TLSCONN_A_SET_PINS, pins)
}

impl Answer for SetGet {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_SET_GET;

    /// The set of a name.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        let set = of_name(net, request, request.get(Self::NAME))?;
        Message::reply(request, |message| put(net, &set, message))
    }
}

impl Tell for SetDump {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_SET_GET;

    /// The sets of the namespace.
    fn tell(net: &NetState, dump: &mut Dump<'_, Self>) -> Result {
        while let Some(set) = net.sets.at(dump.position()) {
            if dump.item(|message| put(net, &set, message)).is_err() {
                // The message is full; the dump goes on with the next.
                return Ok(());
            }
            dump.set_position(dump.position().wrapping_add(1));
        }
        Ok(())
    }
}

impl Answer for SetNew {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_SET_NEW;

    /// Makes a set without names.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        let name = name_of(request, request.get(Self::NAME))?;
        let refuse = |(error, why)| request.refuse(error, why);
        let set = Set::new(name, &Nothing).map_err(refuse)?;
        net.sets.insert(set.clone()).map_err(refuse)?;
        Message::reply(request, |message| put(net, &set, message))
    }
}

impl Answer for SetDel {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_SET_DEL;

    /// Destroys a set that nobody uses, and answers with what it was.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        // No pin is armed meanwhile.
        let _alone = net.commands.lock();
        let name = name_of(request, request.get(Self::NAME))?;
        let is_in_use = |set: &Set| net.pins.lock().asking(set) != 0;
        let refuse = |(error, why)| request.refuse(error, why);
        let set = net.sets.remove(name, is_in_use).map_err(refuse)?;
        let told = Message::reply(request, |message| put(net, &set, message));
        // A pin that waits no longer may have it still. Without memory for an empty table the names go with that pin.
        let _ = set.empty();
        told
    }
}
