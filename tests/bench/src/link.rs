// SPDX-License-Identifier: GPL-2.0-only
//! Both hosts' links to the gateway, and packets sent over them in order.

use std::{cell::RefCell, io, mem::take};

use crate::{
    connection::{Sent, Side},
    port::{Port, BATCH},
    profile::{Profile, Samples},
};

/// The client's and the server's.
pub(crate) struct Links {
    ports: [Port; 2],
    /// Samples what is sent, while there is one.
    profile: RefCell<Option<Profile>>,
}

impl Links {
    /// Opens both.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Links {
            ports: [Port::open("client")?, Port::open("server")?],
            profile: RefCell::new(None),
        })
    }

    /// From now on what is sent is sampled.
    pub(crate) fn profile(&self) -> io::Result<()> {
        self.profile.replace(Some(Profile::new()?));
        Ok(())
    }

    /// Sampling goes on in another step.
    pub(crate) fn change_step(&self) -> io::Result<()> {
        match &mut *self.profile.borrow_mut() {
            Some(profile) => profile.change_step(),
            None => Ok(()),
        }
    }

    /// What was sampled until now.
    pub(crate) fn samples(&self) -> Option<Samples> {
        self.profile.take().map(Profile::into_samples)
    }

    /// Sends frames of one side; gives nanoseconds.
    pub(crate) fn flood(&self, from: Side, frames: &[Vec<u8>]) -> io::Result<u64> {
        match &mut *self.profile.borrow_mut() {
            Some(profile) => profile.during(|| self.flood_unseen(from, frames))?,
            None => self.flood_unseen(from, frames),
        }
    }

    /// The same without sampling: packets that have to flow besides.
    pub(crate) fn flood_unseen(&self, from: Side, frames: &[Vec<u8>]) -> io::Result<u64> {
        let mut taken = 0;
        for batch in frames.chunks(BATCH) {
            taken += self.ports[from as usize].send(batch)?;
        }
        Ok(taken)
    }

    /// Sends frames of both sides in the order given; gives nanoseconds.
    pub(crate) fn play(&self, mut sent: Vec<Sent>) -> io::Result<u64> {
        let mut taken = 0;
        for run in sent.chunk_by_mut(|one, next| one.0 == next.0) {
            let frames: Vec<Vec<u8>> = run.iter_mut().map(|(_, frame)| take(frame)).collect();
            taken += self.flood(run[0].0, &frames)?;
        }
        Ok(taken)
    }
}
