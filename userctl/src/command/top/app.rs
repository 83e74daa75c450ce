// SPDX-License-Identifier: GPL-2.0-only

//! What keys do.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    choice::{Choice, Members},
    layout::Needs,
    model::{Go, Model},
    prompt::{Ask, Prompt, Typed},
};
use crate::{mark::PinName, model::Connection};

/// All that is on the screen.
pub(crate) struct App {
    pub(crate) model: Model,
    pub(crate) view: View,
    pub(crate) prompt: Option<Prompt>,
    /// What came of the last action.
    pub(crate) said: Option<Said>,
    /// Why the connections could not be read the last time.
    pub(crate) unread: Option<String>,
    /// The selectors that were typed.
    pub(crate) filter: String,
    /// The names that were typed last.
    shared: String,
    denied: String,
    /// How wide the columns have been, so that they do not jump; and how many lines a page has.
    pub(crate) needs: Needs,
    pub(crate) page: usize,
}

/// What is looked at.
pub(crate) enum View {
    Table,
    /// Every field of a connection, as it was last read, from this line on.
    Fields {
        connection: Box<Connection>,
        is_gone: bool,
        first: usize,
    },
    Help {
        first: usize,
    },
}

/// A result, or an error.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

/// What a key asks of the program.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    Nothing,
    Leave,
    /// To be stopped, as by a shell's job control.
    Suspend,
    /// To draw everything anew.
    Redraw,
    /// To read the connections now.
    Read,
    Do(Act),
}

/// What is done with a connection.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Act {
    Pin(u64),
    Share(u64, PinName),
    Deny(u64, PinName),
    Unpin(u64, PinName),
}

impl App {
    pub(crate) fn new(choice: Choice) -> Self {
        Self {
            model: Model::new(choice),
            view: View::Table,
            prompt: None,
            said: None,
            unread: None,
            filter: String::new(),
            shared: "default".into(),
            denied: "refused".into(),
            needs: Needs::default(),
            page: 1,
        }
    }

    /// Takes what is in the sets that are asked for; the connections come after that. Why one is not known is said.
    pub(crate) fn know(&mut self, members: Members) {
        let mut failures = members.values().filter_map(|ids| ids.as_ref().err());
        if let Some(failure) = failures.next() {
            let message = failure.message.clone();
            match self.prompt.as_mut() {
                Some(prompt) if prompt.ask == Ask::Filter => prompt.error = Some(message),
                _ => self.say(message, true),
            }
        }
        self.model.know(members);
    }

    /// Takes all connections as they are now.
    pub(crate) fn load(&mut self, now: Duration, connections: impl Iterator<Item = Connection>) {
        let selected = self.model.selected().map(|row| row.connection.id);
        let looked_at = match &self.view {
            View::Fields { connection, .. } => Some(connection.id),
            _ => None,
        };
        self.model.load(now, connections, looked_at);
        self.unread = None;
        if let (Some(id), None, None) = (selected, self.model.selected(), &self.said) {
            self.say(format!("connection {id} is not shown any more"), false);
        }
        if let View::Fields {
            connection,
            is_gone,
            ..
        } = &mut self.view
        {
            match self.model.row(connection.id) {
                Some(row) => **connection = row.connection.clone(),
                None => *is_gone = true,
            }
        }
    }

    pub(crate) fn say(&mut self, text: String, is_error: bool) {
        self.said = Some(Said { text, is_error });
    }

    pub(crate) fn key(&mut self, key: KeyEvent) -> Asked {
        self.said = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            match key.code {
                KeyCode::Char('z') => return Asked::Suspend,
                KeyCode::Char('l') => return Asked::Redraw,
                _ => {}
            }
        }
        if self.prompt.is_some() {
            return self.type_key(key);
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Asked::Leave,
                KeyCode::Char('f') => self.go(Go::Down(self.page)),
                KeyCode::Char('b') => self.go(Go::Up(self.page)),
                _ => Asked::Nothing,
            };
        }
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.go(Go::Up(1)),
            KeyCode::Down | KeyCode::Char('j') => self.go(Go::Down(1)),
            KeyCode::PageUp => self.go(Go::Up(self.page)),
            KeyCode::PageDown => self.go(Go::Down(self.page)),
            KeyCode::Home | KeyCode::Char('g') => self.go(Go::First),
            KeyCode::End | KeyCode::Char('G') => self.go(Go::Last),
            KeyCode::Char('p') => self.act(|id, _| Ok(Asked::Do(Act::Pin(id)))),
            KeyCode::Char('a') => self.ask(Ask::Share),
            KeyCode::Char('d') => self.ask(Ask::Deny),
            KeyCode::Char('u') => self.act(unpin),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => {
                self.view = View::Help { first: 0 };
                Asked::Nothing
            }
            KeyCode::Char(' ') => Asked::Read,
            code if matches!(self.view, View::Table) => self.table_key(code),
            KeyCode::Char('q') | KeyCode::Esc | KeyCode::Enter => {
                self.view = View::Table;
                Asked::Nothing
            }
            _ => Asked::Nothing,
        }
    }

    /// Keys that the table alone has.
    fn table_key(&mut self, code: KeyCode) -> Asked {
        let (column, _) = self.model.order();
        match code {
            KeyCode::Char('q') => return Asked::Leave,
            KeyCode::Char('<') => self.model.sort_by(column.beside(false)),
            KeyCode::Char('>') => self.model.sort_by(column.beside(true)),
            KeyCode::Char('r') => self.model.reverse(),
            KeyCode::Char('s') => self.prompt = Some(Prompt::new(Ask::Sort, "")),
            KeyCode::Char('/') => self.prompt = Some(Prompt::new(Ask::Filter, &self.filter)),
            KeyCode::Enter => {
                return self.act_on_view(|connection| View::Fields {
                    connection: Box::new(connection.clone()),
                    is_gone: false,
                    first: 0,
                })
            }
            _ => {}
        }
        Asked::Nothing
    }

    fn act_on_view(&mut self, view: impl FnOnce(&Connection) -> View) -> Asked {
        match self.meant() {
            Some(connection) => self.view = view(connection),
            None => self.nothing_selected(),
        }
        Asked::Nothing
    }

    /// The connection that keys are about.
    fn meant(&self) -> Option<&Connection> {
        match &self.view {
            View::Fields { connection, .. } => Some(connection),
            View::Help { .. } => None,
            View::Table => self.model.selected().map(|row| &row.connection),
        }
    }

    fn nothing_selected(&mut self) {
        self.say(
            "no connection is selected: \u{2191} and \u{2193} select one".into(),
            true,
        );
    }

    fn act(&mut self, act: impl FnOnce(u64, &Connection) -> Result<Asked, String>) -> Asked {
        let asked = match self.meant() {
            Some(connection) => act(connection.id, connection),
            None => {
                self.nothing_selected();
                return Asked::Nothing;
            }
        };
        asked.unwrap_or_else(|error| {
            self.say(error, true);
            Asked::Nothing
        })
    }

    fn ask(&mut self, ask: impl FnOnce(u64) -> Ask) -> Asked {
        let Some(connection) = self.meant() else {
            self.nothing_selected();
            return Asked::Nothing;
        };
        let ask = ask(connection.id);
        let last = match ask {
            Ask::Deny(_) => &self.denied,
            _ => &self.shared,
        };
        self.prompt = Some(Prompt::new(ask, last));
        Asked::Nothing
    }

    fn go(&mut self, go: Go) -> Asked {
        match &mut self.view {
            View::Table => self.model.select(go),
            View::Fields { first, .. } | View::Help { first } => {
                *first = match go {
                    Go::Up(lines) => first.saturating_sub(lines),
                    Go::Down(lines) => first.saturating_add(lines),
                    Go::First => 0,
                    // Drawing knows how many lines there are.
                    Go::Last => usize::MAX,
                };
            }
        }
        Asked::Nothing
    }

    /// A key in a line that is typed.
    fn type_key(&mut self, key: KeyEvent) -> Asked {
        let Some(mut prompt) = self.prompt.take() else {
            return Asked::Nothing;
        };
        let typed = prompt.key(key);
        match (typed, prompt.ask) {
            (Typed::Left, Ask::Filter) => {
                // As it was before.
                self.model
                    .narrow(Choice::parse(&self.filter).unwrap_or_default());
                self.needs = Needs::default();
                return self.asked();
            }
            (Typed::Left, _) => return Asked::Nothing,
            (Typed::Changed, Ask::Filter) => {
                prompt.error = self.narrow(prompt.text()).err();
            }
            (Typed::Changed, _) => prompt.error = None,
            (Typed::Entered, _) => match self.enter(&prompt) {
                Ok(asked) => return asked,
                Err(error) => prompt.error = Some(error),
            },
            (Typed::Nothing, _) => {}
        }
        self.prompt = Some(prompt);
        self.asked()
    }

    /// What the selectors that are typed ask for: what is in a set the module says.
    fn asked(&self) -> Asked {
        match self.model.lacks_set() {
            true => Asked::Read,
            false => Asked::Nothing,
        }
    }

    fn narrow(&mut self, text: &str) -> Result<(), String> {
        self.model.narrow(Choice::parse(text)?);
        self.needs = Needs::default();
        Ok(())
    }

    /// Takes a line.
    fn enter(&mut self, prompt: &Prompt) -> Result<Asked, String> {
        let text = prompt.text();
        let name = || text.trim().parse::<PinName>();
        match prompt.ask {
            Ask::Filter => {
                self.narrow(text)?;
                self.filter = text.trim().into();
            }
            Ask::Sort => self.model.sort_by(text.parse()?),
            Ask::Share(id) => {
                let name = name()?;
                self.shared.clone_from(&name.0);
                return Ok(Asked::Do(Act::Share(id, name)));
            }
            Ask::Deny(id) => {
                let name = name()?;
                self.denied.clone_from(&name.0);
                return Ok(Asked::Do(Act::Deny(id, name)));
            }
        }
        Ok(self.asked())
    }
}

/// Takes a connection out of its pin.
fn unpin(id: u64, connection: &Connection) -> Result<Asked, String> {
    let marking = connection.marking.as_ref();
    let pin = marking.and_then(|marking| marking.pin.as_ref());
    let pin = pin.ok_or_else(|| format!("connection {id} has no pin"))?;
    let name = pin.to_string().parse()?;
    Ok(Asked::Do(Act::Unpin(id, name)))
}
