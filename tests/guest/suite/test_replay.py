# SPDX-License-Identifier: GPL-2.0-only
"""Real captures through the kernel: what the module says of them is what `tlsconnctl inspect` says of the files.

A part of the captures, or with TLSCONN_FULL=1 all; they are not part of the project, and are looked for in the folder
that TLSCONN_CORPUS names."""

import contextlib
import os
import pathlib
import tempfile
import unittest

import pcap
from agreement import CUT, REFUSED, TOGETHER, UNCONFIRMED, Agreement
from forge import ACK, FIN, SYN
from replay import PAUSE, Ends, Road, inspect, plan
from scale import FULL, tell
from segments import VARIANTS, as_captured

CORPUS = pathlib.Path(os.environ.get("TLSCONN_CORPUS") or "/nowhere")
# One capture in so many.
PART = 1 if FULL else 15


def ends(packet):
    """Of its connection."""
    return tuple(sorted(map(pcap.written, (packet.src, packet.dst))))


@unittest.skipUnless(CORPUS.is_dir(), "there are no captures: TLSCONN_CORPUS names no folder")
class Replay(unittest.TestCase):
    """A test for each way to cut the streams."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        paths = sorted(path for path in CORPUS.rglob("*") if path.suffix in (".pcap", ".pcapng", ".cap"))[::PART]
        cls.captures = {str(path.relative_to(CORPUS)): pcap.packets(path) for path in paths}
        cls.ends = Ends()
        cls.as_sent = cls.inspected(packet.ip(number) for _, packet, number in plan(cls.captures, cls.ends, as_captured))
        # Ids of different files are not to meet.
        cls.of_files = []
        for number, name in enumerate(cls.captures):
            for connection in inspect(CORPUS / name):
                one = cls.ends.translated(name, connection)
                one["id"] = (number, one["id"])
                one["resumes"] = None if one["resumes"] is None else (number, one["resumes"])
                cls.of_files.append(one)

    @classmethod
    def inspected(cls, packets):
        pcap.write(cls.folder / "sent.pcap", packets, PAUSE)
        return inspect(cls.folder / "sent.pcap")

    def replay(self, variant, **settings):
        planned = plan(self.captures, self.ends, VARIANTS[variant])
        with contextlib.ExitStack() as stack:
            road = Road(stack, **settings)
            sent = road.replay(planned, offload=variant == "merged")
            accepted = self.inspected(one.ip for one in sent if not one.refused)
            answered = {ends(packet) for (_, packet, _), one in zip(planned, sent)
                        if not one.refused and packet.flags & (SYN | ACK) == SYN | ACK}
            tracked = self.inspected(self.tracked(planned, sent, answered))
            module = road.listed(tracked)
        agreement = Agreement()
        agreement.compare([("", self.of_files), (TOGETHER, self.as_sent), (CUT, self.inspected(one.ip for one in sent)),
                           (REFUSED, accepted), (UNCONFIRMED, tracked)], module, answered)
        refused = sum(one.refused for one in sent)
        tell(f"{variant} {settings or ''}: {len(self.captures)} captures, {len(sent)} packets, {refused} refused by conntrack")
        for line in agreement.told():
            tell(line)
        self.assertEqual(agreement.unexplained, [])
        # What is compared with nothing cannot differ.
        self.assertGreater(agreement.equal, 15 * len(self.captures))
        self.assertGreater(agreement.connections, len(self.captures))

    @staticmethod
    def tracked(planned, sent, answered):
        """What the tracker takes in: nothing of the payload of a packet that makes conntrack's entry, unless it is a SYN that is
        answered."""
        seen = set()
        for (_, packet, number), one in zip(planned, sent):
            if one.refused:
                continue
            made = ends(packet) not in seen and not packet.flags & SYN or packet.flags & SYN and ends(packet) not in answered
            seen.add(ends(packet))
            yield packet.changed(flags=packet.flags & ~FIN, payload=b"").ip(number) if made else one.ip

    def test_as_captured(self):
        self.replay("as captured")

    def test_in_small_packets(self):
        self.replay("MTU 300")

    def test_reordered(self):
        self.replay("reordered")

    def test_merged(self):
        self.replay("merged")

    @unittest.skipUnless(FULL, "TLSCONN_FULL=1 runs it: the other runs again, with a setting that few have")
    def test_conntrack_that_lets_windows_be(self):
        self.replay("as captured", liberal=True)


if __name__ == "__main__":
    unittest.main()
