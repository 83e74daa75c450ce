// SPDX-License-Identifier: GPL-2.0-only

//! Whether connections are tracked, and the counters.

use std::collections::BTreeMap;

use tlsconn_uapi as uapi;

use super::{
    attribute::{self, Attribute, Attributes},
    decode::Object,
    one, Malformed, Tlsconn, SEE_LIST,
};
use crate::{failure::Failure, model::Tracking};

macro_rules! words {
    ($({ $counter:ident $number:ident $word:literal $($more:tt)* })+) => {
        /// The counters, in the order of their attributes from 1 on.
        const COUNTERS: [&str; uapi::TLSCONN_A_STATS_MAX as usize] = [$($word,)+];
    };
}

crate::counters! { words }

impl Tlsconn {
    /// Whether connections are tracked, and why.
    pub(crate) fn tracking(&mut self) -> Result<Tracking, Failure> {
        let doing = "cannot ask whether connections are tracked";
        let asked = Attributes::default();
        let objects = self.command(uapi::TLSCONN_CMD_TRACK_GET, &asked, doing, SEE_LIST)?;
        one(&objects, tracking, doing)
    }

    /// Has connections tracked without a rule, or no longer.
    pub(crate) fn track(&mut self, requested: bool) -> Result<Tracking, Failure> {
        let doing = "cannot turn tracking on or off";
        let asked =
            Attributes::default().push(uapi::TLSCONN_A_TRACK_REQUESTED, &[u8::from(requested)]);
        let objects = self.command(uapi::TLSCONN_CMD_TRACK_SET, &asked, doing, SEE_LIST)?;
        one(&objects, tracking, doing)
    }

    /// The counters by name, in the order of their attributes.
    pub(crate) fn stats(&mut self) -> Result<BTreeMap<String, u64>, Failure> {
        let doing = "cannot read the counters";
        let asked = Attributes::default();
        let objects = self.command(uapi::TLSCONN_CMD_STATS_GET, &asked, doing, SEE_LIST)?;
        one(&objects, counters, doing)
    }
}

fn tracking(octets: &[u8]) -> Result<Tracking, Malformed> {
    let object = Object::parse(octets)?;
    Ok(Tracking {
        tracking: object.must(uapi::TLSCONN_A_TRACK_TRACKING, Attribute::bool)?,
        rules: object.must(uapi::TLSCONN_A_TRACK_RULES, Attribute::u32)?,
        requested: object.must(uapi::TLSCONN_A_TRACK_REQUESTED, Attribute::bool)?,
        max_connections: object.may(uapi::TLSCONN_A_TRACK_MAX_CONNECTIONS, Attribute::uint)?,
    })
}

/// Counters of newer modules have no name here and are passed over.
fn counters(octets: &[u8]) -> Result<BTreeMap<String, u64>, Malformed> {
    let mut counters = BTreeMap::new();
    for attribute in attribute::parse(octets)? {
        let place = usize::try_from(attribute.kind).map_err(|_| Malformed)?;
        if let Some(name) = place.checked_sub(1).and_then(|place| COUNTERS.get(place)) {
            counters.insert((*name).into(), attribute.uint()?);
        }
    }
    Ok(counters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_their_names() {
        let octets = Attributes::default()
            .uint(uapi::TLSCONN_A_STATS_PACKETS, 7)
            .uint(uapi::TLSCONN_A_STATS_LOST_HOLE, 1 << 40)
            .uint(uapi::TLSCONN_A_STATS_TAINTED_MALFORMED, 2)
            .uint(uapi::TLSCONN_A_STATS_ALLOCATION_FAILURES, 3)
            .uint(1000, 1);
        let expected = [
            ("packets", 7),
            ("lost-hole", 1 << 40),
            ("tainted-malformed", 2),
            ("allocation-failures", 3),
        ];
        let expected = expected.map(|(name, count)| (name.to_string(), count));
        assert_eq!(counters(octets.as_slice()).ok(), Some(expected.into()));
    }
}
