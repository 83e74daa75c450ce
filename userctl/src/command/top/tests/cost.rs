// SPDX-License-Identifier: GPL-2.0-only

//! What ten thousand connections cost.

use nix::time::{clock_gettime, ClockId};
use ratatui::{backend::TestBackend, Terminal};

use super::*;
use crate::command::top::{column::Column, draw::Paint};

const CONNECTIONS: u64 = 10_000;
/// Without optimisation it costs several times as much.
const SLOW: bool = cfg!(debug_assertions);
const TIMES: u64 = if SLOW { 20 } else { 100 };
/// How often the connections are read, by default.
const REFRESH: u64 = 2;
/// What may be used of a processor, in hundredths.
const MOST: f64 = if SLOW { 25.0 } else { 5.0 };

/// The processor's time that this thread has used.
fn used() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .expect("Linux has it")
        .into()
}

#[test]
fn ten_thousand_connections_drawn_again_and_again() {
    let mut app = App::new(Choice::default());
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).expect("a test's terminal");
    let mut spent = Duration::ZERO;
    let made: Vec<_> = (1..=CONNECTIONS).map(made).collect();
    for time in 0..TIMES {
        // Making them up is no part of it.
        let connections: Vec<_> = made
            .iter()
            .map(|made| Connection {
                bytes: sent(made.id * 3 + time, made.id * 50 + time * (made.id % 100)),
                ..made.clone()
            })
            .collect();
        let before = used();
        app.load(
            SECOND * u32::try_from(time * REFRESH).expect("few"),
            connections.into_iter(),
        );
        // The worst order: names, which are alike at their beginnings.
        app.model.sort_by(Column::Sni);
        terminal
            .draw(|frame| Paint { colour: true }.draw(frame, &mut app))
            .expect("it draws");
        spent += used() - before;
    }
    let percent = 100.0 * spent.as_secs_f64() / (TIMES * REFRESH) as f64;
    println!("{CONNECTIONS} connections, every {REFRESH} s: {percent:.2} % of a processor, without reading them");
    assert!(percent < MOST, "{percent:.2} %");
}
