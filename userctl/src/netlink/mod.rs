// SPDX-License-Identifier: GPL-2.0-only

//! The generic netlink family `tlsconn`, as docs/netlink/tlsconn.yaml describes it.

mod abi;
mod answer;
mod attribute;
mod decode;
mod events;
mod message;
mod pinning;
mod socket;
mod told;
mod tracking;

use std::ffi::CStr;

use nix::errno::Errno;
use tlsconn_uapi as uapi;

use self::{
    attribute::Attributes,
    socket::{Error, Family, Socket},
};
pub(crate) use self::{
    events::Listener,
    pinning::{Target, Wish},
    told::Told,
};
use crate::{
    failure::{Code, Failure},
    mark::PinName,
    model::{Connection, Pin, State},
    selector::Selector,
};

/// Octets that are not what the interface says.
#[derive(Debug)]
struct Malformed;

/// The flag of an attribute that holds others.
const NESTED: u32 = 0x8000;

/// What to do when what a request names is not there.
const SEE_LIST: &str = "see `tlsconnctl list`";
const SEE_PINS: &str = "see `tlsconnctl pins`";

/// The tracker and the pin table of the network namespace that the process is in.
pub(crate) struct Tlsconn {
    socket: Socket,
    family: Family,
}

impl Tlsconn {
    /// Opens the way to the module, which has to be loaded.
    pub(crate) fn open() -> Result<Self, Failure> {
        let mut socket =
            Socket::open().map_err(|error| failure(error, "cannot open a netlink socket"))?;
        let name = family_name();
        let family = socket
            .family(name, octet(uapi::TLSCONN_FAMILY_VERSION))
            .map_err(|error| match error {
                Error::Refused(refusal) if refusal.errno == Errno::ENOENT => Failure::new(
                    Code::Unavailable,
                    "the kernel module xt_tlsconn is not loaded: modprobe xt_tlsconn",
                ),
                error => failure(error, "cannot ask the kernel for tlsconn"),
            })?;
        Ok(Self { socket, family })
    }

    /// Every connection that is tracked, in the order of their ids.
    pub(crate) fn connections(&mut self) -> Result<Told<'_, Connection>, Failure> {
        self.connections_that(&Selector::default(), |_| true)
    }

    /// Those that fit a selector and that a pin can be bound to. The kernel chooses.
    pub(crate) fn live_connections_that(
        &mut self,
        fit: &Selector,
    ) -> Result<Told<'_, Connection>, Failure> {
        self.dump_connections(
            Attributes::default().flag(uapi::TLSCONN_A_CONNECTION_LIVE, true),
            fit,
        )
    }

    /// Those that fit a selector and are in one of some states. The kernel chooses.
    pub(crate) fn connections_that(
        &mut self,
        fit: &Selector,
        state: impl Fn(State) -> bool,
    ) -> Result<Told<'_, Connection>, Failure> {
        let states = State::all().zip(0..).filter(|(known, _)| state(*known));
        let states = states.fold(0, |bits, (_, number)| bits | (1 << number));
        self.dump_connections(
            Attributes::default().u32(uapi::TLSCONN_A_CONNECTION_STATES, states),
            fit,
        )
    }

    fn dump_connections(
        &mut self,
        mut asked: Attributes,
        fit: &Selector,
    ) -> Result<Told<'_, Connection>, Failure> {
        if !fit.is_empty() {
            let nest = pinning::selector(fit);
            asked = asked.push(
                uapi::TLSCONN_A_CONNECTION_SELECTOR | NESTED,
                nest.as_slice(),
            );
        }
        self.dump(
            uapi::TLSCONN_CMD_CONNECTION_GET,
            &asked,
            decode::connection,
            "cannot list the connections",
        )
    }

    /// One connection.
    pub(crate) fn connection(&mut self, id: u64) -> Result<Connection, Failure> {
        let asked = Attributes::default().uint(uapi::TLSCONN_A_CONNECTION_ID, id);
        let doing = format!("cannot show connection {id}");
        let objects = self.command(uapi::TLSCONN_CMD_CONNECTION_GET, &asked, &doing, SEE_LIST)?;
        one(&objects, decode::connection, &doing)
    }

    /// Every pin.
    pub(crate) fn pins(&mut self) -> Result<Vec<Pin>, Failure> {
        let pins = self.dump(
            uapi::TLSCONN_CMD_PIN_GET,
            &Attributes::default(),
            decode::pin,
            "cannot list the pins",
        );
        pins?.collect()
    }

    /// Releases a pin.
    pub(crate) fn unpin(&mut self, name: &PinName) -> Result<(), Failure> {
        let asked = Attributes::default().string(uapi::TLSCONN_A_PIN_NAME, &name.0);
        let doing = format!("cannot release pin {}", name.0);
        self.command(uapi::TLSCONN_CMD_PIN_DEL, &asked, &doing, SEE_PINS)
            .map(drop)
    }

    /// Releases every pin.
    pub(crate) fn unpin_all(&mut self) -> Result<(), Failure> {
        let asked = Attributes::default().flag(uapi::TLSCONN_A_PIN_ALL, true);
        self.command(
            uapi::TLSCONN_CMD_PIN_DEL,
            &asked,
            "cannot release the pins",
            SEE_PINS,
        )
        .map(drop)
    }

    fn command(
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

    fn dump<T>(
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

/// The family's name without the zero octet that C ends it with.
fn family_name() -> &'static str {
    let name =
        CStr::from_bytes_until_nul(uapi::TLSCONN_FAMILY_NAME).expect("C ends it with a zero octet");
    name.to_str().expect("it is ASCII")
}

/// Makes an object out of its attributes.
type Decode<T> = fn(&[u8]) -> Result<T, Malformed>;

/// The one object of an answer.
fn one<T>(objects: &[Vec<u8>], decode: Decode<T>, doing: &str) -> Result<T, Failure> {
    let object = objects
        .first()
        .ok_or(Malformed)
        .and_then(|object| decode(object));
    object.map_err(|error| failure(error.into(), doing))
}

/// A number of the interface that is sent in one octet.
fn octet(number: u32) -> u8 {
    u8::try_from(number).expect("commands and the version fit into an octet")
}

/// Says what did not work, and why, in the kernel's words if it gave some.
fn failure(error: Error, doing: &str) -> Failure {
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
