// SPDX-License-Identifier: GPL-2.0-only

//! What attributes the requests of the family may have (docs/netlink/tlsconn.yaml).

use crate::{
    bindings,
    sys::policy::{policy, Binary, Flag, Mask, Nested, Port, Text, Uint, U16, U32, U8},
};

/// A bit for each state, as in a rule.
type States = Mask<{ bindings::XT_TLSCONN_STATES_ALL }>;

/// The name of a pin.
pub type PinName = Text<{ bindings::TLSCONN_PIN_NAME_MAX as usize }>;

/// A random, a session id, or the beginning of one.
pub type Id = Binary<{ bindings::XT_TLSCONN_ID_MAX as usize }>;

/// A pattern of server names.
pub type Pattern = Binary<{ bindings::XT_TLSCONN_NAME_MAX as usize }>;

/// An address.
pub type Address = Binary<16>;

policy!(
    /// `connection-get` of one.
    ConnectionGet {
        ID: Uint = TLSCONN_A_CONNECTION_ID,
    }
);

policy!(
    /// `connection-get` of all.
    ConnectionDump {
        SELECTOR: Nested<Selector> = TLSCONN_A_CONNECTION_SELECTOR,
        STATES: States = TLSCONN_A_CONNECTION_STATES,
        LIVE: Flag = TLSCONN_A_CONNECTION_LIVE,
    }
);

policy!(
    /// Which connections are meant.
    Selector {
        CLIENT_RANDOM: Id = TLSCONN_A_SELECTOR_CLIENT_RANDOM,
        SERVER_RANDOM: Id = TLSCONN_A_SELECTOR_SERVER_RANDOM,
        SESSION_ID: Id = TLSCONN_A_SELECTOR_SESSION_ID,
        SNI: Pattern = TLSCONN_A_SELECTOR_SNI,
        SRC_ADDR: Address = TLSCONN_A_SELECTOR_SRC_ADDR,
        SRC_PREFIX: U8 = TLSCONN_A_SELECTOR_SRC_PREFIX,
        SRC_PORT: Port = TLSCONN_A_SELECTOR_SRC_PORT,
        DST_ADDR: Address = TLSCONN_A_SELECTOR_DST_ADDR,
        DST_PREFIX: U8 = TLSCONN_A_SELECTOR_DST_PREFIX,
        DST_PORT: Port = TLSCONN_A_SELECTOR_DST_PORT,
        ZONE: U16 = TLSCONN_A_SELECTOR_ZONE,
    }
);

policy!(
    /// `pin-get` of one.
    PinGet {
        NAME: PinName = TLSCONN_A_PIN_NAME,
    }
);

policy!(
    /// `pin-get` of all.
    PinDump {}
);

policy!(
    /// `pin-set`.
    PinSet {
        NAME: PinName = TLSCONN_A_PIN_NAME,
        MARK: U32 = TLSCONN_A_PIN_MARK,
        MASK: U32 = TLSCONN_A_PIN_MASK,
        CONNECTION: Uint = TLSCONN_A_PIN_CONNECTION,
        REPLACE: Flag = TLSCONN_A_PIN_REPLACE,
        NEXT: Flag = TLSCONN_A_PIN_NEXT,
        SELECTOR: Nested<Selector> = TLSCONN_A_PIN_SELECTOR,
        LASTS: Uint = TLSCONN_A_PIN_LASTS,
        FOLLOW: Flag = TLSCONN_A_PIN_FOLLOW,
        SHARED: Flag = TLSCONN_A_PIN_SHARED,
        DENY: Flag = TLSCONN_A_PIN_DENY,
    }
);

policy!(
    /// `pin-del`.
    PinDel {
        NAME: PinName = TLSCONN_A_PIN_NAME,
        ALL: Flag = TLSCONN_A_PIN_ALL,
        CONNECTION: Uint = TLSCONN_A_PIN_CONNECTION,
    }
);

policy!(
    /// `track-get`.
    TrackGet {}
);

policy!(
    /// `track-set`.
    TrackSet {
        REQUESTED: U8 = TLSCONN_A_TRACK_REQUESTED,
        PASS_MARK: U32 = TLSCONN_A_TRACK_PASS_MARK,
        STRICT: U8 = TLSCONN_A_TRACK_STRICT,
    }
);

policy!(
    /// `stats-get`.
    StatsGet {}
);
