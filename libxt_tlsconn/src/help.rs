// SPDX-License-Identifier: GPL-2.0-only

//! What `iptables -m tlsconn --help` says.

pub(crate) const HELP: &str = "\
tlsconn match options (-p tcp only, at least one condition; all given must hold):
[!] --record-type TYPE[,TYPE...]
                         The packet carries bytes of a TLS record of such a type:
                         change-cipher-spec, alert, handshake, application-data,
                         heartbeat (or 20 to 24), unknown (bytes whose record
                         cannot be known), none (no payload)
    --wire               Compare the type in the record header. Without it, what the
                         record carries: TLS 1.3 sends handshake records as type 23
    --all                Every payload byte is of such a type, instead of any byte
[!] --state STATE[,STATE...]
                         The TLS connection is new, hello, handshake, established,
                         closed, not-tls, lost or tainted
[!] --pinned             The connection mark carries the pin mark (tlsconnctl pin)
    --pin-mark VALUE[/MASK]
                         Which mark that is (default 0x54000000/0xff000000)

Drop application data of every connection that is not pinned; handshakes pass:
  iptables -A FORWARD -p tcp --dport 443 -m tlsconn ! --pinned \\
           --record-type application-data,heartbeat,unknown -j DROP
Log the packets of connections that cannot be followed or contradict themselves:
  iptables -A FORWARD -p tcp --dport 443 -m tlsconn --state lost,tainted -j LOG
";
