# SPDX-License-Identifier: GPL-2.0-only
"""`tlsconnctl list` of many connections: in memory that does not grow with their number, and what is printed where a list
ends before its time.

TLSCONN_FULL=1 does it with 100,000 connections; docs/performance.md has the figures."""

import json
import os
import pathlib
import shutil
import subprocess
import time
import unittest

from lab import run
from many import Many
from scale import mostly_uml, size, tell

# Fails every read from a socket but the first so many, in a program that it is loaded into.
FAILING = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

ssize_t recvfrom(int fd, void *to, size_t room, int flags, struct sockaddr *from, socklen_t *len)
{
	static int reads;
	ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "recvfrom");

	if (reads++ >= atoi(getenv("READS"))) {
		errno = EIO;
		return -1;
	}
	return real(fd, to, room, flags, from, len);
}
"""


def listing(*arguments):
    """`tlsconnctl list`: what it printed, how many seconds it took, and the KiB of memory that it had at most: all of it, and
    without what is mapped from files, of which the kernel maps more where more of it is cached. They are looked at while it
    prints: what it keeps until it has heard of everything is in them."""
    begun = time.monotonic()
    process = subprocess.Popen(["ip", "netns", "exec", "gateway", "tlsconnctl", "list", *arguments], stdout=subprocess.PIPE)
    status, printed, most, own = pathlib.Path(f"/proc/{process.pid}/status"), [], 0, 0
    with process.stdout as pipe:
        while octets := os.read(pipe.fileno(), 1 << 16):
            printed.append(octets)
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            # It has none once it has ended.
            if lines["Name"].strip() == "tlsconnctl" and "VmHWM" in lines:
                most = int(lines["VmHWM"].split()[0])
                own = max(own, int(lines["RssAnon"].split()[0]))
    if process.wait():
        raise AssertionError(f"exit {process.returncode}")
    return b"".join(printed), time.monotonic() - begun, most, own


class Dumps(Many):
    # Far more than the tool reads or lays out at once.
    FEW = size(1100, 10_000, uml=2000)
    TIMES = size(4, 10, uml=10)
    # KiB. What the allocator takes differs by some from one run to the next; a connection that is kept takes more than one.
    LITTLE = 300

    @mostly_uml
    def test_memory_is_flat(self):
        most, begun = {}, 0
        for count in (self.FEW, self.TIMES * self.FEW):
            start = time.monotonic()
            self.establish(begun, count)
            tell(f"{count} connections, {count - begun} of them made in {time.monotonic() - start:.0f} s")
            begun = count
            for form in ("--json", "--verbose"):
                printed, seconds, kib, own = listing(form)
                tell(f"list {form}: {seconds:.1f} s, {len(printed)} bytes, {kib} KiB at most, {own} of them its own")
                if form == "--json":
                    self.assertTrue(printed.startswith(b'{"connections":[') and printed.endswith(b"]}\n"))
                    self.assertEqual(printed.count(b'"state":"established"'), count)
                else:
                    self.assertEqual(len(printed.splitlines()), 1 + count)
                most.setdefault(form, []).append(own)
        for form, (few, many) in most.items():
            self.assertGreater(few, 0)
            self.assertLess(many, few + self.LITTLE, form)

    def test_a_list_that_ends_early(self):
        self.establish(0, self.FEW)
        whole = listing("--json")[0]
        self.assertEqual([one["id"] for one in json.loads(whole)["connections"]], list(range(1, 1 + self.FEW)))
        # Whoever reads leaves.
        for form in ([], ["--json"]):
            done = run("bash", "-c", 'set -o pipefail; tlsconnctl -n gateway list "$@" | head -c 100', "bash", *form, check=False)
            self.assertEqual((done.returncode, done.stderr, len(done.stdout)), (0, "", 100))
        # The kernel does. A guest's root of another architecture has no compiler.
        if not shutil.which("gcc"):
            self.skipTest("no gcc here, with which a library that fails reads is made")
        library = f"{self.directory.name}/failing.so"
        run("gcc", "-shared", "-fPIC", "-xc", "-o", library, "-", stdin=FAILING)
        for reads, prints in ((2, False), (12, True)):
            failing = "env", f"LD_PRELOAD={library}", f"READS={reads}", "tlsconnctl", "-n", "gateway"
            done = run(*failing, "-j", "list", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot list the connections", json.loads(done.stderr)["error"]["message"])
            self.assertTrue(whole.startswith(done.stdout.encode()) and len(done.stdout) < len(whole) - 3)
            self.assertEqual(len(done.stdout) > 0, prints)
            done = run(*failing, "list", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot list the connections", done.stderr)


if __name__ == "__main__":
    unittest.main()
