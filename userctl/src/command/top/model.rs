// SPDX-License-Identifier: GPL-2.0-only

//! What is shown: the connections that were read, which of them, in which order, and the one that is selected.

use std::{ops::Range, time::Duration};

use super::{
    choice::{Choice, Members},
    column::Column,
    row::Row,
};
use crate::{model::Connection, selector::SetName};

/// The connections. It knows neither a terminal nor the module; the time is told to it.
pub(crate) struct Model {
    /// Of the command line: what does not fit is not kept.
    base: Choice,
    /// Of the line that was typed.
    typed: Choice,
    /// What is in the sets that both name, as it was read last.
    members: Members,
    /// By id.
    rows: Vec<Row>,
    /// Those that fit, by their places in `rows`, in the order of the screen.
    shown: Vec<usize>,
    column: Column,
    reversed: bool,
    selected: Option<u64>,
    /// The first that the screen shows.
    first: usize,
    /// When the connections were read, and the greatest id that there was.
    read: Option<(Duration, u64)>,
}

/// Where the selection goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Go {
    Up(usize),
    Down(usize),
    First,
    Last,
}

impl Model {
    pub(crate) fn new(base: Choice) -> Self {
        Self {
            base,
            typed: Choice::default(),
            members: Members::new(),
            rows: Vec::new(),
            shown: Vec::new(),
            column: Column::Age,
            reversed: false,
            selected: None,
            first: 0,
            read: None,
        }
    }

    /// The sets that are asked for.
    pub(crate) fn sets(&self) -> Vec<SetName> {
        let sets = [&self.base, &self.typed].into_iter();
        sets.filter_map(|choice| choice.set()).cloned().collect()
    }

    /// Whether one of them has not been read yet.
    pub(crate) fn lacks_set(&self) -> bool {
        self.sets()
            .iter()
            .any(|set| !self.members.contains_key(set))
    }

    /// Takes what is in them; the connections come after that.
    pub(crate) fn know(&mut self, members: Members) {
        self.members = members;
    }

    /// Takes all connections as they are now; of those that do not fit the command line, one that is looked at.
    pub(crate) fn load(
        &mut self,
        now: Duration,
        connections: impl Iterator<Item = Connection>,
        looked_at: Option<u64>,
    ) {
        let before = self.read;
        let mut newest = before.map_or(0, |(_, newest)| newest);
        let mut rows = Vec::with_capacity(self.rows.len());
        for connection in connections {
            let id = connection.id;
            newest = newest.max(id);
            if !self.base.fits(&connection, &self.members) && looked_at != Some(id) {
                continue;
            }
            let known = self.rows.binary_search_by_key(&id, |row| row.connection.id);
            let known = known.ok().map(|place| &self.rows[place]);
            rows.push(match (known, before) {
                (Some(row), Some((read, _))) if row.is_of(&connection) => {
                    row.again(connection, now, read)
                }
                // Ids count up: it was not there when the others were read.
                (None, Some((read, newest))) if id > newest => {
                    Row::new(connection, now, Some(read))
                }
                _ => Row::new(connection, now, None),
            });
        }
        rows.sort_by_key(|row| row.connection.id);
        self.rows = rows;
        self.read = Some((now, newest));
        self.choose();
        if before.is_none() {
            self.select_first();
        }
    }

    /// Shows only what also fits this.
    pub(crate) fn narrow(&mut self, typed: Choice) {
        self.typed = typed;
        self.choose();
        if self.selected.is_none() {
            self.select_first();
        }
    }

    pub(crate) fn sort_by(&mut self, column: Column) {
        self.column = column;
        self.sort();
    }

    pub(crate) fn reverse(&mut self) {
        self.reversed = !self.reversed;
        self.sort();
    }

    /// The column that rows are sorted by, and whether they stand the other way round.
    pub(crate) fn order(&self) -> (Column, bool) {
        (self.column, self.reversed)
    }

    pub(crate) fn select(&mut self, go: Go) {
        let Some(last) = self.shown.len().checked_sub(1) else {
            return;
        };
        let place = self.place();
        let next = match (go, place) {
            (Go::First, _) => 0,
            (Go::Last, _) => last,
            // Nothing is selected: the top of what is on the screen is.
            (_, None) => self.first,
            (Go::Up(rows), Some(place)) => place.saturating_sub(rows),
            (Go::Down(rows), Some(place)) => place.saturating_add(rows),
        };
        self.selected = self.at(next.min(last)).map(|row| row.connection.id);
    }

    pub(crate) fn selected(&self) -> Option<&Row> {
        self.selected.and_then(|id| self.row(id))
    }

    pub(crate) fn row(&self, id: u64) -> Option<&Row> {
        let place = self.rows.binary_search_by_key(&id, |row| row.connection.id);
        place.ok().map(|place| &self.rows[place])
    }

    /// How many are shown, and of how many.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.shown.len(), self.rows.len())
    }

    /// Those shown.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Row> {
        self.shown.iter().map(|place| &self.rows[*place])
    }

    /// Those that a screen of so many lines shows; the selected one is among them.
    pub(crate) fn page(&mut self, lines: usize) -> impl Iterator<Item = &Row> {
        let most = self.shown.len().saturating_sub(lines);
        let first = match self.place() {
            Some(place) if place < self.first => place,
            Some(place) if place >= self.first + lines => (place + 1).saturating_sub(lines),
            _ => self.first,
        };
        self.first = first.min(most);
        let page: Range<usize> = self.first..(self.first + lines).min(self.shown.len());
        self.shown[page].iter().map(|place| &self.rows[*place])
    }

    /// When the connections were read.
    pub(crate) fn now(&self) -> Duration {
        self.read.map_or(Duration::ZERO, |(now, _)| now)
    }

    fn at(&self, place: usize) -> Option<&Row> {
        self.shown.get(place).map(|place| &self.rows[*place])
    }

    /// Where the selected one stands.
    fn place(&self) -> Option<usize> {
        let id = self.selected?;
        self.shown().position(|row| row.connection.id == id)
    }

    fn select_first(&mut self) {
        self.first = 0;
        self.selected = self.at(0).map(|row| row.connection.id);
    }

    fn choose(&mut self) {
        let fits = |row: &Row| {
            let connection = &row.connection;
            let state = connection.state;
            self.base.fits(connection, &self.members)
                && self.typed.fits(connection, &self.members)
                && (self.base.wants(state) || self.typed.wants(state))
        };
        let rows = self.rows.iter().enumerate();
        self.shown = rows
            .filter(|(_, row)| fits(row))
            .map(|(place, _)| place)
            .collect();
        self.sort();
        // Another one must not take its place under the fingers of who is about to pin it.
        if self.place().is_none() {
            self.selected = None;
        }
    }

    fn sort(&mut self) {
        let Self { rows, column, .. } = self;
        self.shown.sort_by(|one, other| {
            let order = column.compare(&rows[*one], &rows[*other]);
            match self.reversed {
                true => order.reverse(),
                false => order,
            }
            .then(one.cmp(other))
        });
    }
}
