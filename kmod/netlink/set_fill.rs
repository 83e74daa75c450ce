// SPDX-License-Identifier: GPL-2.0-only

//! `set-fill`: names for a set, message by message, and what is done with them once they are all there.

use super::{
    policy::SetFill,
    set::{name_of, put},
};
use crate::{
    bindings::{
        TLSCONN_A_SET_CHANGED, TLSCONN_CMD_SET_FILL, TLSCONN_SET_CHANGE_ADD,
        TLSCONN_SET_CHANGE_REMOVE, TLSCONN_SET_CHANGE_REPLACE,
    },
    namespace::{NetState, Tracker},
    sets::{table, Both, Filling, Name, Refusal, Set, Without, MISSING},
    sys::{
        message::Message,
        request::{Answer, Request},
    },
};
use kernel::{prelude::*, sync::Arc};

impl Answer for SetFill {
    type State = Tracker;
    const COMMAND: u32 = TLSCONN_CMD_SET_FILL;

    /// Begins, takes names, and replaces the set's by them, adds them or takes them out: whatever the request asks for, in
    /// this order. It is all done by one socket; what was begun goes with it.
    fn answer(net: &NetState, request: &Request<'_, Self>) -> Result {
        let name = name_of(request, request.get(Self::NAME))?;
        let port = request.port();
        let refuse = |(error, why)| request.refuse(error, why);
        if request.has(Self::BEGIN) {
            net.sets.begin(Filling::new(port, name)).map_err(refuse)?;
        }
        if let Some(octets) = request.get(Self::CONTENT) {
            net.sets.add(port, name, octets).map_err(refuse)?;
        }
        let Some(change) = request.get(Self::CHANGE) else {
            return Ok(());
        };
        let filling = net.sets.filled(port, name).map_err(refuse)?;
        let (set, changed) = change_set(net, name, change.into(), &filling).map_err(refuse)?;
        Message::reply(request, |message| {
            put(net, &set, message)?;
            message.u32(TLSCONN_A_SET_CHANGED, changed)
        })
    }
}

/// Changes a set, and gives it with the number of names that it has gained or lost.
fn change_set(
    net: &NetState,
    name: Name,
    change: u32,
    filling: &Filling,
) -> Result<(Arc<Set>, u32), Refusal> {
    if change == TLSCONN_SET_CHANGE_REPLACE && net.sets.of_name(name).is_none() {
        // It is there with all of its names or not at all.
        let set = Set::new(name, filling)?;
        match net.sets.insert(set.clone()) {
            Ok(()) => return Ok((set, 0)),
            // Somebody else has made it meanwhile.
            Err((error, _)) if error == EEXIST => {}
            Err(refusal) => return Err(refusal),
        }
    }
    let set = net.sets.of_name(name).ok_or(MISSING)?;
    let [before, now] = match change {
        TLSCONN_SET_CHANGE_REPLACE => set.change(|_| table(filling))?,
        TLSCONN_SET_CHANGE_ADD => set.change(|names| table(&Both(names, filling)))?,
        TLSCONN_SET_CHANGE_REMOVE => {
            let gone = table(filling)?;
            set.change(|names| table(&Without(names, &gone)))?
        }
        _ => return Err((EINVAL, c"a set is not changed in such a way")),
    };
    // Somebody may have destroyed it meanwhile, and emptied it before it got these names.
    let is_there = net
        .sets
        .of_name(name)
        .is_some_and(|there| Arc::ptr_eq(&there, &set));
    if !is_there {
        set.empty()?;
        return Err(MISSING);
    }
    Ok((set, now.abs_diff(before)))
}
