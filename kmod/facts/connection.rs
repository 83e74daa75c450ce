// SPDX-License-Identifier: GPL-2.0-only

//! What is said of a connection as a whole.

/// Where a connection stands. After the sentence: its bit in a rule, and other words for it there.
#[macro_export]
macro_rules! states {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { New TLSCONN_STATE_NEW "new" "Set up, no payload classified yet." XT_TLSCONN_STATE_NEW [] }
            { Hello TLSCONN_STATE_HELLO "hello" "A ClientHello has begun." XT_TLSCONN_STATE_HELLO [] }
            { Handshake TLSCONN_STATE_HANDSHAKE "handshake" "The ServerHello was seen." XT_TLSCONN_STATE_HANDSHAKE [] }
            { Established TLSCONN_STATE_ESTABLISHED "established"
                "The handshake is complete in both directions." XT_TLSCONN_STATE_ESTABLISHED [] }
            { Closed TLSCONN_STATE_CLOSED "closed"
                "Ended: by FIN, RST, close_notify or a fatal alert." XT_TLSCONN_STATE_CLOSED [] }
            { NotTls TLSCONN_STATE_NOT_TLS "not-tls"
                "The first bytes are not TLS." XT_TLSCONN_STATE_NOT_TLS ["nottls" "non-tls"] }
            { Lost TLSCONN_STATE_LOST "lost" "Where records begin is not known; its reason says why." XT_TLSCONN_STATE_LOST [] }
            { Tainted TLSCONN_STATE_TAINTED "tainted" "Bytes contradict what was seen before; its reason says why." XT_TLSCONN_STATE_TAINTED [] }
        }
    };
}

/// An end of a TCP connection.
#[macro_export]
macro_rules! sides {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { Src TLSCONN_SIDE_SRC "src" "The TCP initiator: conntrack's original direction begins there." }
            { Dst TLSCONN_SIDE_DST "dst" "The TCP responder." }
        }
    };
}

/// The evidence for a resumed session.
#[macro_export]
macro_rules! resumptions {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { SessionId TLSCONN_RESUMPTION_SESSION_ID "session-id" "The server echoed the session id (RFC 5246 7.3)." }
            { Ticket TLSCONN_RESUMPTION_TICKET "ticket" "The server accepted the ticket that the client showed (RFC 5077 3.1)." }
            { Psk TLSCONN_RESUMPTION_PSK "psk" "The server accepted a pre-shared key (RFC 8446 4.2.11)." }
        }
    };
}

/// A protocol version: its number on the wire, and the word.
#[macro_export]
macro_rules! versions {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { Ssl3 0x0300 "ssl3" }
            { Tls10 0x0301 "1.0" }
            { Tls11 0x0302 "1.1" }
            { Tls12 0x0303 "1.2" }
            { Tls13 0x0304 "1.3" }
        }
    };
}

/// What happens to connections and pins.
#[macro_export]
macro_rules! events {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { ConnectionNew TLSCONN_EVENT_CONNECTION_NEW "connection-new" "A connection is tracked." }
            { Established TLSCONN_EVENT_ESTABLISHED "established" "Its handshake is complete." }
            { Resumed TLSCONN_EVENT_RESUMED "resumed" "It resumes a session." }
            { Tainted TLSCONN_EVENT_TAINTED "tainted" "It is tainted." }
            { Lost TLSCONN_EVENT_LOST "lost" "It is lost." }
            { Closed TLSCONN_EVENT_CLOSED "closed" "It is closed." }
            { PinArmed TLSCONN_EVENT_PIN_ARMED "pin-armed" "A pin waits for a connection." }
            { PinBound TLSCONN_EVENT_PIN_BOUND "pin-bound" "A pin is bound to a connection." }
            { PinReleased TLSCONN_EVENT_PIN_RELEASED "pin-released" "A pin is released." }
            { DataWaiting TLSCONN_EVENT_DATA_WAITING "data-waiting"
                "It has no pin, and has sent its first bytes that are held, ever or since it was unpinned." }
        }
    };
}
