// SPDX-License-Identifier: GPL-2.0-only

//! Why a connection is lost, tainted or not TLS.

/// Reasons, from number 1 on; 0 is none. After the word: the state, what the reason means, and what to do about it.
#[macro_export]
macro_rules! reasons {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { NotTls TLSCONN_REASON_NOT_TLS "not-tls"
                "the first bytes are no TLS record with a ClientHello: plain text, STARTTLS, another protocol"
                "find out what it is; pin it by its id if it may pass" "not-tls" }
            { MidStream TLSCONN_REASON_MID_STREAM "mid-stream"
                "it began before tracking did: rules loaded late, an entry that conntrack forgot, a failover"
                "load rules early; set longer conntrack timeouts; pin it by its addresses. If conntrack was loaded together \
                 with the rules, it keeps no entry, because the packet that would make it is dropped. Then run `tlsconnctl track on` \
                 for a while before the rules, or let the ends connect again" "lost" }
            { TableFull TLSCONN_REASON_TABLE_FULL "table-full"
                "there was no memory for its handshake. (A full table makes no record at all; `connections-full` counts that)"
                "give it more memory" "lost" }
            { Hole TLSCONN_REASON_HOLE "hole"
                "bytes were never seen here, or came too late: loss or reordering beyond the bounds, another path, tracking that was off"
                "if `out-of-order-dropped` grows, raise `hole_octets…`; route both directions over this gateway" "lost" }
            { BadHeader TLSCONN_REASON_BAD_HEADER "bad-header"
                "there is no record header where one must be: a broken sender, an evasion, another protocol after a handshake"
                "hold it; capture and `inspect`" "tainted" }
            { ResentDifferently TLSCONN_REASON_RESENT_DIFFERENTLY "resent-differently"
                "bytes of a header, or of a record that is not data, came again with other values: an evasion, or a middlebox that rewrites"
                "hold it; capture and `inspect`" "tainted" }
            { Urgent TLSCONN_REASON_URGENT "urgent"
                "urgent data, which the receiver takes out of the stream"
                "hold it; capture and `inspect`" "tainted" }
            { SecondHello TLSCONN_REASON_SECOND_HELLO "second-hello"
                "a ClientHello that nothing asked for, or a retried one that differs from the first"
                "hold it; capture and `inspect`" "tainted" }
            { BeyondFin TLSCONN_REASON_BEYOND_FIN "beyond-fin"
                "payload after a FIN"
                "hold it; capture and `inspect`" "tainted" }
            { Malformed TLSCONN_REASON_MALFORMED "malformed"
                "a handshake message that no endpoint would take, or a plain-text record where TLS 1.3 has none"
                "hold it; capture and `inspect`" "tainted" }
            { TooManyRecords TLSCONN_REASON_TOO_MANY_RECORDS "too-many-records"
                "a packet had more than 2,048 records, or fewer of kinds that count as more (docs/tls.md): hardly any TLS \
                 sends records that small in packets that large"
                "capture and `inspect`; pin it if it may pass" "lost" }
            { SynData TLSCONN_REASON_SYN_DATA "syn-data"
                "its SYN had data (TCP Fast Open). When the SYN-ACK acknowledged the data, it was no longer kept: there were more than \
                 1,024 such SYNs or 2 MiB, or 60 s had passed"
                "find out who sends so many SYNs with data" "lost" }
            { HandshakeTimeout TLSCONN_REASON_HANDSHAKE_TIMEOUT "handshake-timeout"
                "its handshake was not complete, and no packet came for too long or others needed the memory"
                "find out who begins handshakes and does not finish them; raise `max_handshakes` if there are that many" "lost" }
        }
    };
}

/// What `inspect` gives besides: reasons that captures alone have, without a number.
#[macro_export]
macro_rules! capture_reasons {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { CapturedOutOfOrder "captured-out-of-order" }
            { Snaplen "snaplen" }
            { OneDirection "one-direction" }
            { PrefaceProxyV1 "preface: proxy-v1" }
            { PrefaceProxyV2 "preface: proxy-v2" }
            { PrefaceHttpConnect "preface: http-connect" }
            { PrefaceSocks4 "preface: socks4" }
            { PrefaceSocks5 "preface: socks5" }
            { PrefaceStarttls "preface: starttls" }
            { PrefaceSslRequest "preface: sslrequest" }
        }
    };
}
