// SPDX-License-Identifier: GPL-2.0-only

//! Whether connections are tracked, and the counters.

use std::collections::BTreeMap;

use tlsconn_uapi as uapi;

use super::{
    attribute::{self, Attribute},
    decode::Object,
    malformed::Malformed,
};
use crate::model::Tracking;

macro_rules! words {
    ($({ $counter:ident $number:ident $word:literal $($more:tt)* })+) => {
        /// The counters, in the order of their attributes from 1 on.
        const COUNTERS: [&str; uapi::TLSCONN_A_STATS_MAX as usize] = [$($word,)+];
    };
}

crate::counters! { words }

/// Reads why connections are tracked.
pub(super) fn tracking(octets: &[u8]) -> Result<Tracking, Malformed> {
    let object = Object::parse(octets)?;
    Ok(Tracking {
        tracking: object.must(uapi::TLSCONN_A_TRACK_TRACKING, Attribute::bool)?,
        rules: object.must(uapi::TLSCONN_A_TRACK_RULES, Attribute::u32)?,
        requested: object.must(uapi::TLSCONN_A_TRACK_REQUESTED, Attribute::bool)?,
        pass_mark: object.may(uapi::TLSCONN_A_TRACK_PASS_MARK, Attribute::u32)?,
        strict: object
            .may(uapi::TLSCONN_A_TRACK_STRICT, Attribute::bool)?
            .unwrap_or(false),
        ja4: object
            .may(uapi::TLSCONN_A_TRACK_JA4, Attribute::bool)?
            .unwrap_or(false),
        max_connections: object.may(uapi::TLSCONN_A_TRACK_MAX_CONNECTIONS, Attribute::uint)?,
    })
}

/// Reads the counters by name. Those of newer modules have no name here and are passed over.
pub(super) fn counters(octets: &[u8]) -> Result<BTreeMap<String, u64>, Malformed> {
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
    use crate::netlink::attribute::Attributes;

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
