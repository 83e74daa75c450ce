// SPDX-License-Identifier: GPL-2.0-only

//! What few connections have, in memory of its own: the others have room for a pointer to it.

use crate::{holes::Holes, links::Links, sys::memory::charged, tries::Tries};
use kernel::prelude::*;

/// What a connection has of it, if it has any.
#[derive(Default)]
pub struct Rare(Option<KBox<Parts>>);

/// All that it may have.
#[derive(Default)]
pub struct Parts {
    /// What it issued and continues.
    pub links: Option<Links>,
    /// Its segments after a hole.
    pub holes: Option<KBox<Holes>>,
    /// How often a side sends what waits.
    pub tries: Tries,
}

impl Rare {
    /// For what is new. None where there is no memory. Any context.
    pub fn make(&mut self) -> Option<&mut Parts> {
        if self.0.is_none() {
            self.0 = KBox::new(Parts::default(), charged()).ok();
        }
        self.0.as_deref_mut()
    }

    /// What there is.
    pub fn get(&self) -> Option<&Parts> {
        self.0.as_deref()
    }

    /// What it issued and continues.
    pub fn links(&self) -> Option<&Links> {
        self.get()?.links.as_ref()
    }

    /// The same, to be changed.
    pub fn links_mut(&mut self) -> Option<&mut Links> {
        self.0.as_mut()?.links.as_mut()
    }

    /// Takes it, as the connection goes.
    pub fn take_links(&mut self) -> Option<Links> {
        self.0.as_mut()?.links.take()
    }

    /// Its segments after a hole.
    pub fn holes(&self) -> Option<&Holes> {
        self.get()?.holes.as_deref()
    }

    /// The same, to be changed.
    pub fn holes_mut(&mut self) -> Option<&mut Holes> {
        self.0.as_mut()?.holes.as_deref_mut()
    }

    /// Takes them, as there is no hole any longer. The memory goes where nothing else is in it. Any context.
    pub fn take_holes(&mut self) -> Option<KBox<Holes>> {
        let holes = self.0.as_mut()?.holes.take();
        self.0
            .take_if(|parts| parts.links.is_none() && parts.tries.is_unknown());
        holes
    }
}
