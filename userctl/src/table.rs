// SPDX-License-Identifier: GPL-2.0-only

//! Aligned tables for people. Cells hold printable ASCII only, so a character is a column wide.

/// A table under construction.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A column's heading and how narrow it may be made.
pub(crate) struct Column {
    title: &'static str,
    /// Its cells may be cut to so many characters where the line has no room.
    least: Option<usize>,
}

/// A cell's text and colour.
pub(crate) struct Cell {
    text: String,
    colour: Colour,
}

/// Colours, used on a terminal only.
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
        Self { title, least: None }
    }

    /// A column that may be cut to `least` characters.
    pub(crate) fn cut(title: &'static str, least: usize) -> Self {
        Self {
            title,
            least: Some(least),
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
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table as text. `room` is a line's width, if there is a limit to it.
    pub(crate) fn render(&self, heading: bool, room: Option<usize>, colour: bool) -> String {
        let (widths, gap) = self.layout(heading, room);
        let mut text = String::new();
        if heading {
            let titles = self
                .columns
                .iter()
                .map(|column| (column.title, Colour::Plain));
            line(&mut text, titles, &widths, gap, colour);
        }
        for row in &self.rows {
            let cells = row.iter().map(|cell| (cell.text.as_str(), cell.colour));
            line(&mut text, cells, &widths, gap, colour);
        }
        text
    }

    /// Widths of the columns and of the gap between them: the gap is narrowed first, then columns are cut, the widest
    /// first. What still has no room runs over the line's end.
    fn layout(&self, heading: bool, room: Option<usize>) -> (Vec<usize>, usize) {
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let cells = self
                    .rows
                    .iter()
                    .filter_map(|row| row.get(place))
                    .map(|cell| cell.text.len());
                cells
                    .chain(heading.then_some(column.title.len()))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let gaps = widths.len().saturating_sub(1);
        let Some(room) = room else { return (widths, 2) };
        if widths.iter().sum::<usize>() + 2 * gaps <= room {
            return (widths, 2);
        }
        let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
        let mut cuts: Vec<(&mut usize, usize)> = widths
            .iter_mut()
            .zip(&self.columns)
            .filter_map(|(width, column)| {
                column
                    .least
                    .map(|least| (width, least.max(column.title.len())))
            })
            .collect();
        cuts.sort_by_key(|(width, _)| std::cmp::Reverse(**width));
        for (width, least) in cuts {
            let cut = over.min(width.saturating_sub(least));
            *width -= cut;
            over -= cut;
        }
        (widths, 1)
    }
}

/// Adds a line. The last cell is not padded.
fn line<'a>(
    text: &mut String,
    cells: impl ExactSizeIterator<Item = (&'a str, Colour)>,
    widths: &[usize],
    gap: usize,
    colour: bool,
) {
    let last = cells.len().saturating_sub(1);
    for (place, ((cell, cell_colour), width)) in cells.zip(widths).enumerate() {
        let shown = fit(cell, *width);
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
fn fit(text: &str, width: usize) -> String {
    if text.len() <= width {
        return text.into();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('\u{2026}');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec![
            Column::new("ID"),
            Column::cut("SNI", 6),
            Column::cut("PIN", 3),
        ]);
        table.row(vec![
            Cell::new(1),
            Cell::new("www.example.org"),
            Cell::new("default"),
        ]);
        table.row(vec![
            Cell::new(100),
            Cell::or_dash(None::<u32>),
            Cell::coloured("x", Colour::Red),
        ]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        let expected =
            "ID   SNI              PIN\n1    www.example.org  default\n100  -                x\n";
        assert_eq!(table().render(true, None, false), expected);
        assert_eq!(table().render(true, Some(29), false), expected);
    }

    #[test]
    fn the_gap_goes_first_then_the_widest_column() {
        assert!(table()
            .render(true, Some(28), false)
            .starts_with("ID  SNI             PIN\n1   www.example.org default\n"));
        assert!(table()
            .render(true, Some(20), false)
            .contains("\n1   www.exa\u{2026} default\n"));
        assert!(table()
            .render(true, Some(16), false)
            .contains("\n1   www.e\u{2026} defa\u{2026}\n"));
        // Nothing is cut below what can be read.
        assert!(table()
            .render(true, Some(1), false)
            .contains("\n1   www.e\u{2026} de\u{2026}\n"));
    }

    #[test]
    fn without_heading_and_in_colour() {
        let text = table().render(false, None, true);
        assert!(text.starts_with("1    www"), "{text}");
        assert!(text.ends_with("\x1b[31mx\x1b[0m\n"), "{text:?}");
        assert!(!table().render(true, None, false).contains('\x1b'));
    }
}
