// SPDX-License-Identifier: GPL-2.0-only

//! What a namespace's tracker counts.

/// Counters, from number 1 on. After the word: what is counted, what to do about it, and the reason whose connections it counts,
/// if it is one of these. Packets and their bytes come first: they are counted together.
#[macro_export]
macro_rules! counters {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { Packets TLSCONN_A_STATS_PACKETS "packets" "packets that were looked at" "" }
            { Octets TLSCONN_A_STATS_OCTETS "octets" "bytes of their payload" "" }
            { Made TLSCONN_A_STATS_CONNECTIONS_MADE "connections-made" "connections tracked since the module was loaded" "" }
            { Now TLSCONN_A_STATS_CONNECTIONS_NOW "connections-now" "connections that are tracked" "" }
            { Peak TLSCONN_A_STATS_CONNECTIONS_PEAK "connections-peak" "the most connections tracked at once"
                "size `max_connections` by it" }
            { Full TLSCONN_A_STATS_CONNECTIONS_FULL "connections-full"
                "packets that would have begun a connection, but `max_connections` (or `max_connections_unprivileged`) were tracked \
                 already. They read `lost`; each packet counts"
                "raise `max_connections` if `connections-peak` is near it; find out who sends so many" }
            { NotTls TLSCONN_A_STATS_NOT_TLS "not-tls" "connections that are not TLS" "" of NotTls }
            { LostMidStream TLSCONN_A_STATS_LOST_MID_STREAM "lost-mid-stream" "lost connections: `mid-stream`" "" of MidStream }
            { LostTableFull TLSCONN_A_STATS_LOST_TABLE_FULL "lost-table-full" "lost connections: `table-full`" "" of TableFull }
            { LostHole TLSCONN_A_STATS_LOST_HOLE "lost-hole" "lost connections: `hole`" "" of Hole }
            { TaintedBadHeader TLSCONN_A_STATS_TAINTED_BAD_HEADER "tainted-bad-header" "tainted connections: `bad-header`" "" of BadHeader }
            { TaintedResentDifferently TLSCONN_A_STATS_TAINTED_RESENT_DIFFERENTLY "tainted-resent-differently"
                "tainted connections: `resent-differently`" "" of ResentDifferently }
            { TaintedUrgent TLSCONN_A_STATS_TAINTED_URGENT "tainted-urgent" "tainted connections: `urgent`" "" of Urgent }
            { TaintedSecondHello TLSCONN_A_STATS_TAINTED_SECOND_HELLO "tainted-second-hello"
                "tainted connections: `second-hello`" "" of SecondHello }
            { TaintedBeyondFin TLSCONN_A_STATS_TAINTED_BEYOND_FIN "tainted-beyond-fin" "tainted connections: `beyond-fin`" "" of BeyondFin }
            { TaintedMalformed TLSCONN_A_STATS_TAINTED_MALFORMED "tainted-malformed" "tainted connections: `malformed`" "" of Malformed }
            { Kept TLSCONN_A_STATS_OUT_OF_ORDER_KEPT "out-of-order-kept" "segments that waited for a hole to fill"
                "if there are many, look for loss or reordering on the way" }
            { Dropped TLSCONN_A_STATS_OUT_OF_ORDER_DROPPED "out-of-order-dropped"
                "segments after a hole that found no room. Their direction is given up"
                "raise `hole_octets`, `hole_octets_total`" }
            { Resynchronised TLSCONN_A_STATS_RESYNCHRONISED "resynchronised"
                "lost directions in which records were found again" "" }
            { AllocationFailures TLSCONN_A_STATS_ALLOCATION_FAILURES "allocation-failures"
                "times that there was no memory for a connection or its sessions" "give it more memory" }
            { InDoubt TLSCONN_A_STATS_HANDSHAKE_IN_DOUBT "handshake-in-doubt"
                "bytes of encrypted records of TLS 1.3 that read `in-doubt` (docs/tls.md). Endpoints that collude could have sent \
                 this much data in them"
                "0 for most connections, some KB with a client certificate or early tickets. Far more come from long certificate chains, \
                 or from endpoints that collude" }
            { LostTooManyRecords TLSCONN_A_STATS_LOST_TOO_MANY_RECORDS "lost-too-many-records"
                "lost connections: `too-many-records`" "" of TooManyRecords }
            { LostSynData TLSCONN_A_STATS_LOST_SYN_DATA "lost-syn-data" "lost connections: `syn-data`" "" of SynData }
            { LostHandshakeTimeout TLSCONN_A_STATS_LOST_HANDSHAKE_TIMEOUT "lost-handshake-timeout"
                "lost connections: `handshake-timeout`" "" of HandshakeTimeout }
        }
    };
}
