// SPDX-License-Identifier: GPL-2.0-only

//! Aligned tables for people. Cells hold printable ASCII only, so a character is a column wide.

#[cfg(test)]
mod tests;

/// A table under construction.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// Of each column the widest cell that there has been.
    widths: Vec<usize>,
    /// Rows have been taken out, below the heading.
    is_continued: bool,
}

/// A column's heading and how narrow it may be made.
pub(crate) struct Column {
    title: &'static str,
    cut: Cut,
}

/// What becomes of a column's cells where the line has no room.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Cut {
    Never,
    /// The end goes, down to so many characters.
    End(usize),
    /// Once those are cut, the middle goes: the address of an ADDR:PORT, down to so many characters.
    Middle(usize),
    /// Once all others are cut, the end goes, down to so many characters.
    Last(usize),
}

/// A cell's text and colour.
pub(crate) struct Cell {
    text: String,
    colour: Colour,
}

/// Colours, used on a terminal only: five escape sequences. What anstream would decide, when to use them, is `Output::new`, as the
/// width of a table is asked for there too.
#[derive(Clone, Copy)]
pub(crate) enum Colour {
    Plain,
    Green,
    Yellow,
    Red,
    Faint,
}

impl Column {
    /// A column that is never cut.
    pub(crate) fn new(title: &'static str) -> Self {
        Self {
            title,
            cut: Cut::Never,
        }
    }

    /// A column that may be cut to `least` characters.
    pub(crate) fn cut(title: &'static str, least: usize) -> Self {
        Self {
            title,
            cut: Cut::End(least),
        }
    }

    /// A column that may be cut to `least` characters once there is nothing else to cut.
    pub(crate) fn cut_last(title: &'static str, least: usize) -> Self {
        Self {
            title,
            cut: Cut::Last(least),
        }
    }

    /// A column of ADDR:PORT whose addresses may be cut so that `least` characters are left, after columns that are cut.
    pub(crate) fn endpoints(title: &'static str, least: usize) -> Self {
        Self {
            title,
            cut: Cut::Middle(least),
        }
    }

    /// How far it may be cut when it is its turn.
    fn least(&self, turn: usize) -> Option<usize> {
        match (turn, self.cut) {
            (0, Cut::End(least)) | (1, Cut::Middle(least)) | (2, Cut::Last(least)) => {
                Some(least.max(self.title.len()))
            }
            _ => None,
        }
    }
}

impl Cell {
    /// A cell in colour.
    pub(crate) fn coloured(text: impl ToString, colour: Colour) -> Self {
        Self {
            text: text.to_string(),
            colour,
        }
    }

    /// A cell.
    pub(crate) fn new(text: impl ToString) -> Self {
        Self::coloured(text, Colour::Plain)
    }

    /// What may not be known: a dash stands for it.
    pub(crate) fn or_dash(text: Option<impl ToString>) -> Self {
        text.map_or_else(|| Self::new('-'), Self::new)
    }
}

impl Colour {
    /// Its SGR parameter.
    fn code(self) -> Option<u8> {
        match self {
            Self::Plain => None,
            Self::Green => Some(32),
            Self::Yellow => Some(33),
            Self::Red => Some(31),
            Self::Faint => Some(2),
        }
    }
}

impl Table {
    /// An empty table.
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self {
            widths: vec![0; columns.len()],
            columns,
            rows: Vec::new(),
            is_continued: false,
        }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = cell.text.len().max(*width);
        }
        self.rows.push(cells);
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes the rows out as text. Those that are added later go on below them: without a heading, in columns that are no
    /// narrower.
    pub(crate) fn take(&mut self, heading: bool, room: Option<usize>, colour: bool) -> String {
        let text = self.render(heading, room, colour);
        self.rows.clear();
        self.is_continued = true;
        text
    }

    /// The table as text. `room` is a line's width, if there is a limit to it.
    pub(crate) fn render(&self, heading: bool, room: Option<usize>, colour: bool) -> String {
        let (widths, gap) = self.layout(heading, room);
        let mut text = String::new();
        if heading && !self.is_continued {
            let titles = self
                .columns
                .iter()
                .map(|column| (column.title.to_string(), Colour::Plain));
            line(&mut text, titles, &widths, gap, colour);
        }
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns).zip(&widths);
            let cells = cells
                .map(|((cell, column), width)| (fit(&cell.text, *width, column.cut), cell.colour));
            line(&mut text, cells, &widths, gap, colour);
        }
        text
    }

    /// Widths of the columns and of the gap between them: the gap is narrowed first, then columns are cut, always the
    /// widest, then endpoints, then what goes last. What still has no room runs over the line's end.
    fn layout(&self, heading: bool, room: Option<usize>) -> (Vec<usize>, usize) {
        let mut widths: Vec<usize> = self
            .widths
            .iter()
            .zip(&self.columns)
            .map(|(width, column)| match heading {
                true => column.title.len().max(*width),
                false => *width,
            })
            .collect();
        let gaps = widths.len().saturating_sub(1);
        let Some(room) = room else { return (widths, 2) };
        if widths.iter().sum::<usize>() + 2 * gaps <= room {
            return (widths, 2);
        }
        let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
        for turn in 0..3 {
            while over > 0 {
                let widest = widths
                    .iter_mut()
                    .zip(&self.columns)
                    .filter(|(width, column)| {
                        column.least(turn).is_some_and(|least| **width > least)
                    })
                    .max_by_key(|(width, _)| **width);
                let Some((width, _)) = widest else { break };
                *width -= 1;
                over -= 1;
            }
        }
        (widths, 1)
    }
}

/// Adds a line of cells that fit their columns. The last is not padded.
fn line(
    text: &mut String,
    cells: impl ExactSizeIterator<Item = (String, Colour)>,
    widths: &[usize],
    gap: usize,
    colour: bool,
) {
    let last = cells.len().saturating_sub(1);
    for (place, ((shown, cell_colour), width)) in cells.zip(widths).enumerate() {
        let padding = if place == last {
            0
        } else {
            width.saturating_sub(shown.chars().count()) + gap
        };
        match cell_colour.code().filter(|_| colour) {
            Some(code) => text.push_str(&format!("\x1b[{code}m{shown}\x1b[0m")),
            None => text.push_str(&shown),
        }
        text.push_str(&" ".repeat(padding));
    }
    text.push('\n');
}

/// Cuts a cell's text to a width; an ellipsis says so.
fn fit(text: &str, width: usize, cut: Cut) -> String {
    if text.len() <= width {
        return text.into();
    }
    let tail = match cut {
        Cut::Middle(_) => text.rfind(':').and_then(|colon| text.get(colon..)),
        _ => None,
    };
    let tail = tail.unwrap_or_default();
    let head = width.saturating_sub(1 + tail.len());
    let mut shown: String = text.chars().take(head).collect();
    shown.push('\u{2026}');
    shown + tail
}
