// SPDX-License-Identifier: GPL-2.0-only

//! A line that is typed.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What was typed, and where typing goes on.
pub(crate) struct Prompt {
    /// What it asks for.
    pub(crate) ask: Ask,
    text: String,
    /// In characters.
    cursor: usize,
    /// Why it cannot be taken as it is.
    pub(crate) error: Option<String>,
}

/// What a line is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    /// Selectors.
    Filter,
    /// A column.
    Sort,
    /// The name of a shared pin for a connection, or of one that denies.
    Share(u64),
    Deny(u64),
}

/// What became of the line with a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Typed {
    /// Its text is another one.
    Changed,
    /// It was entered.
    Entered,
    /// It was given up.
    Left,
    Nothing,
}

impl Ask {
    /// What stands before the text.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Filter => "Selectors: ".into(),
            Self::Sort => "Sort by: ".into(),
            Self::Share(id) => format!("Add {id} to the shared pin: "),
            Self::Deny(id) => format!("Deny {id} by the pin: "),
        }
    }
}

impl Prompt {
    pub(crate) fn new(ask: Ask, text: &str) -> Self {
        Self {
            ask,
            text: text.into(),
            cursor: text.chars().count(),
            error: None,
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text before the cursor.
    pub(crate) fn before(&self) -> &str {
        &self.text[..self.octet(self.cursor)]
    }

    /// A key, as shells take them.
    pub(crate) fn key(&mut self, key: KeyEvent) -> Typed {
        let length = self.text.chars().count();
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Typed::Entered,
            KeyCode::Esc => return Typed::Left,
            KeyCode::Char('c' | 'g') if control => return Typed::Left,
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = length,
            KeyCode::Char('u') if control => return self.remove(0, self.cursor),
            KeyCode::Char('k') if control => return self.remove(self.cursor, length),
            KeyCode::Char('w') if control => {
                let kept = self.before().trim_end().rsplit_once(' ');
                let kept = kept.map_or(0, |(kept, _)| kept.chars().count() + 1);
                return self.remove(kept, self.cursor);
            }
            KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => {}
            KeyCode::Char(letter) if !letter.is_control() => {
                self.text.insert(self.octet(self.cursor), letter);
                self.cursor += 1;
                return Typed::Changed;
            }
            KeyCode::Backspace => return self.remove(self.cursor.saturating_sub(1), self.cursor),
            KeyCode::Delete => return self.remove(self.cursor, (self.cursor + 1).min(length)),
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(length),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = length,
            _ => {}
        }
        Typed::Nothing
    }

    /// Takes characters out.
    fn remove(&mut self, from: usize, to: usize) -> Typed {
        if from >= to {
            return Typed::Nothing;
        }
        let octets = self.octet(from)..self.octet(to);
        self.text.replace_range(octets, "");
        self.cursor = from;
        Typed::Changed
    }

    /// Where a character begins.
    fn octet(&self, character: usize) -> usize {
        let mut places = self.text.char_indices();
        places
            .nth(character)
            .map_or(self.text.len(), |(octet, _)| octet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(prompt: &mut Prompt, code: KeyCode, modifiers: KeyModifiers) -> Typed {
        prompt.key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let mut prompt = Prompt::new(Ask::Filter, "--sni b\u{fc}cher");
        for (code, modifiers, text, before) in [
            (
                KeyCode::Backspace,
                KeyModifiers::NONE,
                "--sni b\u{fc}che",
                "--sni b\u{fc}che",
            ),
            (
                KeyCode::Left,
                KeyModifiers::NONE,
                "--sni b\u{fc}che",
                "--sni b\u{fc}ch",
            ),
            (
                KeyCode::Char('X'),
                KeyModifiers::SHIFT,
                "--sni b\u{fc}chXe",
                "--sni b\u{fc}chX",
            ),
            (
                KeyCode::Delete,
                KeyModifiers::NONE,
                "--sni b\u{fc}chX",
                "--sni b\u{fc}chX",
            ),
            (
                KeyCode::Delete,
                KeyModifiers::NONE,
                "--sni b\u{fc}chX",
                "--sni b\u{fc}chX",
            ),
            (
                KeyCode::Char('w'),
                KeyModifiers::CONTROL,
                "--sni ",
                "--sni ",
            ),
            (
                KeyCode::Char('x'),
                KeyModifiers::CONTROL,
                "--sni ",
                "--sni ",
            ),
            (KeyCode::Home, KeyModifiers::NONE, "--sni ", ""),
            (KeyCode::Backspace, KeyModifiers::NONE, "--sni ", ""),
            (KeyCode::Right, KeyModifiers::NONE, "--sni ", "-"),
            (KeyCode::Char('k'), KeyModifiers::CONTROL, "-", "-"),
            (KeyCode::Char('u'), KeyModifiers::CONTROL, "", ""),
            (KeyCode::Char('w'), KeyModifiers::CONTROL, "", ""),
        ] {
            let was = prompt.text().to_string();
            let typed = press(&mut prompt, code, modifiers);
            assert_eq!((prompt.text(), prompt.before()), (text, before), "{code:?}");
            assert_eq!(typed == Typed::Changed, was != text, "{code:?}");
        }
        assert_eq!(
            press(&mut prompt, KeyCode::Enter, KeyModifiers::NONE),
            Typed::Entered
        );
        assert_eq!(
            press(&mut prompt, KeyCode::Char('c'), KeyModifiers::CONTROL),
            Typed::Left
        );
    }
}
