// SPDX-License-Identifier: GPL-2.0-only

//! Requests to the family, and what is said where one fails.

use std::ffi::CStr;

use nix::errno::Errno;
use tlsconn_uapi as uapi;

use super::{
    attribute::Attributes,
    malformed::Malformed,
    socket::{Error, Family, Socket},
    told::Told,
};
use crate::{
    failure::{Code, Failure},
    running,
};

/// The way to the module.
pub(super) struct Client {
    pub(super) socket: Socket,
    family: Family,
}

impl Client {
    /// Opens the way to the module, which has to be loaded.
    pub(super) fn open() -> Result<Self, Failure> {
        let mut socket =
            Socket::open().map_err(|error| failure(error, "cannot open a netlink socket"))?;
        let name = family_name();
        let family = socket
            .family(name, octet(uapi::TLSCONN_FAMILY_VERSION))
            .map_err(|error| match error {
                Error::Refused(refusal) if refusal.errno == Errno::ENOENT => Failure::new(
                    Code::Unavailable,
                    format!(
                        "the kernel module xt_tlsconn is not loaded{}",
                        running::how_to_load()
                    ),
                ),
                error => failure(error, "cannot ask the kernel for tlsconn"),
            })?;
        Ok(Self { socket, family })
    }

    /// The objects of a command's answer. `missing`: what to do when what it names is not there.
    pub(super) fn command(
        &mut self,
        command: u32,
        asked: &Attributes,
        doing: &str,
        missing: &str,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let objects = self.socket.request(self.family, octet(command), asked);
        objects.map_err(|error| {
            let mut failure = failure(error, doing);
            if failure.code == Code::NotFound {
                failure.message = format!("{}; {missing}", failure.message);
            }
            failure
        })
    }

    /// The objects of a dump, as they come.
    pub(super) fn dump<T>(
        &mut self,
        command: u32,
        asked: &Attributes,
        decode: Decode<T>,
        doing: &'static str,
    ) -> Result<Told<'_, T>, Failure> {
        let answer = self.socket.dump(self.family, octet(command), asked);
        let answer = answer.map_err(|error| failure(error, doing))?;
        Ok(Told::new(answer, decode, doing))
    }
}

/// The family's name without the zero byte that C ends it with.
pub(super) fn family_name() -> &'static str {
    let name =
        CStr::from_bytes_until_nul(uapi::TLSCONN_FAMILY_NAME).expect("C ends it with a zero byte");
    name.to_str().expect("it is ASCII")
}

/// Makes an object out of its attributes.
pub(super) type Decode<T> = fn(&[u8]) -> Result<T, Malformed>;

/// The one object of an answer.
pub(super) fn one<T>(objects: &[Vec<u8>], decode: Decode<T>, doing: &str) -> Result<T, Failure> {
    let object = objects
        .first()
        .ok_or(Malformed)
        .and_then(|object| decode(object));
    object.map_err(|error| failure(error.into(), doing))
}

/// A number of the interface that is sent in one byte.
fn octet(number: u32) -> u8 {
    u8::try_from(number).expect("commands and the version fit into a byte")
}

/// Says what did not work, and why, in the kernel's words if it gave some.
pub(super) fn failure(error: Error, doing: &str) -> Failure {
    let refusal = match error {
        Error::Refused(refusal) => refusal,
        Error::Socket(errno) => return Failure::system(doing, errno),
        Error::Malformed => {
            let cause =
                "the kernel's answer makes no sense; are module and tool of the same version?";
            return Failure::new(Code::Failed, format!("{doing}: {cause}"));
        }
        Error::Interrupted => {
            return Failure::new(
                Code::Failed,
                format!("{doing}: they changed meanwhile; try again"),
            );
        }
    };
    let words = refusal.message.as_deref();
    let mut failure = Failure::system(doing, refusal.errno);
    if refusal.errno == Errno::ENOENT {
        let cause = words.unwrap_or("there is none");
        failure = Failure::new(Code::NotFound, format!("{doing}: {cause}"));
    } else if let Some(words) = words {
        failure.message = match failure.code {
            Code::Failed => format!("{doing}: {words}"),
            _ => format!("{} ({words})", failure.message),
        };
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::message::Refusal;

    fn refused(errno: Errno, message: Option<&str>) -> (Code, String) {
        let error = Error::Refused(Refusal {
            errno,
            message: message.map(String::from),
        });
        let failure = failure(error, "cannot pin");
        (failure.code, failure.message)
    }

    #[test]
    fn refusals_have_their_codes_and_the_kernels_words() {
        for (errno, words, code, message) in [
            (
                Errno::ENOENT,
                Some("no such id"),
                Code::NotFound,
                "no such id",
            ),
            (Errno::ENOENT, None, Code::NotFound, "there is none"),
            (
                Errno::EBUSY,
                Some("the pin is bound"),
                Code::Failed,
                "the pin is bound",
            ),
            (
                Errno::EEXIST,
                Some("the mark overlaps"),
                Code::Failed,
                "the mark overlaps",
            ),
            (Errno::EINVAL, None, Code::Failed, "Invalid argument"),
            (
                Errno::EPERM,
                None,
                Code::Unavailable,
                "not permitted; run it as root (CAP_NET_ADMIN)",
            ),
            (
                Errno::EACCES,
                Some("no"),
                Code::Unavailable,
                "not permitted; run it as root (CAP_NET_ADMIN) (no)",
            ),
        ] {
            assert_eq!(
                refused(errno, words),
                (code, format!("cannot pin: {message}"))
            );
        }
    }
}
