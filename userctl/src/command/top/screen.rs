// SPDX-License-Identifier: GPL-2.0-only

//! The terminal: taken, drawn on, and given back as it was.

use std::{
    io::{self, BufWriter, Stdout},
    panic,
    sync::Once,
};

use ratatui::{
    backend::CrosstermBackend,
    crossterm::{
        cursor::Show,
        execute,
        terminal::{disable_raw_mode, enable_raw_mode, EnterAlternateScreen, LeaveAlternateScreen},
    },
    Frame, Terminal,
};
use signal_hook::{consts::SIGTSTP, low_level::emulate_default_handler};

/// More than a screen takes, so that it is written at once and does not flicker.
const BUFFER: usize = 1 << 18;

/// The terminal, while it is ours.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal. It is given back when this goes, and when the program panics.
    pub(crate) fn open() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let then = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                leave();
                then(panic);
            }));
        });
        let stdout = BufWriter::with_capacity(BUFFER, io::stdout());
        let terminal = Terminal::new(CrosstermBackend::new(stdout))?;
        enter()?;
        Ok(Self { terminal })
    }

    /// Draws what has changed since the last time.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }

    /// Has all of it drawn the next time.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Stops the program until somebody has it go on; the terminal is the shell's meanwhile.
    pub(crate) fn suspend(&mut self) -> io::Result<()> {
        leave();
        emulate_default_handler(SIGTSTP)?;
        enter()?;
        self.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen).inspect_err(|_| leave())
}

/// Nobody is left to tell when this fails: the terminal has gone.
fn leave() {
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use super::*;

    /// Run by the next test alone, on a terminal.
    #[test]
    #[ignore = "takes the terminal and panics"]
    fn panics_on_a_screen() {
        let _screen = Screen::open().expect("there is a terminal");
        panic!("on purpose");
    }

    #[test]
    fn a_panic_gives_the_terminal_back() {
        let this = env::current_exe().expect("it runs");
        let test = concat!(module_path!(), "::panics_on_a_screen");
        let (_, test) = test.split_once("::").expect("a crate's module");
        let run = format!(
            "stty -a; '{}' --exact {test} --ignored --nocapture; stty -a",
            this.display()
        );
        let done = Command::new("script")
            .args(["--quiet", "--command", &run, "/dev/null"])
            .env("TERM", "xterm")
            .output()
            .expect("script(1) is there");
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let place = |what: &str| said.find(what).unwrap_or_else(|| panic!("{what}: {said}"));
        let taken = place("\x1b[?1049h");
        let given_back = place("\x1b[?1049l");
        assert!(
            taken < given_back && given_back < place("on purpose"),
            "{said}"
        );
        let modes = said.split("speed ").skip(1);
        let modes: Vec<Vec<&str>> = modes
            .map(|modes| modes.lines().take(10).collect())
            .collect();
        assert_eq!(modes.len(), 2, "{said}");
        assert_eq!(modes[0], modes[1], "{said}");
        assert!(modes[0].concat().contains(" icanon"), "{said}");
    }
}
