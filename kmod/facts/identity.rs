// SPDX-License-Identifier: GPL-2.0-only

//! What the hellos say of a connection.

/// The fields of a connection's identity, in the order in which they are told, in groups between which other things are told.
/// A row: the name of the field in the engine and in JSON; its kind; its netlink attribute; what `show` calls it; the heading
/// of its column, and how many characters of that have to stay; what it says. New ones go to the end.
///
/// Kinds: `side`, `version`, `cipher`, `resumption`: what these words say. `flag`: known to be so, or not known. `truth`: yes, no
/// or not known. `name`: a text of at most 255 bytes. `random`: 32 bytes. `id`: 0 to 32 bytes. `echo`: such a one, that may be
/// the same as another field.
#[macro_export]
macro_rules! identity_fields {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            [
                { client [side] TLSCONN_A_CONNECTION_CLIENT "client" "CLIENT" 0 "The side that sent the ClientHello." }
            ]
            [
                { confirmed [flag] TLSCONN_A_CONNECTION_CONFIRMED "confirmed" "CONFIRMED" 0
                    "The server acknowledged the ClientHello's bytes and answered with a ServerHello that agrees." }
                { version [version] TLSCONN_A_CONNECTION_VERSION "version" "TLS" 0 "The version negotiated." }
                { offered [version] TLSCONN_A_CONNECTION_OFFERED "offered" "OFFERED" 0 "The highest version offered." }
                { cipher [cipher] TLSCONN_A_CONNECTION_CIPHER "cipher" "CIPHER" 0 "The cipher suite negotiated." }
                { sni [name] TLSCONN_A_CONNECTION_SNI "SNI" "SNI" 8 "The server name asked for." }
                { alpn [name] TLSCONN_A_CONNECTION_ALPN "ALPN" "ALPN" 0 "The first protocol offered." }
                { client_random [random] TLSCONN_A_CONNECTION_CLIENT_RANDOM "client random" "CLIENT RANDOM" 0
                    "The client's random." }
                { server_random [random] TLSCONN_A_CONNECTION_SERVER_RANDOM "server random" "SERVER RANDOM" 0
                    "The server's random." }
                { session_id [id] TLSCONN_A_CONNECTION_SESSION_ID "session id" "SESSION ID" 0
                    "The client's session id, empty if it sent none." }
                { server_session_id [echo session_id] TLSCONN_A_CONNECTION_SERVER_SESSION_ID "server session id"
                    "SERVER SESSION ID" 0 "The server's session id." }
                { resumed [truth] TLSCONN_A_CONNECTION_RESUMED "resumed" "RESUMED" 0 "Whether a session is resumed." }
                { resumption [resumption] TLSCONN_A_CONNECTION_RESUMPTION "resumption" "RESUMPTION" 0
                    "What shows that it is." }
            ]
            [
                { early_data [truth] TLSCONN_A_CONNECTION_EARLY_DATA "early data" "EARLY DATA" 0
                    "Whether early data was offered." }
                { ech [truth] TLSCONN_A_CONNECTION_ECH "ECH" "ECH" 0
                    "Whether Encrypted ClientHello was offered, GREASE too." }
                { hello_retry [truth] TLSCONN_A_CONNECTION_HELLO_RETRY "hello retry" "HELLO RETRY" 0
                    "Whether the server asked for another ClientHello." }
            ]
        }
    };
}
