// SPDX-License-Identifier: GPL-2.0-only

//! What attributes the requests of the family may have (docs/netlink/tlsconn.yaml).

use crate::{
    bindings,
    sys::policy::{policy, Binary, Flag, Mask, Nested, Port, Text, Uint, U16, U32, U8},
};

/// A bit for each state, as in a rule.
type States = Mask<{ bindings::XT_TLSCONN_STATES_ALL }>;

/// The name of a set.
pub type SetName = Text<{ bindings::XT_TLSCONN_SET_NAME_MAX as usize }>;

/// Server names for a set, each with a zero byte after it.
pub type Content = Binary<{ bindings::TLSCONN_SET_CONTENT_MAX as usize }>;

/// The name of a pin.
pub type PinName = Text<{ bindings::TLSCONN_PIN_NAME_MAX as usize }>;

/// A random, a session id, or the beginning of one.
pub type Id = Binary<{ bindings::XT_TLSCONN_ID_MAX as usize }>;

/// A pattern over JA4s.
pub type Ja4Pattern = Binary<{ bindings::XT_TLSCONN_JA4_MAX as usize }>;
/// The same over server names.
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
        SNI_SET: SetName = TLSCONN_A_SELECTOR_SNI_SET,
        JA4: Ja4Pattern = TLSCONN_A_SELECTOR_JA4,
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
        JA4: U8 = TLSCONN_A_TRACK_JA4,
    }
);

policy!(
    /// `stats-get`.
    StatsGet {}
);

policy!(
    /// `set-get` of one.
    SetGet {
        NAME: SetName = TLSCONN_A_SET_NAME,
    }
);

policy!(
    /// `set-get` of all.
    SetDump {}
);

policy!(
    /// `set-new`.
    SetNew {
        NAME: SetName = TLSCONN_A_SET_NAME,
    }
);

policy!(
    /// `set-fill`.
    SetFill {
        NAME: SetName = TLSCONN_A_SET_NAME,
        BEGIN: Flag = TLSCONN_A_SET_BEGIN,
        CONTENT: Content = TLSCONN_A_SET_CONTENT,
        CHANGE: U8 = TLSCONN_A_SET_CHANGE,
    }
);

policy!(
    /// `set-del`.
    SetDel {
        NAME: SetName = TLSCONN_A_SET_NAME,
    }
);

policy!(
    /// `set-name-get` of the one that a host is in a set by.
    SetNameGet {
        NAME: SetName = TLSCONN_A_SET_NAME,
        HOST: Pattern = TLSCONN_A_SET_HOST,
    }
);

policy!(
    /// `set-name-get` of all in a set.
    SetNameDump {
        NAME: SetName = TLSCONN_A_SET_NAME,
    }
);
