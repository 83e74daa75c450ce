// SPDX-License-Identifier: GPL-2.0-only

//! The kernel's answer to a request, read object by object.

use super::{
    malformed::Malformed,
    message::{self, Part},
    socket::{Error, Socket},
};

/// An answer that is being read. It takes no memory but the socket's buffer, however long it is. Until a dump is read to its
/// end, the kernel begins no other on the same socket.
pub(super) struct Answer<'a> {
    socket: &'a mut Socket,
    /// Bytes of the socket's datagram that have been read.
    read: usize,
    is_over: bool,
}

/// What a message of a datagram comes to.
#[derive(Debug)]
enum Step<'a> {
    /// There is no object in it.
    Nothing,
    Object(&'a [u8]),
    End,
}

impl<'a> Answer<'a> {
    /// The answer to the request that the socket has sent last.
    pub(super) fn new(socket: &'a mut Socket) -> Self {
        Self {
            socket,
            read: 0,
            is_over: false,
        }
    }

    /// Waits for the next object and makes something of its attributes. None: there are no more, or it failed before.
    pub(super) fn next<T>(
        &mut self,
        decode: impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let found = self.look(decode);
        self.is_over = !matches!(found, Ok(Some(_)));
        found
    }

    fn look<T>(
        &mut self,
        decode: impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Error> {
        loop {
            let datagram = self.socket.datagram();
            let mut rest = datagram.get(self.read..).unwrap_or_default();
            if rest.is_empty() {
                self.socket.receive()?;
                self.read = 0;
                continue;
            }
            let step = step(&mut rest, self.socket.sequence())?;
            self.read = datagram.len() - rest.len();
            match step {
                Step::Nothing => {}
                Step::Object(attributes) => return Ok(Some(decode(attributes)?)),
                Step::End => return Ok(None),
            }
        }
    }
}

/// Takes the first message off a datagram, of the answer to the request of that number.
fn step<'a>(rest: &mut &'a [u8], sequence: u32) -> Result<Step<'a>, Error> {
    let message = message::take(rest)?;
    if message.sequence != sequence {
        return Ok(Step::Nothing);
    }
    // The module never has the kernel say so: its dumps go by rising ids and places, and miss nothing that stays. Of a dump
    // that says so, objects may be missing, and those before it have been handed out.
    if message.interrupted {
        return Err(Error::Interrupted);
    }
    match message.part {
        // A part of a dump of which nothing is wanted: the kernel looks at some objects a time only.
        Part::Object([]) => Ok(Step::Nothing),
        Part::Object(attributes) => Ok(Step::Object(attributes)),
        Part::End(Ok(())) => Ok(Step::End),
        Part::End(Err(refusal)) => Err(Error::Refused(refusal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::abi::NLM_F_DUMP_INTR;

    /// An object's message, as the kernel writes it.
    fn object(flags: u16, sequence: u32, attributes: &[u8]) -> Vec<u8> {
        message::request(30, flags, sequence, 1, 1, attributes)
    }

    #[test]
    fn messages_one_after_the_other() {
        let octets = [
            object(0, 6, &[1; 4]),
            object(0, 7, &[]),
            object(0, 7, &[2; 4]),
        ]
        .concat();
        let mut rest = octets.as_slice();
        assert!(matches!(step(&mut rest, 7), Ok(Step::Nothing)));
        assert!(matches!(step(&mut rest, 7), Ok(Step::Nothing)));
        assert!(matches!(step(&mut rest, 7), Ok(Step::Object([2, 2, 2, 2]))));
        assert!(rest.is_empty());
    }

    #[test]
    fn what_was_interrupted_is_not_whole() {
        let octets = object(NLM_F_DUMP_INTR, 7, &[1; 4]);
        assert!(matches!(
            step(&mut octets.as_slice(), 7),
            Err(Error::Interrupted)
        ));
        // Of another answer it says nothing.
        assert!(matches!(step(&mut octets.as_slice(), 8), Ok(Step::Nothing)));
    }
}
