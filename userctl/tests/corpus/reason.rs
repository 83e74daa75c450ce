// SPDX-License-Identifier: GPL-2.0-only

//! Why `inspect` is right where it differs from the corpus' tables.

use serde_json::Value;

use crate::reference::Row;

/// Fields that a stream without a readable hello does not have.
const IDENTITY: [&str; 17] = [
    "client",
    "version",
    "offered",
    "cipher",
    "sni",
    "alpn",
    "client_random",
    "server_random",
    "session_id",
    "server_session_id",
    "resumed",
    "resumption",
    "early_data",
    "ech",
    "hello_retry",
    "client records",
    "server records",
];

const GAP: &str = "the table counts up to the first gap, or without the FIN's bytes; what was captured after it counts";
const LATE: &str = "bytes that come late in a stream that is not followed count as sent again";
const SPLIT: &str = "the table splits one connection in two";
const NOT_IP: &str = "Linux takes no IP out of this framing";

/// Fields of single captures: the file, how its fields' names begin, and the reason.
pub(crate) const LISTED: [(&str, &[&str], &str); 37] = [
    ("wireshark/pcap/communityid.pcap", BYTES, GAP),
    ("zeek/pcap/communityid/tcp.pcap", BYTES, GAP),
    ("zeek/pcap/finger/standard.pcap", BYTES, GAP),
    ("zeek/pcap/finger/verbose.pcap", BYTES, GAP),
    ("zeek/pcap/ftp/bigtransfer.pcap", BYTES, GAP),
    ("zeek/pcap/http/content-range-gap.pcap", BYTES, GAP),
    ("zeek/pcap/http/entity_gap.pcap", BYTES, GAP),
    ("zeek/pcap/http/entity_gap2.pcap", BYTES, GAP),
    (
        "zeek/pcap/http/zero-length-bodies-with-drops.pcap",
        BYTES,
        GAP,
    ),
    ("zeek/pcap/ldap/gap-data-missing.pcapng", BYTES, GAP),
    ("zeek/pcap/modbus/fuzz-1011.pcap", BYTES, GAP),
    ("zeek/pcap/modbus/fuzz-72.pcap", BYTES, GAP),
    ("zeek/pcap/smtp/smtp-bdat-gap.pcap", BYTES, GAP),
    ("zeek/pcap/spicy/gap-recovery.pcap", BYTES, GAP),
    ("wireshark/pcap/http-ooo.pcap", BYTES, LATE),
    ("wireshark/pcap/http-ooo-fuzzed.pcapng", BYTES, LATE),
    ("wireshark/pcap/http-ooo2.pcap", BYTES, LATE),
    ("wireshark/pcap/tcp-badsegments.pcap", BYTES, LATE),
    ("zeek/pcap/http/concurrent-range-requests.pcap", BYTES, LATE),
    ("zeek/pcap/http/connect-with-smtp.pcap", BYTES, LATE),
    (
        "zeek/pcap/postgresql/psql-aws-ssl-preferred.pcap",
        BYTES,
        LATE,
    ),
    (
        "zeek/pcap/postgresql/psql-aws-ssl-require-15432.pcap",
        BYTES,
        LATE,
    ),
    (
        "zeek/pcap/rfb/vnc-scanner.pcap",
        &["id", "src", "dst", "src bytes", "dst bytes"],
        SPLIT,
    ),
    (
        "zeek/pcap/rfb/vncmac.pcap",
        &["id", "src", "dst", "src bytes", "dst bytes"],
        SPLIT,
    ),
    (
        "zeek/pcap/ssh/ssh.pcap",
        &["mid-stream state"],
        "both sides end it: closed follows lost",
    ),
    ("zeek/pcap/pbb.pcap", &["connection"], NOT_IP),
    (
        "zeek/pcap/dns-inverse-query.pcap",
        &["connection"],
        "FDDI, a link layer that is not read",
    ),
    (
        "zeek/pcap/ipv4/fragmented-4.pcap",
        &["src bytes", "state"],
        "Linux drops fragments that overlap",
    ),
    (
        "zeek/pcap/tunnels/tunnel-direct-bypass.pcap",
        BYTES,
        "half of it is in a tunnel",
    ),
    (
        "zeek/pcap/modbus/fuzz-72.pcap",
        &["state"],
        "urgent data taints whatever the protocol",
    ),
    (
        "wireshark/pcap/rsasnakeoil2.pcap",
        &["client records", "client_random"],
        "the SSLv2-framed hello is a record, and its challenge the client random",
    ),
    (
        "wireshark/pcap/tls-fragmented-handshakes.pcap",
        &["client records", "state"],
        "ten hellos in a row: a second hello taints",
    ),
    (
        "zeek/pcap/tls/tls1.2-late-protocol-error.pcap",
        &["server records"],
        "records of the other side are not counted once one side has tainted the connection",
    ),
    (
        "zeek/pcap/modbus/modbus-and-non-modbus-p502.pcap",
        &["server records", "state"],
        "the answer begins with an empty handshake record, which TLS does not allow: not TLS",
    ),
    (
        "zeek/pcap/modbus/modbus-and-non-modbus-p502.pcap",
        &["id", "src bytes"],
        "conntrack has forgotten the connection 10 seconds after its reset: what comes then is another",
    ),
    (
        "zeek/pcap/tls/chrome-63.0.3211.0-canary-tls_experiment.pcap",
        &["resumed"],
        DRAFT,
    ),
    (
        "zeek/pcap/tls/tls13draft23-chrome67.0.3368.0-canary.pcap",
        &["resumed"],
        DRAFT,
    ),
];

const BYTES: &[&str] = &["src bytes", "dst bytes"];
const DRAFT: &str = "a draft of TLS 1.3 is no version of TLS, and its rules are not known";

/// Why a field is `value`, if that is known. `began` says that the start of the TCP connection was put before it.
pub(crate) fn of(row: &Row, field: &str, value: &Value, began: bool) -> Option<&'static str> {
    let (pcap, _) = row.place();
    let listed = LISTED
        .iter()
        .find(|(file, fields, _)| *file == pcap && fields.contains(&field));
    if let Some((_, _, reason)) = listed {
        return Some(reason);
    }
    if field == "connection" {
        return (row.get("tunnel") != "-").then_some("a tunnel in fragments, or of another kind");
    }
    if !row.has("version") {
        let silent = row.get("bytes_resp") == "0" || row.get("tcp_stream") == "0";
        return (field == "state" && !began && silent)
            .then_some("without the SYN-ACK the connection is picked up in the middle");
    }
    let unknown = field == "state" || IDENTITY.contains(&field) && value.is_null();
    if unknown && row.get("tls_at_start") == "no" {
        return Some("TLS begins after another protocol: not TLS to the end");
    }
    if unknown && began && row.get("ch_count") == "0" {
        return Some("the capture begins after the ClientHello, or has the server's side only");
    }
    if field == "state" && row.get("gaps") != "0" {
        return Some("bytes or a FIN are acknowledged that the capture lacks: lost");
    }
    let draft = row.get("version").contains("draft");
    (draft && (unknown || field.ends_with(" records"))).then_some(DRAFT)
}
