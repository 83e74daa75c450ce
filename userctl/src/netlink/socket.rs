// SPDX-License-Identifier: GPL-2.0-only

//! A generic netlink socket: a request out, the objects of its answer in.

use std::io;

use netlink_sys::{protocols::NETLINK_GENERIC, Socket as RawSocket, SocketAddr};
use nix::errno::Errno;

use super::{
    abi::{
        CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_MCAST_GROUPS, CTRL_ATTR_MCAST_GRP_ID,
        CTRL_ATTR_MCAST_GRP_NAME, CTRL_CMD_GETFAMILY, CTRL_VERSION, GENL_ID_CTRL, NLM_F_ACK,
        NLM_F_DUMP, NLM_F_REQUEST,
    },
    answer::Answer,
    attribute::{self, Attributes},
    malformed::Malformed,
    message::{self, Part, Refusal},
};

/// Bytes that are read at once. The kernel makes messages of a dump as large as what was last read with, up to this.
const ROOM: usize = 32 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Error {
    /// The socket failed.
    Socket(Errno),
    /// The kernel said no.
    Refused(Refusal),
    /// The answer makes no sense.
    Malformed,
    /// What was dumped changed meanwhile, so that something may be missing.
    Interrupted,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Socket(Errno::from_raw(
            error.raw_os_error().unwrap_or(nix::libc::EIO),
        ))
    }
}

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A family of generic netlink: the type of its messages, and the version of it that is spoken.
#[derive(Clone, Copy)]
pub(super) struct Family {
    id: u16,
    version: u8,
}

/// The family that knows the others.
const CONTROLLER: Family = Family {
    id: GENL_ID_CTRL,
    version: CTRL_VERSION,
};

/// The socket, which belongs to the network namespace that it was opened in.
pub(super) struct Socket {
    raw: RawSocket,
    sequence: u32,
    /// What was read last.
    datagram: Vec<u8>,
}

impl Socket {
    pub(super) fn open() -> Result<Self, Error> {
        let mut raw = RawSocket::new(NETLINK_GENERIC)?;
        raw.bind_auto()?;
        raw.set_ext_ack(true)?;
        raw.set_cap_ack(true)?;
        Ok(Self {
            raw,
            sequence: 0,
            datagram: Vec::with_capacity(ROOM),
        })
    }

    /// Asks for a family by its name. The kernel answers ENOENT when no module brought it.
    pub(super) fn family(&mut self, name: &str, version: u8) -> Result<Family, Error> {
        let asked = Attributes::default().string(CTRL_ATTR_FAMILY_NAME, name);
        let answer = self.request(CONTROLLER, CTRL_CMD_GETFAMILY, &asked)?;
        let attributes = attribute::parse(answer.first().ok_or(Error::Malformed)?)?;
        let id = attributes
            .iter()
            .find(|attribute| attribute.kind == CTRL_ATTR_FAMILY_ID)
            .ok_or(Error::Malformed)?;
        Ok(Family {
            id: id.u16()?,
            version,
        })
    }

    /// Listens to a family's group from now on. `room` bytes of messages may wait to be read.
    pub(super) fn join(&mut self, family: &str, group: &str, room: usize) -> Result<(), Error> {
        let asked = Attributes::default().string(CTRL_ATTR_FAMILY_NAME, family);
        let answer = self.request(CONTROLLER, CTRL_CMD_GETFAMILY, &asked)?;
        let id = group_id(answer.first().ok_or(Error::Malformed)?, group)?;
        // More than the system allows is cut, which is as good.
        self.raw.set_rx_buf_sz(room)?;
        Ok(self.raw.add_membership(id)?)
    }

    /// Waits for what the kernel sends to the groups: the attributes of one message or several. None: some were lost,
    /// as they were not read in time.
    pub(super) fn listen(&mut self) -> Result<Option<Vec<Vec<u8>>>, Error> {
        match self.receive() {
            Err(Error::Socket(Errno::ENOBUFS)) => return Ok(None),
            received => received?,
        }
        let mut objects = Vec::new();
        let mut rest = self.datagram();
        while !rest.is_empty() {
            if let Part::Object(attributes) = message::take(&mut rest)?.part {
                objects.push(attributes.to_vec());
            }
        }
        Ok(Some(objects))
    }

    /// Sends a command and gives the objects of the answer, each as its attributes.
    pub(super) fn request(
        &mut self,
        family: Family,
        command: u8,
        asked: &Attributes,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.send(family, NLM_F_REQUEST | NLM_F_ACK, command, asked)?;
        let mut answer = Answer::new(self);
        let mut objects = Vec::new();
        while let Some(object) = answer.next(|attributes| Ok(attributes.to_vec()))? {
            objects.push(object);
        }
        Ok(objects)
    }

    /// Asks for all objects of a kind, which come as they are read.
    pub(super) fn dump(
        &mut self,
        family: Family,
        command: u8,
        asked: &Attributes,
    ) -> Result<Answer<'_>, Error> {
        self.send(family, NLM_F_REQUEST | NLM_F_DUMP, command, asked)?;
        Ok(Answer::new(self))
    }

    fn send(
        &mut self,
        family: Family,
        flags: u16,
        command: u8,
        asked: &Attributes,
    ) -> Result<(), Error> {
        self.sequence = self.sequence.wrapping_add(1);
        let request = message::request(
            family.id,
            flags,
            self.sequence,
            command,
            family.version,
            asked.as_slice(),
        );
        self.datagram.clear();
        self.raw.send_to(&request, &SocketAddr::new(0, 0), 0)?;
        Ok(())
    }

    /// The number of the request that was sent last.
    pub(super) fn sequence(&self) -> u32 {
        self.sequence
    }

    /// What was received last.
    pub(super) fn datagram(&self) -> &[u8] {
        &self.datagram
    }

    /// Waits for what the kernel sends next.
    pub(super) fn receive(&mut self) -> Result<(), Error> {
        loop {
            self.datagram.clear();
            let (_, sender) = match self.raw.recv_from(&mut self.datagram, 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                received => received?,
            };
            // Any process may send to this socket; only the kernel's port is 0.
            if sender.port_number() == 0 {
                return Ok(());
            }
        }
    }
}

/// The number of a family's group, in what the controller says of the family.
fn group_id(family: &[u8], name: &str) -> Result<u32, Error> {
    for list in attribute::parse(family)? {
        if list.kind != CTRL_ATTR_MCAST_GROUPS {
            continue;
        }
        for group in attribute::parse(list.value)? {
            let fields = attribute::parse(group.value)?;
            let field = |kind| fields.iter().find(|field| field.kind == kind);
            if field(CTRL_ATTR_MCAST_GRP_NAME)
                .is_some_and(|field| field.string() == name.as_bytes())
            {
                return Ok(field(CTRL_ATTR_MCAST_GRP_ID)
                    .ok_or(Error::Malformed)?
                    .u32()?);
            }
        }
    }
    Err(Error::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kernel has the controller, and lets anybody ask it.
    #[test]
    fn the_kernel_answers() {
        let mut socket = Socket::open().expect("a netlink socket opens");
        assert_eq!(
            socket
                .family("nlctrl", 1)
                .expect("the controller knows itself")
                .id,
            GENL_ID_CTRL
        );
        let mut families = socket
            .dump(CONTROLLER, CTRL_CMD_GETFAMILY, &Attributes::default())
            .expect("families can be dumped");
        let mut count = 0;
        let all = |attributes: &[u8]| Ok(attributes.len());
        while families.next(all).expect("the dump goes on").is_some() {
            count += 1;
        }
        assert_ne!(count, 0);
        assert!(families.next(all).expect("it is over").is_none());
    }

    /// The controller's own group, which anybody may listen to.
    #[test]
    fn a_group_is_found() {
        let mut socket = Socket::open().expect("a netlink socket opens");
        socket
            .join("nlctrl", "notify", 4096)
            .expect("the controller has a group");
        assert!(socket.join("nlctrl", "none", 4096).is_err());
    }

    #[test]
    fn the_kernel_refuses() {
        let mut socket = Socket::open().expect("a netlink socket opens");
        match socket.family("tlsconn-none", 1) {
            Err(Error::Refused(refusal)) => assert_eq!(refusal.errno, Errno::ENOENT),
            _ => panic!("there is no such family"),
        }
        // An attribute of the wrong length: the kernel says so in words, and the socket goes on working.
        let wrong = Attributes::default().push(CTRL_ATTR_FAMILY_ID, &[1]);
        match socket.request(CONTROLLER, CTRL_CMD_GETFAMILY, &wrong) {
            Err(Error::Refused(refusal)) => assert!(refusal.message.is_some(), "{refusal:?}"),
            _ => panic!("the attribute is too short"),
        }
        assert!(socket.family("nlctrl", 1).is_ok());
    }
}
