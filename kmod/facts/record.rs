// SPDX-License-Identifier: GPL-2.0-only

//! Types of what a packet carries.

/// Types, in the order in which they are written in a rule: the engine's constant, the bit in a rule, the word, what it means,
/// the byte in a record header if there is one (RFC 8446 B.1, RFC 6520 3), and other words for it in a rule.
#[macro_export]
macro_rules! record_types {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { CHANGE_CIPHER_SPEC XT_TLSCONN_TYPE_CHANGE_CIPHER_SPEC "change-cipher-spec"
                "The sender changes its keys." [20] ["ccs" "changecipherspec"] }
            { ALERT XT_TLSCONN_TYPE_ALERT "alert" "An alert." [21] [] }
            { HANDSHAKE XT_TLSCONN_TYPE_HANDSHAKE "handshake" "Handshake messages." [22] [] }
            { APPLICATION_DATA XT_TLSCONN_TYPE_APPLICATION_DATA "application-data"
                "Data of the application." [23] ["appdata" "app-data" "applicationdata"] }
            { HEARTBEAT XT_TLSCONN_TYPE_HEARTBEAT "heartbeat" "Heartbeats." [24] [] }
            { UNKNOWN XT_TLSCONN_TYPE_UNKNOWN "unknown" "Bytes whose record cannot be known." [] [] }
            { IN_DOUBT XT_TLSCONN_TYPE_IN_DOUBT "in-doubt"
                "Handshake or data of TLS 1.3, by its place and its length; no type on the wire." [] [] }
            { NONE XT_TLSCONN_TYPE_NONE "none" "The packet has no payload." [] [] }
        }
    };
}
