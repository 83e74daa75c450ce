// SPDX-License-Identifier: GPL-2.0-only

//! What `iptables -m tlsconn --help` says.

use crate::options::{Opt, OPTIONS};

/// Columns of a line, and the one in which what an option means begins.
const WIDTH: usize = 80;
const COLUMN: usize = 25;

const BEGIN: &str = concat!(
    "tlsconn match, version ",
    env!("CARGO_PKG_VERSION"),
    "\ntlsconn match options (-p tcp only; give at least one condition; all must be true):\n"
);

const HELLOS: &str = "\
What the hellos said. Until the hello is complete, these are false, with ! too.
If it never will be complete (not TLS, lost, tainted), they are false, and true
with !:
";

const END: &str = "
Drop application data of every connection that is not pinned; handshakes pass:
  iptables -A FORWARD -p tcp --dport 443 -m tlsconn ! --pinned \\
           --record-type application-data,heartbeat,unknown -j DROP
Reset connections to names below example.org that do not negotiate TLS 1.3:
  iptables -A FORWARD -p tcp --dport 443 -m tlsconn --sni '*.example.org' \\
           ! --tls-version 1.3 -j REJECT --reject-with tcp-reset
xt_tlsconn(8) has more.
";

/// The whole text.
pub(crate) fn text() -> String {
    let lines = |of_hellos: bool| {
        let options = OPTIONS.iter();
        options
            .filter(move |option| option.is_of_hellos == of_hellos)
            .map(lines)
            .collect::<String>()
    };
    [BEGIN, &lines(false), HELLOS, &lines(true), END].concat()
}

/// An option and what it means, which begins on a line of its own if there is no room for it.
fn lines(option: &Opt) -> String {
    let begin = if option.is_detail { "    " } else { "[!] " };
    let space = if option.value.is_empty() { "" } else { " " };
    let name = format!("{begin}--{}{space}{}", option.name(), option.value);
    let mut text = match name.len() < COLUMN {
        true => format!("{name:COLUMN$}"),
        false => format!("{name}\n{:COLUMN$}", ""),
    };
    let mut column = COLUMN;
    for word in sentence(option).split(' ') {
        if column != COLUMN && column + 1 + word.len() > WIDTH {
            text += &format!("\n{:COLUMN$}", "");
            column = COLUMN;
        }
        let space = if column == COLUMN { "" } else { " " };
        text += space;
        text += word;
        column += space.len() + word.len();
    }
    text + "\n"
}

/// What it means, as people read it on a terminal.
fn sentence(option: &Opt) -> String {
    let mut text = option.means.to_owned();
    let words = (option.words)().join(", ");
    for (separator, more) in [(": ", words.as_str()), (". ", option.more)] {
        if !more.is_empty() {
            text += separator;
            text += more;
        }
    }
    text.replace('`', "")
}
