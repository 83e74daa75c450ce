// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl top`: the connections as they are now, on a terminal.

mod app;
mod choice;
mod column;
mod draw;
mod help;
mod input;
mod layout;
mod model;
mod module;
mod prompt;
mod row;
mod screen;
#[cfg(test)]
mod tests;

use std::{
    env,
    io::{self, IsTerminal},
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use clap::Args;
use signal_hook::low_level::emulate_default_handler;

use self::{
    app::{App, Asked},
    choice::Choice,
    draw::Paint,
    input::Input,
    module::Module,
    screen::Screen,
};
use crate::{
    failure::{Code, Failure},
    output::Output,
    time::Time,
};

/// Of a processor's time, reading takes one part in so many at most, however many connections there are.
const SHARE: u32 = 5;

/// Watch connections on a terminal: sort, filter, pin and deny them
///
/// All connections are read again every two seconds, and less often if that would take more than a fifth of a processor's time. A row
/// stays selected when it moves. When its connection is no longer shown, nothing is selected. The key ? lists the keys.
///
/// Closed connections and connections that are not TLS are left out, unless --all or their --state is given. Selectors choose what is
/// shown. The key / asks for more selectors, and tries them while you type.
#[derive(Args, Debug)]
pub(crate) struct Top {
    /// How long until the connections are read again, from 0.1 on
    #[arg(short, long, value_name = "SECONDS", default_value = "2", value_parser = delay)]
    delay: Duration,
    #[command(flatten)]
    choice: Choice,
}

/// What ended it.
enum End {
    Left,
    Signal(i32),
}

impl Top {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        if output.json || dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(Failure::usage(
                "top draws on a terminal, and here is none; `tlsconnctl list` and `tlsconnctl monitor` are for scripts",
            ));
        }
        // What fails at once is told as other commands do.
        let mut module = Module::default();
        let mut app = App::new(self.choice.clone());
        let (members, connections) = module.read(&app.model.sets())?;
        for ids in members.values() {
            ids.as_ref().map_err(Failure::clone)?;
        }
        app.know(members);
        app.load(Duration::ZERO, connections.into_iter());
        let paint = Paint {
            colour: output.colour,
        };
        let inputs = input::listen().map_err(|error| broken(&error))?;
        let mut screen = Screen::open().map_err(|error| broken(&error))?;
        let end = self.follow(&mut app, &mut module, &mut screen, &inputs, paint);
        drop(screen);
        if let End::Signal(signal) = end? {
            // As it would have ended without us, for who waits for it.
            let _ = emulate_default_handler(signal);
        }
        Ok(())
    }

    fn follow(
        &self,
        app: &mut App,
        module: &mut Module,
        screen: &mut Screen,
        inputs: &Receiver<Input>,
        paint: Paint,
    ) -> Result<End, Failure> {
        let start = Instant::now();
        let mut due = start + self.delay;
        loop {
            let begun = Instant::now();
            if begun >= due {
                match module.read(&app.model.sets()) {
                    Ok((members, connections)) => {
                        app.know(members);
                        app.load(Duration::from_nanos(Time::now().0), connections.into_iter());
                    }
                    Err(failure) => app.unread = Some(failure.message),
                }
                due = Instant::now() + self.delay.max(begun.elapsed() * (SHARE - 1));
            }
            screen
                .draw(|frame| paint.draw(frame, app))
                .map_err(|error| broken(&error))?;
            // All that has come, before it is drawn again.
            let wait = due.saturating_duration_since(Instant::now());
            let mut input = inputs.recv_timeout(wait);
            loop {
                match input {
                    Ok(Input::Key(key)) => match app.key(key) {
                        Asked::Leave => return Ok(End::Left),
                        Asked::Nothing => {}
                        Asked::Read => due = begun,
                        Asked::Redraw => screen.clear().map_err(|error| broken(&error))?,
                        Asked::Suspend => screen.suspend().map_err(|error| broken(&error))?,
                        Asked::Do(act) => {
                            match module.act(&act) {
                                Ok(done) => app.say(done, false),
                                Err(failure) => app.say(failure.message, true),
                            }
                            due = begun;
                        }
                    },
                    Ok(Input::Resized) => {}
                    Ok(Input::Signal(signal)) => return Ok(End::Signal(signal)),
                    Ok(Input::Lost(error)) => return Err(broken(&error)),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return Ok(End::Left),
                }
                input = inputs.recv_timeout(Duration::ZERO);
            }
        }
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure::new(
        Code::Failed,
        format!("the terminal does not work: {error}; see that it is still there"),
    )
}

/// Reads a number of seconds.
fn delay(text: &str) -> Result<Duration, &'static str> {
    let seconds: Option<f64> = text.parse().ok();
    let seconds = seconds.filter(|seconds| (0.1..=3600.0).contains(seconds));
    let seconds = seconds.ok_or("a number of seconds from 0.1 to 3600, as 2 or 0.5")?;
    Ok(Duration::from_secs_f64(seconds))
}
