// SPDX-License-Identifier: GPL-2.0-only
//! Packet sockets of the hosts, and the clock. All unsafe code of the sender is here.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
};

/// Frames in one system call.
pub(crate) const BATCH: usize = 64;

/// The interface that every host has.
const INTERFACE: &str = "eth0";

/// A host's link to the gateway.
pub(crate) struct Port {
    socket: OwnedFd,
    host: String,
}

impl Port {
    /// Opens the interface eth0 of a network namespace for sending. The thread stays in that namespace.
    pub(crate) fn open(host: &str) -> io::Result<Self> {
        let namespace = File::open(format!("/run/netns/{host}"))?;
        // SAFETY: The descriptor is open.
        check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })?;
        // Protocol 0: nothing is received.
        // SAFETY: No memory is involved.
        let fd = check(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) })?;
        // SAFETY: The descriptor is new and ours.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let name = format!("{INTERFACE}\0");
        // SAFETY: The name ends with a zero.
        let index = unsafe { libc::if_nametoindex(name.as_ptr().cast()) };
        // SAFETY: All zeros is an address.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = index as i32;
        let len = size_of_val(&address) as u32;
        // SAFETY: The address is as long as said.
        check(unsafe { libc::bind(fd, ptr::from_ref(&address).cast(), len) })?;
        for option in [libc::PACKET_VNET_HDR, libc::PACKET_QDISC_BYPASS] {
            let on: libc::c_int = 1;
            let (value, len) = (ptr::from_ref(&on).cast(), size_of_val(&on) as u32);
            // SAFETY: The value is an int, and as long as said.
            check(unsafe { libc::setsockopt(fd, libc::SOL_PACKET, option, value, len) })?;
        }
        Ok(Port {
            socket,
            host: host.to_owned(),
        })
    }

    /// Sends all frames, `BATCH` at most; gives the nanoseconds of the system call. As the kernel forwards a packet
    /// before it takes the next one, that is the time of the whole way.
    pub(crate) fn send(&self, frames: &[Vec<u8>]) -> io::Result<u64> {
        assert!(frames.len() <= BATCH, "more frames than a batch has");
        // SAFETY: All zeros is an empty message.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        let mut parts: Vec<libc::iovec> = frames
            .iter()
            .map(|frame| libc::iovec {
                iov_base: frame.as_ptr().cast_mut().cast(),
                iov_len: frame.len(),
            })
            .collect();
        for (message, part) in messages.iter_mut().zip(&mut parts) {
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
        }
        let count = frames.len() as u32;
        let before = now();
        // SAFETY: As many messages as said, each with one part that lives until the end of the function.
        let sent =
            unsafe { libc::sendmmsg(self.socket.as_raw_fd(), messages.as_mut_ptr(), count, 0) };
        let taken = now() - before;
        if check(sent)? as u32 != count {
            return Err(io::Error::other(format!(
                "{}: {sent} of {count} packets were sent",
                self.host
            )));
        }
        Ok(taken)
    }
}

/// Nanoseconds of the monotonic clock; 2 an instruction in a guest with --icount.
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: The memory is a timespec. The clock exists, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
