// SPDX-License-Identifier: GPL-2.0-only

//! Results that are printed while they come, in memory that does not grow with their number.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{self, BufWriter, Stdout, Write},
};

use serde::{
    ser::{Error, SerializeSeq},
    Serialize, Serializer,
};

use super::{print, Output};
use crate::{
    failure::Failure,
    table::{Cell, Column, Table},
};

/// Standard output, for what is printed while it is made: what makes it may say when all so far has to be seen.
pub(crate) struct Printed {
    stdout: RefCell<Option<BufWriter<Stdout>>>,
    /// Why what was made so far could not be shown.
    failure: RefCell<Option<io::Error>>,
}

impl Default for Printed {
    fn default() -> Self {
        Self {
            stdout: RefCell::new(Some(BufWriter::new(io::stdout()))),
            failure: RefCell::default(),
        }
    }
}

impl Printed {
    /// Shows all that was made so far; false when that fails.
    pub(crate) fn show(&self) -> bool {
        let mut stdout = self;
        match stdout.flush() {
            Ok(()) => true,
            Err(error) => {
                self.failure.replace(Some(error));
                false
            }
        }
    }

    /// Whether showing failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.borrow().is_some()
    }

    /// Why showing failed, if it did.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failure.take()
    }

    /// What is left would be printed when it goes.
    pub(super) fn drop_rest(&self) {
        if let Some(stdout) = self.stdout.take() {
            let _ = stdout.into_parts();
        }
    }
}

impl Write for &Printed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match &mut *self.stdout.borrow_mut() {
            Some(stdout) => stdout.write(octets),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut *self.stdout.borrow_mut() {
            Some(stdout) => stdout.flush(),
            None => Ok(()),
        }
    }
}

impl Output {
    /// Prints, as JSON, an object with one list. If an element cannot be had, what was printed is no whole document.
    pub(crate) fn list<T: Serialize>(
        &self,
        name: &'static str,
        elements: impl Iterator<Item = Result<T, Failure>>,
    ) -> Result<(), Failure> {
        let list = List {
            elements: RefCell::new(elements),
            failure: RefCell::new(None),
        };
        let printed = self.object(&BTreeMap::from([(name, &list)]));
        list.failure.into_inner().map_or(printed, Err)
    }
}

/// A list whose elements are made while it is written.
struct List<I> {
    elements: RefCell<I>,
    /// Why there were no more.
    failure: RefCell<Option<Failure>>,
}

impl<T: Serialize, I: Iterator<Item = Result<T, Failure>>> Serialize for List<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        for element in &mut *self.elements.borrow_mut() {
            match element {
                Ok(element) => sequence.serialize_element(&element)?,
                Err(failure) => {
                    *self.failure.borrow_mut() = Some(failure);
                    return Err(S::Error::custom("an element could not be had"));
                }
            }
        }
        sequence.end()
    }
}

/// A table that is printed a block of rows at a time. From one block to the next columns only become wider.
pub(crate) struct Rows<'a> {
    output: &'a Output,
    table: Table,
}

impl<'a> Rows<'a> {
    /// Rows that are laid out together. A table of no more is laid out as a whole.
    pub(crate) const BLOCK: usize = 1024;

    pub(crate) fn new(output: &'a Output, columns: Vec<Column>) -> Self {
        Self {
            output,
            table: Table::new(columns),
        }
    }

    /// Adds a row; false when nobody reads any more.
    pub(crate) fn add(&mut self, cells: Vec<Cell>) -> Result<bool, Failure> {
        self.table.row(cells);
        if self.table.len() < Self::BLOCK {
            return Ok(true);
        }
        self.print()
    }

    /// Prints the rows that are left.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.print().map(drop)
    }

    fn print(&mut self) -> Result<bool, Failure> {
        let Output {
            quiet,
            room,
            colour,
            ..
        } = *self.output;
        print(&self.table.take(!quiet, room, colour))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Code;

    fn written(elements: Vec<Result<u8, Failure>>) -> (String, Option<Failure>) {
        let list = List {
            elements: RefCell::new(elements.into_iter()),
            failure: RefCell::new(None),
        };
        let mut octets = Vec::new();
        let made = serde_json::to_writer(&mut octets, &BTreeMap::from([("numbers", &list)]));
        let failure = list.failure.into_inner();
        assert_eq!(made.is_err(), failure.is_some());
        (String::from_utf8(octets).expect("JSON is UTF-8"), failure)
    }

    #[test]
    fn a_list_is_written_to_its_end() {
        assert_eq!(written(vec![]).0, r#"{"numbers":[]}"#);
        assert_eq!(written(vec![Ok(1), Ok(2)]).0, r#"{"numbers":[1,2]}"#);
    }

    #[test]
    fn a_list_that_ends_early_is_no_document() {
        let failure = || Failure::new(Code::Failed, "no more");
        let (text, told) = written(vec![Ok(1), Err(failure()), Ok(3)]);
        assert_eq!(text, r#"{"numbers":[1"#);
        assert_eq!(told.map(|failure| failure.message), Some("no more".into()));
        assert_eq!(written(vec![Err(failure())]).0, r#"{"numbers":["#);
    }
}
