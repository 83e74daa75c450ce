// SPDX-License-Identifier: GPL-2.0-only

//! The objects of a dump, for those who know nothing of netlink.

use super::{
    answer::Answer,
    client::{failure, Decode},
};
use crate::failure::Failure;

/// Objects that the kernel tells of one after the other. Each is read when it is asked for, so that memory does not grow with
/// their number. After a failure there are no more.
pub(crate) struct Told<'a, T> {
    answer: Answer<'a>,
    decode: Decode<T>,
    doing: &'static str,
}

impl<'a, T> Told<'a, T> {
    /// `doing` is what a failure says that did not work.
    pub(super) fn new(answer: Answer<'a>, decode: Decode<T>, doing: &'static str) -> Self {
        Self {
            answer,
            decode,
            doing,
        }
    }
}

impl<T> Iterator for Told<'_, T> {
    type Item = Result<T, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.answer.next(self.decode);
        next.map_err(|error| failure(error, self.doing)).transpose()
    }
}
