// SPDX-License-Identifier: GPL-2.0-only

//! The screen.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Color, Modifier, Style},
    Frame,
};

use super::{
    app::{App, View},
    column::Column,
    help,
    layout::{fit, layout},
    prompt::Prompt,
};
use crate::{command::show, table::Colour};

/// What is drawn with.
#[derive(Clone, Copy)]
pub(crate) struct Paint {
    pub(crate) colour: bool,
}

impl Paint {
    fn style(self, colour: Colour) -> Style {
        let style = Style::new();
        match colour {
            _ if !self.colour => style,
            Colour::Plain => style,
            Colour::Green => style.fg(Color::Green),
            Colour::Yellow => style.fg(Color::Yellow),
            Colour::Red => style.fg(Color::Red),
            Colour::Faint => style.add_modifier(Modifier::DIM),
        }
    }

    /// Draws everything: a line on what is shown, the table or a text, and a line for keys, results and what is typed.
    pub(crate) fn draw(self, frame: &mut Frame<'_>, app: &mut App) {
        let area = frame.area();
        let lines = usize::from(area.height);
        // A result is worth more than the table where there is room for one line alone.
        if let Some(last) = area.rows().next_back() {
            if let Some(cursor) = self.last_line(frame.buffer_mut(), last, app) {
                frame.set_cursor_position(cursor);
            }
        }
        let buffer = frame.buffer_mut();
        let mut rows = area.rows().take(lines.saturating_sub(1));
        let Some(top) = rows.next() else { return };
        put(
            buffer,
            top,
            &summary(app),
            Style::new().add_modifier(Modifier::BOLD),
        );
        app.page = lines.saturating_sub(3).max(1);
        let (text, first) = match &mut app.view {
            View::Table => {
                self.table(buffer, rows, app);
                return;
            }
            View::Fields {
                connection, first, ..
            } => (show::table(connection).render(false, None, false), first),
            View::Help { first } => (help::TEXT.to_string(), first),
        };
        let text: Vec<String> = text
            .lines()
            .flat_map(|line| wrap(line, area.width))
            .collect();
        *first = (*first).min(text.len().saturating_sub(lines.saturating_sub(2)));
        for (row, line) in rows.zip(text.iter().skip(*first)) {
            put(buffer, row, line, Style::new());
        }
    }

    fn table(self, buffer: &mut Buffer, mut lines: impl Iterator<Item = Rect>, app: &mut App) {
        let Some(heading) = lines.next() else { return };
        let lines: Vec<Rect> = lines.collect();
        let (sorted, reversed) = app.model.order();
        let selected = app.model.selected().map(|row| row.connection.id);
        let now = app.model.now();
        let page: Vec<_> = app.model.page(lines.len()).collect();
        let cells: Vec<_> = page
            .iter()
            .map(|row| Column::ALL.map(|column| column.text(row, now)))
            .collect();
        for column in Column::ALL {
            let widest = cells.iter().map(|row| row[column as usize].chars().count());
            // With the arrow of the sorted column.
            let title = column.title().len() + 1;
            let need = &mut app.needs[column as usize];
            *need = widest.max().unwrap_or(0).max(title).max(*need);
        }
        let places = layout(&app.needs, usize::from(heading.width));
        for place in &places {
            let arrow = match (place.column == sorted, reversed) {
                (false, _) => "",
                (true, false) => "\u{2193}",
                (true, true) => "\u{2191}",
            };
            let title = format!("{}{arrow}", place.column.title());
            cell(buffer, heading, place, &title, Style::new());
        }
        buffer.set_style(heading, Style::new().add_modifier(Modifier::REVERSED));
        for ((row, cells), line) in page.iter().zip(&cells).zip(lines) {
            for place in &places {
                let style = self.style(place.column.colour(row));
                cell(buffer, line, place, &cells[place.column as usize], style);
            }
            if selected == Some(row.connection.id) {
                buffer.set_style(line, Style::new().add_modifier(Modifier::REVERSED));
            }
        }
    }

    /// The last line, and where the cursor is if something is typed.
    fn last_line(self, buffer: &mut Buffer, line: Rect, app: &App) -> Option<Position> {
        if let Some(prompt) = &app.prompt {
            return Some(self.typed(buffer, line, prompt));
        }
        let (text, colour) = match (&app.said, &app.unread, &app.view) {
            (Some(said), ..) if said.is_error => (said.text.as_str(), Colour::Red),
            (Some(said), ..) => (said.text.as_str(), Colour::Plain),
            (None, Some(error), _) => (error.as_str(), Colour::Red),
            (None, None, View::Table) => (help::KEYS, Colour::Faint),
            (None, None, _) => (help::BACK, Colour::Faint),
        };
        let style = self.style(colour);
        put(buffer, line, text, style);
        None
    }

    /// What is typed, and what is wrong with it. Of a long line the end is shown.
    fn typed(self, buffer: &mut Buffer, line: Rect, prompt: &Prompt) -> Position {
        let label = prompt.ask.label();
        let width = usize::from(line.width);
        let before = label.chars().count() + prompt.before().chars().count();
        let skipped = (before + 1).saturating_sub(width);
        let mut text: String = (label + prompt.text()).chars().skip(skipped).collect();
        let typed = text.chars().count();
        if let Some(error) = &prompt.error {
            text += &format!("   {error}");
        }
        put(buffer, line, &text, Style::new());
        let from = |column: usize| u16::try_from(column).unwrap_or(u16::MAX).min(line.width);
        let error = Rect {
            x: line.x + from(typed),
            width: line.width - from(typed),
            ..line
        };
        buffer.set_style(error, self.style(Colour::Red));
        Position::new(line.x + from(before.saturating_sub(skipped)), line.y)
    }
}

/// What is shown, and of how many.
fn summary(app: &App) -> String {
    match &app.view {
        View::Fields {
            connection,
            is_gone,
            ..
        } => {
            let gone = if *is_gone { ", which is gone" } else { "" };
            return format!(
                "tlsconnctl top: every field of connection {}{gone}",
                connection.id
            );
        }
        View::Help { .. } => return "tlsconnctl top: help".into(),
        View::Table => {}
    }
    let (shown, all) = app.model.counts();
    let wait = app.model.shown().filter(|row| row.waits()).count();
    let pinned = app.model.shown().filter(|row| row.is_pinned()).count();
    let mut text =
        format!("tlsconnctl top: {shown} of {all} connections, {wait} wait, {pinned} pinned");
    if !app.filter.is_empty() && app.prompt.is_none() {
        text += &format!("; {}", app.filter);
    }
    text
}

/// Writes a line, cut at the end.
fn put(buffer: &mut Buffer, line: Rect, text: &str, style: Style) {
    let text = cut(text, usize::from(line.width));
    buffer.set_stringn(line.x, line.y, text, usize::from(line.width), style);
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(['\u{2026}']).take(width).collect()
}

fn cell(buffer: &mut Buffer, line: Rect, place: &super::layout::Place, text: &str, style: Style) {
    let room = usize::from(line.width).saturating_sub(place.from);
    let width = place.width.min(room);
    let text = fit(place.column, text, width);
    let before = match place.column.is_number() {
        true => width.saturating_sub(text.chars().count()),
        false => 0,
    };
    let Ok(from) = u16::try_from(place.from + before) else {
        return;
    };
    if from < line.width {
        buffer.set_stringn(line.x + from, line.y, text, width, style);
    }
}

/// A line in pieces that fit.
fn wrap(line: &str, width: u16) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    if letters.is_empty() {
        return vec![String::new()];
    }
    let pieces = letters.chunks(usize::from(width).max(1));
    pieces.map(|piece| piece.iter().collect()).collect()
}
