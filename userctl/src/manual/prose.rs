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
            Text("The module xt_tlsconn follows the TLS records and the handshake of every TCP connection that a network \
                  namespace forwards, opens or accepts. It does so while an iptables rule there uses the match tlsconn, or after \
                  tlsconnctl track on. Each connection has an id. Ids are never used again while the module is loaded."),
            Text("A pin gives one connection a connection mark. Rules with -m tlsconn --pinned, -m connmark, or nft's ct \
                  mark let the connection pass that carries this mark. A pin is bound to one connection only. A parallel \
                  connection between the same hosts does not get it, nor does a connection that resumes its session."),
            Text("Rules hold the data of other connections: they drop its packets, and the sender sends them again until the \
                  connection is pinned, or the sender gives up."),
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
            Text("Held data arrives with its sender's next retransmission, up to two minutes after the pin. A held \
                  sender gives up after its retransmission limit, about 15 minutes on Linux."),
            Text("In TLS 1.3 the module tells handshake records from data by order, length and acknowledgement. Endpoints \
                  that work together can hide some data in records that may be handshake: 128 KiB of a server's flight, 8 KiB \
                  after its Finished, 40 KiB of a client's certificate flight. The last two read in-doubt, and \
                  rules --strict holds them."),
            Text("Early data waits for the pin, and so does data in one segment with the end of a handshake. The whole \
                  connection waits then."),
            Text("QUIC is UDP, and the module does not see it. Packets of offloaded connections pass no rule. In the raw \
                  table, which comes before conntrack, every connection reads untracked."),
            Text("doctor says unknown if it cannot tell, for example because a rule asks for an address, a packet mark or a set. \
                  It does not see hardware offload, nor tc, XDP and BPF programs that redirect packets. It does not examine \
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
            Text("With --next the pin is armed: it waits. The first connection whose ClientHello fits reserves it. When the \
                  ServerHello acknowledges that ClientHello, the pin is bound to the connection. That is exactly one connection, \
                  however many begin at the same moment. If no such ServerHello comes, the reservation ends with its connection. \
                  It also ends after ten seconds, if another ClientHello fits."),
            Text("An id always means the connection that list showed with it, because ids are never used again. A \
                  selector has to fit exactly one live connection. If several fit, nothing is pinned, and they are listed."),
            Text("The mark is written into conntrack's entry; conntrack -L --mark 0x54000000/0xff000000 shows it. \
                  Other bits of the mark stay as they are. Somebody else may have set the pin's mark on other \
                  connections. tlsconnctl pins shows them, and pin and unpin clear the mark from them. The marks of the pins of \
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
            Term("SRC/s, DST/s", "Bytes of payload a second, from each end, since the connections were last read."),
            Term("SNI", "The server name that the client says. If there is no room, the middle is left out."),
            Term("PIN", "Its pin. (waits): it has sent data that rules hold, and has no pin."),
            Term("STATE, REASON, SOURCE, DESTINATION, ID", "As list and show have them."),
        ],
    ),
    (
        "KEYS",
        &[
            Term("Up, Down, PageUp, PageDown, Home, End", "Select a connection."),
            Term("Enter", "Every field of it."),
            Term("p", "Pin it with the pin default, which only one connection can have."),
            Term("a", "Add it to a shared pin. The name of the pin is asked for."),
            Term("d", "Deny it: add it to a pin that `tlsconnctl rules --deny` resets. The name of the pin is asked for."),
            Term("u", "Take it out of its pin."),
            Term(
                "/",
                "Type selectors. They are tried while you type. Enter keeps them, Esc takes them back.",
            ),
            Term("<, >, s, r", "Sort by the column to the left, to the right, or whose heading you type; the other way round."),
            Term("Space, Ctrl-L", "Read the connections now; draw the screen again."),
            Term("?, q", "Help; leave."),
        ],
    ),
    (
        "NOTES",
        &[
            Text("If there is no room, the columns DESTINATION, SOURCE, REASON and so on are left out. Names are cut last."),
            Text("Pins stay when top ends. The rules hold what is not pinned, whether top runs or not."),
        ],
    ),
    EXIT_STATUS,
];

const OF_MONITOR: &[Prose] = &[(
    "EVENTS",
    &[
        Term(
            "connection-new, established, resumed, tainted, lost, closed",
            "Something happened to a connection. The event has the connection's fields at that \
              time.",
        ),
        Term(
            "data-waiting",
            "A connection without a pin has sent its first bytes that rules hold: application-data, heartbeat or unknown, \
              with track on --strict in-doubt too. This event comes once, and once more after each unpin.",
        ),
        Term(
            "pin-armed, pin-bound, pin-released",
            "Something happened to a pin. A release has a reason: unpinned, replaced, expired, closed \
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
            Text("The jump to the new chain comes before all other rules, because a rule that accepts established \
                  connections would let data pass. If you load the output again, the chain is emptied and filled again, and \
                  rules that you have put into it are gone. Old jumps are removed, and new ones are made before all other \
                  rules, even if --port, --src or --dst have changed. The output removes the jumps that are there when it is \
                  printed. So print it again before you load it again. --load does both, and --unload removes everything."),
            Text("With --format nft, a table is replaced in one step. You can load the same text any number of times, and data is \
                  held meanwhile. The pass mark decides what the table holds. Without `tlsconnctl track on --pass-mark`, and \
                  without the module, only pinned connections pass. A program that answers for a queue (NFQUEUE) at priority \
                  filter - 5 could change the bit."),
            Text("Name pins other than default with --allow. Or give such a pin a rule before the others: -m tlsconn --pinned \
                  --pin-mark VALUE/MASK -j RETURN."),
            Text("With --on-data reset, the sender of a held packet gets a reset. The other side does not notice."),
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
            Text("A file for load has one name a line. Text after a # is a comment. Lines as in /etc/hosts, an address and names, \
                  work too. If a line is not a name, nothing is changed, and the error names the line."),
            Text("load, add and del take effect in one step: packets see the old names or the new ones. Each of them builds the whole \
                  table again, so give add and del several names at once. If the command is interrupted, the set stays as it was."),
            Text("A hit is a packet whose name a rule with --sni-set found in the set, with ! too. It counts for the set, and for one \
                  name in it: the host itself, else the smallest domain that contains it. A name keeps its count while it stays \
                  in the set. Pins, lists and test count nothing."),
            Text("You cannot destroy a set that a rule or an armed pin uses. Memory is charged to the process that loads the names: \
                  about 20 MB for a million names of 17 bytes, and as much again while they are replaced."),
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

crate::counters! { terms COUNTERS "COUNTERS" "They count for the network namespace, since the module was loaded." }
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
