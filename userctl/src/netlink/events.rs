// SPDX-License-Identifier: GPL-2.0-only

//! The group `events`: what happens to connections and pins.

use std::{ffi::CStr, str};

use tlsconn_uapi as uapi;

use super::{
    attribute::Attribute,
    client::{failure, family_name, Client},
    decode::{self, enumerated, Object},
    malformed::Malformed,
    socket::Socket,
};
use crate::{
    event::{Event, Kind, Reason, Release, What},
    failure::Failure,
    time::Time,
};

/// Bytes of events that may wait, some thousand connections at once.
const ROOM: usize = 4 << 20;

/// Somebody who listens.
pub(crate) struct Listener(Socket);

impl Listener {
    /// Listens in the network namespace that the process is in. The module has to be loaded.
    pub(crate) fn open() -> Result<Self, Failure> {
        let Client { mut socket, .. } = Client::open()?;
        let group = CStr::from_bytes_until_nul(uapi::TLSCONN_MCGRP_EVENTS)
            .ok()
            .and_then(|name| str::from_utf8(name.to_bytes()).ok())
            .expect("C ends it with a zero byte, and it is ASCII");
        socket
            .join(family_name(), group, ROOM)
            .map_err(|error| failure(error, "cannot listen to events"))?;
        Ok(Self(socket))
    }

    /// Waits for events. That some were lost is one too.
    pub(crate) fn wait(&mut self) -> Result<Vec<Event>, Failure> {
        let doing = "cannot listen to events";
        let objects = self.0.listen().map_err(|error| failure(error, doing))?;
        let Some(objects) = objects else {
            return Ok(vec![Event::lost()]);
        };
        let events: Result<_, Malformed> = objects.iter().map(|object| event(object)).collect();
        events.map_err(|error| failure(error.into(), doing))
    }
}

fn event(octets: &[u8]) -> Result<Event, Malformed> {
    let object = Object::parse(octets)?;
    let connection = object.may(uapi::TLSCONN_A_EVENT_CONNECTION, |nest| {
        decode::connection(nest.value)
    })?;
    let pin = object.may(uapi::TLSCONN_A_EVENT_PIN, |nest| decode::pin(nest.value))?;
    let release = object.may(
        uapi::TLSCONN_A_EVENT_RELEASE,
        enumerated(Release::from_number),
    )?;
    let of_connection = connection.as_ref().and_then(|connection| connection.reason);
    Ok(Event {
        event: What::Known(object.must(uapi::TLSCONN_A_EVENT_KIND, enumerated(Kind::from_number))?),
        time: Time(object.must(uapi::TLSCONN_A_EVENT_TIME, Attribute::u64)?),
        reason: release
            .map(Reason::Release)
            .or(of_connection.map(Reason::Connection)),
        connection,
        pin,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;
    use crate::netlink::attribute::Attributes;

    #[test]
    fn a_pin_is_released() {
        let pin = Attributes::default()
            .string(uapi::TLSCONN_A_PIN_NAME, "default")
            .u32(uapi::TLSCONN_A_PIN_MARK, 1)
            .u32(uapi::TLSCONN_A_PIN_MASK, 1)
            .push(uapi::TLSCONN_A_PIN_STATE, &[2])
            .uint(uapi::TLSCONN_A_PIN_CONNECTION, 7);
        let octets = Attributes::default()
            .push(uapi::TLSCONN_A_EVENT_KIND, &[8])
            .push(uapi::TLSCONN_A_EVENT_TIME, &1_000_000_000u64.to_ne_bytes())
            .push(uapi::TLSCONN_A_EVENT_PIN | 0x8000, pin.as_slice())
            .push(uapi::TLSCONN_A_EVENT_RELEASE, &[3]);
        let event = event(octets.as_slice()).expect("it is sound");
        let value = to_value(&event).expect("it serialises");
        assert_eq!(
            (&value["event"], &value["time"], &value["reason"]),
            (
                &json!("pin-released"),
                &json!("1970-01-01T00:00:01.000000Z"),
                &json!("closed")
            )
        );
        assert_eq!(value["pin"]["connection"], 7);
        assert!(value.get("connection").is_none());
        assert!(super::event(&octets.as_slice()[..8]).is_err());
    }
}
