# SPDX-License-Identifier: GPL-2.0-only
"""Memory that is not to be had: the debug kernel's fault injection (Documentation/fault-injection/), aimed at what the
module asks for itself."""

import contextlib
import errno
import itertools
import pathlib
import time

from lab import run
from netlink import N, Netlink, Refused

DEBUG = pathlib.Path("/sys/kernel/debug")


def mounted():
    """Whether this kernel injects failures; its files are there then."""
    if not (DEBUG / "sched").exists():
        run("mount", "-t", "debugfs", "debug", str(DEBUG), check=False)
    return (DEBUG / "failslab/require-start").exists()


def text_of_module():
    """Where its code is, in one piece; no other module is near."""
    for line in pathlib.Path("/proc/modules").read_text().splitlines():
        name, size, *_, address, _ = line.split()
        if name == "xt_tlsconn":
            return int(address, 16), int(address, 16) + int(size)
    raise AssertionError("the module is not loaded")


def text_of(function):
    """Where a function of the kernel is."""
    known = sorted((int(line.split()[0], 16), line.split()[2]) for line in pathlib.Path("/proc/kallsyms").read_text().splitlines())
    for (address, name), (end, _) in itertools.pairwise(known):
        if name == function:
            return address, end
    raise AssertionError(f"no {function} in this kernel")


class Faults:
    """Failures of one of the kernel's ways to give memory, where code of ours, or what `text` says, is on the stack."""

    def __init__(self, way="failslab", text=None):
        self.at = DEBUG / way
        self.netlink = None
        self.failed = self.shown = 0
        self.set(probability=0, times=0, interval=1, space=0, verbose=2, verbose_ratelimit_interval_ms=0)
        self.set(**{"task-filter": "N", "ignore-gfp-wait": "N", "stacktrace-depth": 32})
        if way == "fail_page_alloc":
            self.set(**{"min-order": 0, "ignore-gfp-highmem": "N"})
        else:
            self.choose_caches()
        start, end = text or text_of_module()
        self.set(**{"require-start": hex(start), "require-end": hex(end)})
        run("dmesg", "-C")

    def choose_caches(self):
        """All but what the detectors keep for themselves: they can do without, and it would be no failure of the module's."""
        for file in pathlib.Path("/sys/kernel/slab").glob("*/failslab"):
            chosen = not file.parent.name.startswith(("kmemleak", "debug_objects"))
            with contextlib.suppress(OSError):
                file.write_text(str(int(chosen)))
        self.set(**{"cache-filter": "Y"})

    def set(self, **values):
        for name, value in values.items():
            (self.at / name).write_text(str(value))

    def left(self):
        """How many are still to fail."""
        return int((self.at / "times").read_text())

    def arm(self, every=1, times=1, probability=100):
        self.set(interval=every, probability=probability, times=times)

    def disarm(self):
        """Says whether one has failed since `arm`."""
        left = self.left()
        self.set(times=0, probability=0)
        hit = left == 0
        self.failed += hit
        self.look()
        return hit

    def look(self):
        """Counts those of which the kernel's log shows that they were the module's."""
        said = run("dmesg", "--read-clear").stdout.split("FAULT_INJECTION: forcing a failure")
        self.shown += sum("[xt_tlsconn]" in one for one in said[1:])

    def align(self, number):
        """The kernel fails each `interval`-th allocation, counting from where nobody knows. Allocates until one has
        failed: then the `number`-th from now on is the next."""
        if number == 1:
            return
        self.netlink = self.netlink or Netlink()
        self.arm(every=number)
        while self.left():
            with contextlib.suppress(Refused):
                self.netlink.ask(N["CMD_STATS_GET"])
        self.set(times=0, probability=0)

    def walk(self, operation, prepare=None, most=1000):
        """Does it again and again: the first time its first allocation of ours fails, then its second, until there is
        none left to fail. Gives what it gave, and whether one failed, each time. Nothing fails in `prepare`."""
        for number in range(1, most):
            if prepare:
                prepare()
            self.align(number)
            run("dmesg", "-C")
            self.arm(every=number)
            try:
                given = operation()
            finally:
                hit = self.disarm()
            yield number, given, hit
            if not hit:
                return
        raise AssertionError(f"{most} allocations and no end")

    def close(self):
        self.set(times=0, probability=0, **{"require-start": 0, "require-end": hex((1 << 64) - 1)})
        if self.netlink:
            self.netlink.close()


def refused(operation, *arguments):
    """The number of the error that it ends with, 0 for none."""
    try:
        operation(*arguments)
    except (OSError, Refused) as error:
        return error.errno if isinstance(error, OSError) else error.number
    return 0


def leaks():
    """What kmemleak finds of the module's. It tells of nothing younger than 5 seconds."""
    file = DEBUG / "kmemleak"
    file.write_text("scan")
    time.sleep(6)
    file.write_text("scan")
    entries = file.read_text().split("unreferenced object")[1:]
    return [entry for entry in entries if "[xt_tlsconn]" in entry]


NO_MEMORY = errno.ENOMEM
