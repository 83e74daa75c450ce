// SPDX-License-Identifier: GPL-2.0-only

//! The module: connections are read from it, and pins made.

use std::collections::HashSet;

use super::{app::Act, choice::Members};
use crate::{
    command::pin,
    failure::{Code, Failure},
    mark::PinName,
    model::Connection,
    netlink::{PinRequest, Target, Tlsconn},
    selector::{Selector, SetName},
};

/// The way to the module. After a failure it is opened anew, as the module may have been.
#[derive(Default)]
pub(crate) struct Module {
    tlsconn: Option<Tlsconn>,
}

impl Module {
    /// Every connection, and which of them are in these sets.
    pub(crate) fn read(&mut self, sets: &[SetName]) -> Result<(Members, Vec<Connection>), Failure> {
        self.ask(|tlsconn| {
            let mut members = Members::new();
            for set in sets {
                let ids = match ids_in(tlsconn, set) {
                    Err(failure) if failure.code != Code::NotFound => return Err(failure),
                    ids => ids,
                };
                members.insert(set.clone(), ids);
            }
            let connections = tlsconn.connections()?.collect::<Result<_, _>>()?;
            Ok((members, connections))
        })
    }

    /// Does something, and says what was done.
    pub(crate) fn act(&mut self, act: &Act) -> Result<String, Failure> {
        let default = PinName("default".into());
        self.ask(|tlsconn| match act {
            Act::Pin(id) => bind(tlsconn, *id, &default, false, false),
            Act::Share(id, name) => bind(tlsconn, *id, name, true, false),
            Act::Deny(id, name) => bind(tlsconn, *id, name, false, true),
            Act::Unpin(id, name) => {
                tlsconn.unpin(name, Some(*id))?;
                Ok(format!("pin {} released from connection {id}", name.0))
            }
        })
    }

    fn ask<T>(
        &mut self,
        what: impl FnOnce(&mut Tlsconn) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut tlsconn = match self.tlsconn.take() {
            Some(tlsconn) => tlsconn,
            None => Tlsconn::open()?,
        };
        let done = what(&mut tlsconn)?;
        self.tlsconn = Some(tlsconn);
        Ok(done)
    }
}

/// Which connections are in a set.
fn ids_in(tlsconn: &mut Tlsconn, set: &SetName) -> Result<HashSet<u64>, Failure> {
    let selector = Selector {
        sni_set: Some(set.clone()),
        ..Selector::default()
    };
    let connections = tlsconn.connections_that(&selector, |_| true)?;
    connections.map(|connection| Ok(connection?.id)).collect()
}

fn bind(
    tlsconn: &mut Tlsconn,
    id: u64,
    name: &PinName,
    shared: bool,
    deny: bool,
) -> Result<String, Failure> {
    let pin = tlsconn.pin(&PinRequest {
        name,
        mark: None,
        target: Target::Connection(id),
        selector: &Selector::default(),
        lasts: None,
        replace: false,
        follow: false,
        shared,
        deny,
    })?;
    // The connection may be gone by now; it has been bound all the same.
    Ok(pin::bound(&pin, id, tlsconn.connection(id).ok().as_ref()))
}
