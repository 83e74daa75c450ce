// SPDX-License-Identifier: GPL-2.0-only

//! The engine's numbers are those of both ABI headers, or nothing is built. The module and the tool include this file each.

use crate::{
    tls::{Reason, Resumption, Side, State, Types},
    uapi::*,
};

/// Each variant's number, of all variants that there are.
macro_rules! same {
    ($of:ident: $($variant:ident $number:ident $(bit $bit:ident)?),* $(,)?) => {
        const _: () = {
            const fn are_listed(value: $of) {
                match value {
                    $($of::$variant => (),)*
                }
            }
            $(
                are_listed($of::$variant);
                assert!($of::$variant as u32 == $number);
                $(assert!(1 << $number == $bit);)?
            )*
        };
    };
}

same!(Side: Src TLSCONN_SIDE_SRC, Dst TLSCONN_SIDE_DST);

same!(State:
    New TLSCONN_STATE_NEW bit XT_TLSCONN_STATE_NEW,
    Hello TLSCONN_STATE_HELLO bit XT_TLSCONN_STATE_HELLO,
    Handshake TLSCONN_STATE_HANDSHAKE bit XT_TLSCONN_STATE_HANDSHAKE,
    Established TLSCONN_STATE_ESTABLISHED bit XT_TLSCONN_STATE_ESTABLISHED,
    Closed TLSCONN_STATE_CLOSED bit XT_TLSCONN_STATE_CLOSED,
    NotTls TLSCONN_STATE_NOT_TLS bit XT_TLSCONN_STATE_NOT_TLS,
    Lost TLSCONN_STATE_LOST bit XT_TLSCONN_STATE_LOST,
    Tainted TLSCONN_STATE_TAINTED bit XT_TLSCONN_STATE_TAINTED,
);

same!(Reason:
    None TLSCONN_REASON_NONE,
    NotTls TLSCONN_REASON_NOT_TLS,
    MidStream TLSCONN_REASON_MID_STREAM,
    TableFull TLSCONN_REASON_TABLE_FULL,
    Hole TLSCONN_REASON_HOLE,
    BadHeader TLSCONN_REASON_BAD_HEADER,
    ResentDifferently TLSCONN_REASON_RESENT_DIFFERENTLY,
    Urgent TLSCONN_REASON_URGENT,
    SecondHello TLSCONN_REASON_SECOND_HELLO,
    BeyondFin TLSCONN_REASON_BEYOND_FIN,
    Malformed TLSCONN_REASON_MALFORMED,
    TooManyRecords TLSCONN_REASON_TOO_MANY_RECORDS,
    SynData TLSCONN_REASON_SYN_DATA,
    HandshakeTimeout TLSCONN_REASON_HANDSHAKE_TIMEOUT,
);

same!(Resumption:
    SessionId TLSCONN_RESUMPTION_SESSION_ID,
    Ticket TLSCONN_RESUMPTION_TICKET,
    Psk TLSCONN_RESUMPTION_PSK,
);

const _: () = {
    assert!(Types::CHANGE_CIPHER_SPEC.0 as u32 == XT_TLSCONN_TYPE_CHANGE_CIPHER_SPEC);
    assert!(Types::ALERT.0 as u32 == XT_TLSCONN_TYPE_ALERT);
    assert!(Types::HANDSHAKE.0 as u32 == XT_TLSCONN_TYPE_HANDSHAKE);
    assert!(Types::APPLICATION_DATA.0 as u32 == XT_TLSCONN_TYPE_APPLICATION_DATA);
    assert!(Types::HEARTBEAT.0 as u32 == XT_TLSCONN_TYPE_HEARTBEAT);
    assert!(Types::UNKNOWN.0 as u32 == XT_TLSCONN_TYPE_UNKNOWN);
    assert!(Types::NONE.0 as u32 == XT_TLSCONN_TYPE_NONE);
    assert!(Types::IN_DOUBT.0 as u32 == XT_TLSCONN_TYPE_IN_DOUBT);
    assert!(Types::ALL.0 as u32 == XT_TLSCONN_TYPES_ALL);
};
