// SPDX-License-Identifier: GPL-2.0-only

//! What is written by hand for the manual pages.

/// A section of a page: a heading and its paragraphs.
pub(super) type Prose = (&'static str, &'static [Paragraph]);

/// A paragraph.
pub(super) enum Paragraph {
    /// Plain text.
    Text(&'static str),
    /// A term and what is said of it.
    Term(&'static str, &'static str),
    /// A command line, as it is typed.
    Line(&'static str),
}

use Paragraph::{Line, Term, Text};

const EXIT_STATUS: Prose = (
    "EXIT STATUS",
    &[
        Term("0", "Done."),
        Term("1", "The command failed; doctor: something is wrong."),
        Term("2", "The arguments are wrong."),
        Term("3", "There is no such connection, pin or set."),
        Term("4", "Several connections fit; they are listed."),
        Term(
            "5",
            "The module is not loaded, or the caller lacks CAP_NET_ADMIN.",
        ),
    ],
);

const OF_THE_TOOL: &[Prose] = &[
    (
        "CONNECTIONS AND PINS",
        &[
            Text("xt_tlsconn follows the TLS records and the handshake of every TCP connection that a network namespace \
                  forwards, opens or accepts, while an iptables rule there uses the match tlsconn, or after tlsconnctl \
                  track on. Each connection has an id, which is never used again while the module is loaded."),
            Text("A pin gives one of them a connection mark. Rules with -m tlsconn --pinned, -m connmark, or nft's ct \
                  mark let through the connection that carries it. A pin is bound to one connection and to no other: neither to a \
                  parallel connection between the same hosts nor to a connection that resumes its session."),
        ],
    ),
    (
        "EXAMPLES",
        &[
            Text("Hold the data of all TLS connections, check that nothing gets around the rules, and let one connection through:"),
            Line("tlsconnctl rules | iptables-restore --noflush"),
            Line("tlsconnctl doctor"),
            Line("tlsconnctl list"),
            Line("tlsconnctl pin 7"),
        ],
    ),
    (
        "ENVIRONMENT",
        &[Term("NO_COLOR", "If it is set and not empty, tables have no colour. On a pipe they have none anyway.")],
    ),
    EXIT_STATUS,
    (
        "LIMITS",
        &[
            Text("What was held arrives with its sender's next retransmission: up to two minutes after the pin. A held \
                  sender gives up after its retransmission limit, about 15 minutes on Linux."),
            Text("In TLS 1.3 handshake records are known by order, length and acknowledgement. Endpoints that work \
                  together can hide some data in records that may be handshake: 128 KiB of a server's flight, 8 KiB \
                  after its Finished, 40 KiB of a client's certificate flight. The last two read in-doubt, and \
                  rules --strict holds them. Early data, and data in one segment with \
                  the end of a handshake, wait for the pin, and the connection waits with them."),
            Text("QUIC is UDP and is not seen. Packets of offloaded connections pass no rule. In the raw table, which \
                  comes before conntrack, every connection reads untracked."),
            Text("doctor says unknown of what it cannot tell, such as a rule that asks for an address, a packet mark or a set. It \
                  does not see tc, XDP and BPF programs that redirect packets, nor hardware offload, and it does not examine \
                  INPUT and OUTPUT."),
        ],
    ),
    (
        "SEE ALSO",
        &[Text("iptables(8), iptables-extensions(8), conntrack(8), nft(8), and a page for each command, such as \
                tlsconnctl-pin(8)")],
    ),
];

/// A term for each row of tlsconn's facts.
macro_rules! terms {
    ($name:ident $heading:literal $($text:literal)?
        $({ $variant:ident $number:ident $word:literal $means:literal $($more:tt)* })+) => {
        const $name: Prose = ($heading, &[$(Text($text),)? $(Term($word, $means),)+]);
    };
}

crate::states! { terms STATES "STATES" }

const OF_PIN: &[Prose] = &[
    (
        "NOTES",
        &[
            Text("With --next the pin is armed. It is reserved for the first connection whose ClientHello fits, and bound \
                  to it when the ServerHello acknowledges that ClientHello: to exactly one connection, however many begin \
                  in the same moment. If no such ServerHello comes, the reservation ends with its connection, or after ten \
                  seconds when another ClientHello fits."),
            Text("An id always means the connection that list showed under it: ids are never used again. A \
                  selector has to fit exactly one live connection. If several fit, nothing is pinned, and they are listed."),
            Text("The mark is written into conntrack's entry: conntrack -L --mark 0x54000000/0xff000000 shows it, and \
                  other bits of the mark stay as they are. Somebody else may have set the pin's mark on other \
                  connections: tlsconnctl pins shows them, and pin and unpin clear it from them. The marks of the pins of \
                  one namespace must not overlap."),
        ],
    ),
    (
        "EXAMPLES",
        &[
            Line("tlsconnctl pin 7"),
            Line("tlsconnctl pin --sni www.example.org --src 10.1.0.2"),
            Line("tlsconnctl pin 9 --replace"),
            Line("tlsconnctl pin 9 --name second --mark 0x1/0x1"),
            Line("tlsconnctl pin --next --sni www.example.org --for 10m"),
        ],
    ),
    EXIT_STATUS,
];

const OF_TOP: &[Prose] = &[
    (
        "COLUMNS",
        &[
            Term(
                "AGE, IDLE",
                "How long ago its first packet came, and how long ago its last one.",
            ),
            Term("SRC/s, DST/s", "Bytes of payload a second, from each end, since the connections were read before."),
            Term("SNI", "The server name that the client says. Of one that has no room the middle is left out."),
            Term("PIN", "Its pin; (waits) where it has sent what rules hold and has no pin."),
            Term("STATE, REASON, SOURCE, DESTINATION, ID", "As list and show have them."),
        ],
    ),
    (
        "KEYS",
        &[
            Term("Up, Down, PageUp, PageDown, Home, End", "Select a connection."),
            Term("Enter", "Every field of it."),
            Term("p", "Pin it: the pin default, which one connection has."),
            Term("a", "Add it to a shared pin, whose name is asked for."),
            Term("d", "Deny it: add it to a pin that `tlsconnctl rules --deny` resets. Its name is asked for."),
            Term("u", "Take it out of its pin."),
            Term(
                "/",
                "A line for selectors, which are tried while they are typed. Enter keeps them, Esc takes them back.",
            ),
            Term("<, >, s, r", "Sort by the column to the left, to the right, or whose heading is typed; the other way round."),
            Term("Space, Ctrl-L", "Read the connections now; draw the screen anew."),
            Term("?, q", "Help; leave."),
        ],
    ),
    (
        "NOTES",
        &[
            Text("Where there is no room the columns DESTINATION, SOURCE, REASON and so on are left out. Names are cut last."),
            Text("What happens to pins and connections stays when top ends. The rules hold what is not pinned, whether \
                  top runs or not."),
        ],
    ),
    EXIT_STATUS,
];

const OF_MONITOR: &[Prose] = &[(
    "EVENTS",
    &[
        Term(
            "connection-new, established, resumed, tainted, lost, closed",
            "Of connections, each with its fields at that \
              time.",
        ),
        Term(
            "data-waiting",
            "A connection without a pin has sent its first bytes that rules hold: application-data, heartbeat or unknown, \
              with track on --strict in-doubt too. Told once, and once more after each unpin.",
        ),
        Term(
            "pin-armed, pin-bound, pin-released",
            "Of pins. A release has a reason: unpinned, replaced, expired, closed \
              (the connection ended) or gone (conntrack dropped its entry).",
        ),
        Term(
            "events-lost",
            "Events came faster than they were read, and some were lost. Later events follow.",
        ),
    ],
)];

const OF_RULES: &[Prose] = &[
    (
        "NOTES",
        &[
            Text("The jump to the new chain stands before all other rules, because a rule that accepts established \
                  connections would let data pass. If you load the output again, the chain is emptied and filled anew, and \
                  rules that you have put into it are gone. Jumps that are there go, and new ones are made before all other \
                  rules, also if --port, --src or --dst differ now. The output removes the jumps that are there when it is \
                  printed: print it again before you load it again. --load does both, and --unload removes everything."),
            Text("With --format nft a table of its own is replaced in one step, so that the same text can be loaded any \
                  number of times, and data is held meanwhile. What it holds is decided by the pass mark: without \
                  `tlsconnctl track on --pass-mark`, and without the module, only pinned connections pass. A queue \
                  (NFQUEUE) at priority filter - 5 could change the bit, and takes one that was set before away."),
            Text("Pins with a mark of their own need a rule of their own before the others: -m tlsconn --pinned --pin-mark \
                  VALUE/MASK -j RETURN."),
            Text("With --on-data reset a held packet is answered with a reset to its sender; the other side does not \
                  notice."),
        ],
    ),
    (
        "EXAMPLES",
        &[
            Line("tlsconnctl rules --load"),
            Line("tlsconnctl rules | iptables-restore --noflush"),
            Line("tlsconnctl rules --port 443,8443 --dst 2001:db8::/32 | ip6tables-restore --noflush"),
            Line("tlsconnctl track on --pass-mark 0x00800000"),
            Line("tlsconnctl rules --format nft | nft -f -"),
        ],
    ),
];

const OF_SET: &[Prose] = &[
    (
        "NOTES",
        &[
            Text("A file for load has one name a line; text after a # is a comment. Lines as in /etc/hosts, an address and names, do \
                  too. If a line is no name, nothing is changed, and the error says which line it is."),
            Text("load, add and del take effect in one step: packets see the old names or the new ones. Each of them makes the whole \
                  table anew, so give add and del several names at once. If the command is interrupted, the set stays as it was."),
            Text("A hit is a packet that a rule with --sni-set found in the set, with ! too. It counts for the set and for the \
                  name that the host is in it by: itself, else the smallest of its domains. A name's hits go on as long as the name \
                  stays. Pins, lists and test count nothing."),
            Text("A set that a rule or an armed pin asks is not destroyed. Memory is charged to who loads the names: some 20 MB for \
                  a million of 17 bytes, and as much again while they are replaced."),
        ],
    ),
    (
        "EXAMPLES",
        &[
            Line("tlsconnctl set load blocked names.txt"),
            Line("iptables -I FORWARD -p tcp --dport 443 -m tlsconn --sni-set blocked -j REJECT --reject-with tcp-reset"),
            Line("tlsconnctl set add blocked www.example.org .ads.example"),
            Line("tlsconnctl set show blocked --hits"),
            Line("tlsconnctl pin --next --shared --deny --name bad --sni-set blocked"),
        ],
    ),
];

crate::counters! { terms COUNTERS "COUNTERS" "Of the network namespace, since the module was loaded." }
crate::reasons! { terms REASONS "REASONS" "Why a connection is lost, tainted or not TLS." }

const OF_INSPECT: &[Prose] = &[(
    "EXAMPLES",
    &[
        Line("tcpdump -w capture.pcap -c 1000 tcp port 443"),
        Line("tlsconnctl inspect capture.pcap --packets"),
        Line("tlsconnctl inspect capture.pcap --explain"),
    ],
)];

/// The prose of a command's page, or of the tool's.
pub(super) fn of(command: Option<&str>) -> &'static [Prose] {
    match command {
        None => OF_THE_TOOL,
        Some("list") => &[STATES],
        Some("top") => OF_TOP,
        Some("pin") => OF_PIN,
        Some("monitor") => OF_MONITOR,
        Some("rules") => OF_RULES,
        Some("set") => OF_SET,
        Some("stats") => &[COUNTERS, REASONS],
        Some("inspect") => OF_INSPECT,
        Some(_) => &[],
    }
}
