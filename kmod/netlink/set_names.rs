// SPDX-License-Identifier: GPL-2.0-only

//! `set-name-get`: the names of a set, and the one that a host is in it by.

use super::{
    policy::{SetNameDump, SetNameGet},
    set::of_name,
};
use crate::{
    bindings::{TLSCONN_A_SET_HITS, TLSCONN_A_SET_HOST, TLSCONN_CMD_SET_NAME_GET},
    names::{Encoded, Place},
    namespace::{NetState, Tracker},
    sets::Names,
    sys::{
        message::Message,
        rcu::Reader,
        request::{Answer, Dump, Request, Tell},
    },
};
use kernel::prelude::*;

/// Names in one message, as each takes a little while.
const TOLD: u32 = 256;

fn put(names: &Names, place: Place, name: &Encoded, message: &mut Message<'_>) -> Result {
    message.bytes(TLSCONN_A_SET_HOST, name.text(&mut [0; 256]))?;
    message.u32(TLSCONN_A_SET_HITS, names.hits(place))
}

impl Answer for SetNameGet {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_SET_NAME_GET;

    /// The name that a host is in the set by, which does not count as a hit.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        let set = of_name(net, request, request.get(Self::NAME))?;
        let host = request.get(Self::HOST).unwrap_or(&[]);
        Message::reply(request, |message| {
            let rcu = Reader::begin();
            let names = set.names(&rcu);
            let found = names
                .find(host)
                .and_then(|place| names.name(place).map(|name| (place, name)));
            let Some((place, name)) = found else {
                return Err(request.refuse(ENOENT, c"it is not in the set"));
            };
            put(names, place, &name, message)
        })
    }
}

impl Tell for SetNameDump {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_SET_NAME_GET;

    /// The names of a set, in no order. It is over with an error where the set has got other names meanwhile.
    fn tell(net: &NetState, dump: &mut Dump<'_, Self>) -> Result {
        let set = {
            let request = dump.request();
            of_name(net, &request, request.get(Self::NAME))?
        };
        let rcu = Reader::begin();
        let names = set.names(&rcu);
        if dump.position() != 0 && dump.within() != names.key() {
            let why = c"the set was changed meanwhile: try again";
            return Err(dump.request().refuse(EAGAIN, why));
        }
        dump.set_within(names.key());
        for _ in 0..TOLD {
            let at = u32::try_from(dump.position()).unwrap_or(u32::MAX);
            let Some((place, name, next)) = names.at(at) else {
                return Ok(());
            };
            if dump
                .item(|message| put(names, place, &name, message))
                .is_err()
            {
                // The message is full; the dump goes on with the next.
                return Ok(());
            }
            dump.set_position(next.into());
        }
        Ok(())
    }
}
