// SPDX-License-Identifier: GPL-2.0-only

//! The JSON of a capture.

use std::cell::RefCell;

use serde::{
    ser::{Error as _, SerializeMap, SerializeSeq},
    Serialize, Serializer,
};

use super::{run::Run, Inspect};
use crate::{failure::Failure, inspect::Inspection, model::Connection, output::Printed};

/// The object that is printed. How reading ended is filled in where that happens while it is printed.
pub(super) struct Document<'a> {
    pub(super) options: &'a Inspect,
    pub(super) printed: &'a Printed,
    pub(super) run: RefCell<(&'a mut Run, Option<Result<(), Failure>>)>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.run.borrow().1.is_none() {
            let name = match self.options.explain {
                true => "rules",
                false => "packets",
            };
            map.serialize_entry(name, &Items(self))?;
        }
        let (run, _) = &*self.run.borrow();
        map.serialize_entry("connections", &Connections(self.options, &run.inspection))?;
        map.end()
    }
}

/// The packets of a document, or the records that are explained: writing them is reading the capture.
struct Items<'a, 'b>(&'a Document<'b>);

impl Serialize for Items<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(document) = self;
        let (run, ended) = &mut *document.run.borrow_mut();
        let mut sequence = serializer.serialize_seq(None)?;
        let mut written = Ok(());
        let read = run.read(document.options.packets, |item| match item {
            Some(item) => {
                written = sequence.serialize_element(&item);
                written.is_ok()
            }
            None => document.printed.show(),
        });
        *ended = Some(read);
        written?;
        if document.printed.has_failed() {
            return Err(S::Error::custom("what was made so far cannot be shown"));
        }
        sequence.end()
    }
}

/// The connections of a document.
struct Connections<'a>(&'a Inspect, &'a Inspection);

impl Serialize for Connections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(options, inspection) = self;
        if !options.shown.is_all() {
            let chosen = options.chosen(inspection);
            return serializer.collect_seq(options.shown.limited(&chosen));
        }
        let fits = |connection: &Connection| options.filter.fits(connection);
        serializer.collect_seq(inspection.connections().filter(fits))
    }
}
