// SPDX-License-Identifier: GPL-2.0-only

//! What `iptables -m tlsconn --help` says.

pub(crate) const HELP: &str = concat!(
    "tlsconn match, version ",
    env!("CARGO_PKG_VERSION"),
    "\n\
tlsconn match options (-p tcp only, at least one condition; all given must hold):
[!] --record-type TYPE[,TYPE...]
                         The packet carries bytes of a TLS record of such a type:
                         change-cipher-spec, alert, handshake, application-data,
                         heartbeat (or 20 to 24), unknown (bytes whose record
                         cannot be known), in-doubt (TLS 1.3: handshake or data),
                         none (no payload)
    --wire               Compare the type in the record header. Without it, what the
                         record carries: TLS 1.3 sends handshake records as type 23
    --all                Every payload byte is of such a type, instead of any byte
[!] --state STATE[,STATE...]
                         The TLS connection is new, hello, handshake, established,
                         closed, not-tls, lost or tainted
[!] --pinned             The connection mark carries the pin mark (tlsconnctl pin)
    --pin-mark VALUE[/MASK]
                         Which mark that is (default 0x54000000/0xff000000)
What the hellos said; false, with ! too, until the hello is complete; if it never
will be (not TLS, lost, tainted), false, and true with !:
[!] --tls-version VER[:VER]
                         Negotiated version, or range: ssl3, 1.0, 1.1, 1.2, 1.3
[!] --resumed            The connection resumes a session
[!] --sni PATTERN        Server name asked for; * and ? are wildcards
[!] --no-sni             No server name was asked for
[!] --alpn PROTOCOL      First protocol offered, such as h2; \\xNN for an octet
[!] --ech                Encrypted ClientHello was offered
[!] --session-id HEX     The client's or the server's session id begins so
[!] --client-random HEX  The client random begins so (1 to 32 octets)
[!] --server-random HEX  The server random begins so

Drop application data of every connection that is not pinned; handshakes pass:
  iptables -A FORWARD -p tcp --dport 443 -m tlsconn ! --pinned \\
           --record-type application-data,heartbeat,unknown -j DROP
Reset connections to names below example.org that do not negotiate TLS 1.3:
  iptables -A FORWARD -p tcp --dport 443 -m tlsconn --sni '*.example.org' \\
           ! --tls-version 1.3 -j REJECT --reject-with tcp-reset
xt_tlsconn(8) has more.
"
);
