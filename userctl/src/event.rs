// SPDX-License-Identifier: GPL-2.0-only

//! What happens to connections and pins, as `monitor` tells it.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use tlsconn_uapi as uapi;

use crate::{
    model::{self, named, Connection, Pin},
    time::Time,
};

crate::events! { named
    /// What happened.
    Kind
}

crate::releases! { named
    /// Why a pin was released.
    Release
}

/// An event.
#[derive(Serialize)]
pub(crate) struct Event {
    pub(crate) event: What,
    pub(crate) time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<Connection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pin: Option<Pin>,
    pub(crate) reason: Option<Reason>,
}

/// What happened, or that nobody knows what.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum What {
    Known(Kind),
    #[serde(serialize_with = "events_lost")]
    Lost,
}

/// Why.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Reason {
    Release(Release),
    Connection(model::Reason),
    NotRead(&'static str),
}

const EVENTS_LOST: &str = "events-lost";

fn events_lost<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(EVENTS_LOST)
}

impl Event {
    /// Some events were not read in time.
    pub(crate) fn lost() -> Self {
        Self {
            event: What::Lost,
            time: Time::now(),
            connection: None,
            pin: None,
            reason: Some(Reason::NotRead("they came faster than they were read")),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(kind) => kind.fmt(f),
            Self::Lost => f.write_str(EVENTS_LOST),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release(release) => release.fmt(f),
            Self::Connection(reason) => reason.fmt(f),
            Self::NotRead(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_some_were_lost_is_an_event() {
        let value = serde_json::to_value(Event::lost()).expect("it serialises");
        assert_eq!(value["event"], "events-lost");
        assert!(value["reason"].is_string());
    }
}
