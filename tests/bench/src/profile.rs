// SPDX-License-Identifier: GPL-2.0-only
//! Where the instructions go: the kernel's own sampling by a timer (perf_event_open(2), cpu-clock).

use std::{collections::BTreeMap, fs::File, io, iter::Cycle, os::fd::FromRawFd, ptr, slice::Iter};

/// Nanoseconds between two samples. Each packet takes as long as the one before, and a period in step with them would
/// meet few instructions again and again: several, one after the other.
const PERIODS: [u64; 7] = [4001, 4519, 3001, 3533, 5003, 2741, 4783];
/// Pages of samples that the kernel keeps until they are read, and the size of one.
const PAGES: usize = 256;
const PAGE: usize = 4096;

/// linux/perf_event.h
const TYPE_SOFTWARE: u32 = 1;
const COUNT_SW_CPU_CLOCK: u64 = 0;
const SAMPLE_IP: u64 = 1;
const FLAG_DISABLED: u64 = 1;
const RECORD_SAMPLE: u32 = 9;
const IOC_ENABLE: libc::Ioctl = 0x2400;
const IOC_DISABLE: libc::Ioctl = 0x2401;
const IOC_PERIOD: libc::Ioctl = 0x4008_2404;
/// struct perf_event_mmap_page: where `data_head` and `data_tail` are.
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;

/// struct perf_event_attr, PERF_ATTR_SIZE_VER0.
#[repr(C)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    config1: u64,
}

/// How often each address of an instruction was met.
pub(crate) type Samples = BTreeMap<u64, u64>;

/// Samples of this thread and of the softirqs in it.
pub(crate) struct Profile {
    _event: File,
    fd: libc::c_int,
    pages: *mut u8,
    periods: Cycle<Iter<'static, u64>>,
    samples: Samples,
}

impl Profile {
    /// Not yet sampling.
    pub(crate) fn new() -> io::Result<Self> {
        let attributes = Attributes {
            kind: TYPE_SOFTWARE,
            size: size_of::<Attributes>() as u32,
            config: COUNT_SW_CPU_CLOCK,
            sample_period: PERIODS[0],
            sample_type: SAMPLE_IP,
            read_format: 0,
            flags: FLAG_DISABLED,
            wakeup_events: 0,
            bp_type: 0,
            config1: 0,
        };
        let attributes = ptr::from_ref(&attributes);
        // SAFETY: The attributes are as long as they say. This thread, any CPU, no group, no flags.
        let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, attributes, 0, -1, -1, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        let fd = fd as libc::c_int;
        // SAFETY: The descriptor is new and ours.
        let event = unsafe { File::from_raw_fd(fd) };
        let (len, rights) = ((1 + PAGES) * PAGE, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: A new mapping, anywhere.
        let pages = unsafe { libc::mmap(ptr::null_mut(), len, rights, libc::MAP_SHARED, fd, 0) };
        if pages == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Profile {
            _event: event,
            fd,
            pages: pages.cast(),
            periods: PERIODS.iter().cycle(),
            samples: Samples::new(),
        })
    }

    /// Takes the next of the periods.
    pub(crate) fn change_step(&mut self) -> io::Result<()> {
        let period: *const u64 = self.periods.next().unwrap_or(&PERIODS[0]);
        // SAFETY: The descriptor is open, and the argument points to a number of 64 bits.
        if unsafe { libc::ioctl(self.fd, IOC_PERIOD, period) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Samples while `work` is done.
    pub(crate) fn during<T>(&mut self, work: impl FnOnce() -> T) -> io::Result<T> {
        self.switch(IOC_ENABLE)?;
        let done = work();
        self.switch(IOC_DISABLE)?;
        self.collect();
        Ok(done)
    }

    /// How often each instruction was met.
    pub(crate) fn into_samples(self) -> Samples {
        self.samples
    }

    fn switch(&self, how: libc::Ioctl) -> io::Result<()> {
        // SAFETY: The descriptor is open, and these take no memory.
        if unsafe { libc::ioctl(self.fd, how, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Reads what the kernel has written: records of a header (type u32, misc u16, size u16) and the instruction.
    fn collect(&mut self) {
        let head = self.field(DATA_HEAD);
        let mut tail = self.field(DATA_TAIL);
        while tail < head {
            let header = self.data(tail);
            if header as u32 == RECORD_SAMPLE {
                *self.samples.entry(self.data(tail + 8)).or_default() += 1;
            }
            tail += header >> 48;
        }
        // SAFETY: The field is in the first page, and aligned.
        unsafe { self.pages.add(DATA_TAIL).cast::<u64>().write_volatile(tail) };
    }

    fn field(&self, at: usize) -> u64 {
        // SAFETY: The field is in the first page, and aligned.
        unsafe { self.pages.add(at).cast::<u64>().read_volatile() }
    }

    /// Eight octets of the ring behind the first page; records are multiples of eight, so they do not go over its end.
    fn data(&self, at: u64) -> u64 {
        let at = at as usize % (PAGES * PAGE);
        // SAFETY: Within the mapping, and aligned.
        unsafe { self.pages.add(PAGE + at).cast::<u64>().read_volatile() }
    }
}
