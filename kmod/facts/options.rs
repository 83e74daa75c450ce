// SPDX-License-Identifier: GPL-2.0-only

//! What a rule can ask.

/// The options of the match, in the order in which a rule is written back. Conditions are numbered in that order, a bit each
/// in a rule. A row: its variant; the condition that it states, or whose details it says; the word; how its value is read,
/// checked and written, with the fields of the rule that hold it; what answers it; the value's name; what is true of the
/// packet then; and more about the value. The words of types, states and versions come before that.
///
/// Values: `flag` has none. `types`, `states`: a field of bits. `versions`: the lowest and the highest. `prefix`, `protocol`,
/// `pattern`, `set`, `fingerprint`: bytes and their number. `pinned`, `mark`: a connection mark and its mask. `bit`: none, but a bit of `flags`.
///
/// Answers: `packet` and `mark` are what kmod/rule.rs looks at, `detail` says how the condition is meant. Of hellos:
/// `client` and `server` name a field of the identity, which that side's hello settles; `ask` names a question of
/// kmod/tls/conditions.rs; `set` names a field of the ClientHello that the rule's set is asked for (kmod/sets/).
#[macro_export]
macro_rules! match_options {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { RecordType XT_TLSCONN_RECORD_TYPE "record-type" [types types] [packet] "TYPE[,TYPE...]"
                "The packet carries bytes of a TLS record of such a type"
                "By number: `20` to `24`. `unknown`: bytes whose record cannot be known; `in-doubt`: TLS 1.3, handshake or data; `none`: no \
                 payload" }
            { Wire XT_TLSCONN_RECORD_TYPE "wire" [bit XT_TLSCONN_WIRE] [detail] ""
                "Compare the type in the record header"
                "Without it, compare what the record carries: TLS 1.3 sends handshake records as type 23" }
            { All XT_TLSCONN_RECORD_TYPE "all" [bit XT_TLSCONN_ALL] [detail] ""
                "Every payload byte is of such a type, instead of any byte" "" }
            { State XT_TLSCONN_STATE "state" [states states] [packet] "STATE[,STATE...]"
                "The connection is in one of these states" "" }
            { Pinned XT_TLSCONN_PINNED "pinned" [pinned pin_mark pin_mask] [mark] ""
                "The connection mark carries the pin mark" "`tlsconnctl pin` sets it" }
            { PinMark XT_TLSCONN_PINNED "pin-mark" [mark pin_mark pin_mask] [detail] "VALUE[/MASK]"
                "Which mark the pin mark is" "`0x54000000/0xff000000` if not given" }
            { TlsVersion XT_TLSCONN_TLS_VERSION "tls-version" [versions version_min version_max] [ask version_is_between] "VER[:VER]"
                "The negotiated version is this one, or lies in this range" "" }
            { Resumed XT_TLSCONN_RESUMED "resumed" [flag] [server resumed] ""
                "The connection resumes a session" "" }
            { Sni XT_TLSCONN_SNI "sni" [pattern sni sni_len] [ask sni_fits] "PATTERN"
                "The client asks for such a server name"
                "`*` and `?` are wildcards; case and a dot at the end make no difference" }
            { NoSni XT_TLSCONN_NO_SNI "no-sni" [flag] [ask has_no_sni] ""
                "The client asks for no server name" "" }
            { Alpn XT_TLSCONN_ALPN "alpn" [protocol alpn alpn_len] [ask alpn_is] "PROTOCOL"
                "The first protocol that the client offers is this one" "`\\xNN` stands for a byte" }
            { Ech XT_TLSCONN_ECH "ech" [flag] [client ech] ""
                "The client offers Encrypted ClientHello" "" }
            { SessionId XT_TLSCONN_SESSION_ID "session-id" [prefix session_id session_id_len] [ask session_id_begins] "HEX"
                "The client's or the server's session id begins with these bytes" "1 to 32 of them" }
            { ClientRandom XT_TLSCONN_CLIENT_RANDOM "client-random" [prefix client_random client_random_len] [client client_random] "HEX"
                "The client random begins with these bytes" "1 to 32 of them" }
            { ServerRandom XT_TLSCONN_SERVER_RANDOM "server-random" [prefix server_random server_random_len] [server server_random] "HEX"
                "The server random begins with these bytes" "1 to 32 of them" }
            { SniSet XT_TLSCONN_SNI_SET "sni-set" [set sni_set sni_set_len] [set sni] "NAME"
                "The client asks for a server name of this set" "Make the set first, with `tlsconnctl set`" }
            { Ja4 XT_TLSCONN_JA4 "ja4" [fingerprint ja4 ja4_len] [ask ja4_fits] "PATTERN"
                "JA4 of the client's (first) hello fits this" "`*` and `?` are wildcards. Hellos that came before the rule have none" }
        }
    };
}
