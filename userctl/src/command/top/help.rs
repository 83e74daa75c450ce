// SPDX-License-Identifier: GPL-2.0-only

//! What the keys are, for the screen.

/// The last line of the table.
pub(crate) const KEYS: &str =
    "? help  / filter  <> sort  p pin  a add to shared  d deny  u unpin  q leave";
/// The last line of a text.
pub(crate) const BACK: &str = "q back  p pin  a add to shared  d deny  u unpin";

pub(crate) const TEXT: &str = "\
Up, Down, PageUp, PageDown, Home, End    select a connection
Enter    every field of it
p        pin it: the pin default, which one connection has
a        add it to a shared pin, whose name is asked for
d        deny it: add it to a pin that `tlsconnctl rules --deny` resets
u        take it out of its pin

/        show only what fits selectors, as the command line takes them:
         --waiting, --sni '*.example.org', --sni-set NAME,
         --state established --src 10.1.0.0/16
         Enter keeps them, Esc takes them back; an empty line shows all
< >      sort by the column to the left, to the right
s        sort by the column whose heading is typed
r        the other way round

Space    read the connections now
Ctrl-L   draw the screen anew
Ctrl-Z   stop the program, as a shell does
?        this help
q        leave

AGE, IDLE      how long ago its first packet came, and its last one
SRC/s, DST/s   bytes a second that each end sends
(waits)        it has sent what rules hold, and has no pin; what was held comes
               with its sender's next retransmission
";
