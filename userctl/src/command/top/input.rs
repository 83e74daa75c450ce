// SPDX-License-Identifier: GPL-2.0-only

//! What comes from outside: keys, another size of the terminal, signals.

use std::{
    io,
    sync::mpsc::{self, Receiver},
    thread,
};

use ratatui::crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
};

/// Something that has come.
pub(crate) enum Input {
    Key(KeyEvent),
    Resized,
    /// A signal that ends the program.
    Signal(i32),
    /// No more keys come.
    Lost(io::Error),
}

/// Listens from now on. Signals that come do not end the program by themselves any more.
pub(crate) fn listen() -> io::Result<Receiver<Input>> {
    let (sender, inputs) = mpsc::channel();
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let told = sender.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            if told.send(Input::Signal(signal)).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || loop {
        let input = match event::read() {
            Ok(Event::Key(key)) if key.kind == KeyEventKind::Release => continue,
            Ok(Event::Key(key)) => Input::Key(key),
            Ok(Event::Resize(..)) => Input::Resized,
            Ok(_) => continue,
            Err(error) => Input::Lost(error),
        };
        let is_lost = matches!(input, Input::Lost(_));
        if sender.send(input).is_err() || is_lost {
            return;
        }
    });
    Ok(inputs)
}
