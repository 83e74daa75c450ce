# SPDX-License-Identifier: GPL-2.0-only
"""Rules put into the kernel by hand, without libxtables: what is in a match's data is up to the test."""

import ctypes
import errno
import re
import socket
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
# linux/netfilter_ipv4/ip_tables.h, and the same for IPv6.
SO_SET_REPLACE, SO_GET_INFO, SO_GET_ENTRIES = 64, 64, 65
# linux/netlink.h
NETLINK_NETFILTER = 12
SIZE = 744
NAME = b"tlsconn\0"
# struct xt_entry_match: its size, the name of 29 octets, the revision.
NAME_AT, REVISION_AT, DATA_AT = 2, 31, 32


class Refused(Exception):
    """The kernel's error number."""

    def __init__(self, number):
        super().__init__(errno.errorcode.get(number, number))
        self.number = number


class Legacy:
    """The filter table of ip_tables or ip6_tables."""

    def __init__(self, ipv6=False):
        self.family, self.level = (socket.AF_INET6, socket.IPPROTO_IPV6) if ipv6 else (socket.AF_INET, socket.IPPROTO_IP)
        self.socket = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def close(self):
        self.socket.close()

    def get(self, option, question, size):
        buffer = ctypes.create_string_buffer(question, size)
        length = ctypes.c_uint32(size)
        if LIBC.getsockopt(self.socket.fileno(), self.level, option, buffer, ctypes.byref(length)) != 0:
            raise Refused(ctypes.get_errno())
        return buffer.raw

    def read(self):
        """The table: its hooks, entry points and underflows as they are handed back, number and octets of entries."""
        name = b"filter".ljust(32, b"\0")
        info = self.get(SO_GET_INFO, name, 84)
        count, size = struct.unpack_from("=II", info, 76)
        entries = self.get(SO_GET_ENTRIES, name + struct.pack("=I", size), 40 + size)[40:]
        self.hooks, self.points, self.number = info[32:36], info[36:76], count
        return entries

    def replace(self, entries, added=0):
        """Puts other octets in the place of those that were read, and as many entries, or some more."""
        counters = ctypes.create_string_buffer(16 * self.number)
        head = b"filter".ljust(32, b"\0") + self.hooks + struct.pack("=II", self.number + added, len(entries)) + self.points
        head += struct.pack("=IQ", self.number, ctypes.addressof(counters))
        try:
            self.socket.setsockopt(self.level, SO_SET_REPLACE, head + entries)
        except OSError as error:
            raise Refused(error.errno) from None

    @staticmethod
    def place(entries):
        """Where the data of the one tlsconn match begins."""
        return entries.index(NAME) - NAME_AT + DATA_AT

    def data(self):
        [data] = self.all_data()
        return data

    def all_data(self):
        """The data of every tlsconn match, in order."""
        entries = self.read()
        places = [found.start() - NAME_AT + DATA_AT for found in re.finditer(re.escape(NAME), entries)]
        return [entries[place:place + SIZE] for place in places]

    def make(self, data, protocol=6):
        """Puts a rule in front of the chain FORWARD of which every octet is made here, into a table without rules."""
        ipv6 = self.family == socket.AF_INET6
        entries, size = self.read(), DATA_AT + len(data)
        match = struct.pack("=H29sB", size, NAME, 0) + data
        # A standard target that accepts.
        target = struct.pack("=H30si", 40, b"", -2).ljust(40, b"\0")
        # struct ip6t_entry or ipt_entry: the protocol, for IPv6 a flag that it counts, where the target and the next are.
        place, offsets, head = (128, 140, 168) if ipv6 else (80, 88, 112)
        entry = bytearray(head)
        struct.pack_into("=HBB", entry, place, protocol, 0, int(ipv6))
        struct.pack_into("=HH", entry, offsets, head + size, head + size + len(target))
        rule = bytes(entry) + match + target
        # Where hooks begin, and their policies: what stood there or behind has moved, but for where FORWARD begins.
        points = list(struct.unpack("=10I", self.points))
        begin = points[2]
        moved = [(point + len(rule)) & 0xFFFFFFFF if point >= begin else point for point in points]
        moved[2] = begin
        self.points = struct.pack("=10I", *moved)
        self.replace(entries[:begin] + rule + entries[begin:], added=1)

    def insert(self, data, revision=0):
        """Gives the match that is there other data."""
        entries = bytearray(self.read())
        place = self.place(entries)
        entries[place:place + SIZE] = data
        entries[place - DATA_AT + REVISION_AT] = revision
        self.replace(bytes(entries))


def attribute(kind, *values):
    value = b"".join(values)
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def nested(kind, *values):
    return attribute(kind | 0x8000, *values)


def number(value):
    return struct.pack("!I", value)


class Nft:
    """A chain that iptables-nft has made in its table filter."""

    NEWRULE, GETRULE, DELRULE = 6, 7, 8
    REQUEST, ACK, DUMP, CREATE, APPEND = 1, 4, 0x300, 0x400, 0x800

    def __init__(self, ipv6=False, chain="FORWARD"):
        self.family = socket.AF_INET6 if ipv6 else socket.AF_INET
        self.chain = attribute(1, b"filter\0") + attribute(2, chain.encode() + b"\0")
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        self.sequence = 0

    def close(self):
        self.socket.close()

    def message(self, kind, flags, payload=b"", family=0, resource=0):
        self.sequence += 1
        body = struct.pack("!BBH", family, 0, resource) + payload
        return struct.pack("=IHHII", 16 + len(body), kind, flags, self.sequence, 0) + body

    def answers(self):
        octets = self.socket.recv(1 << 20)
        while octets:
            length, kind, flags, sequence, _ = struct.unpack_from("=IHHII", octets)
            yield kind, sequence, octets[16:length]
            octets = octets[(length + 3) & ~3:]

    def batch(self, kind, flags, payload):
        """One command in a transaction of its own."""
        begin = self.message(0x10, self.REQUEST, resource=10)
        command = self.message(10 << 8 | kind, self.REQUEST | self.ACK | flags, payload, self.family)
        wanted = self.sequence
        self.socket.send(begin + command + self.message(0x11, self.REQUEST, resource=10))
        while True:
            for kind, sequence, body in self.answers():
                if kind == 2 and sequence == wanted:
                    error = -struct.unpack_from("=i", body)[0]
                    if error != 0:
                        raise Refused(error)
                    return

    def make(self, data, protocol=6):
        """The same as for the other variant: here every rule is made by hand."""
        self.insert(data, protocol=protocol)

    def insert(self, data, revision=0, protocol=6, only_tcp=True):
        """Appends a rule. `protocol` is what it says of itself; `only_tcp` puts the comparison into it."""
        expressions = [(b"match\0", attribute(1, NAME) + attribute(2, number(revision)) + attribute(3, data))]
        if only_tcp:
            # meta l4proto into the first register, and compared with 6.
            expressions.insert(0, (b"meta\0", attribute(1, number(1)) + attribute(2, number(16))))
            expressions.insert(1, (b"cmp\0", attribute(1, number(1)) + attribute(2, number(0))
                                   + nested(3, attribute(1, b"\6"))))
        expressions.append((b"counter\0", b""))
        elements = [nested(1, attribute(1, name), nested(2, value)) for name, value in expressions]
        compat = nested(5, attribute(1, number(protocol)), attribute(2, number(0)))
        self.batch(self.NEWRULE, self.CREATE | self.APPEND, self.chain + nested(4, *elements) + compat)

    def data(self):
        [data] = self.all_data()
        return data

    def all_data(self):
        """The data of the chain's tlsconn matches in order, as the kernel gives it out."""
        self.socket.send(self.message(10 << 8 | self.GETRULE, self.REQUEST | self.DUMP, self.chain, self.family))
        found = b""
        while True:
            for kind, _, body in self.answers():
                if kind == 3:
                    # Behind the name come the revision's attribute and the head of the data's.
                    places = [name.start() + 8 + 8 + 4 for name in re.finditer(re.escape(NAME), found)]
                    return [found[place:place + SIZE] for place in places]
                found += body

    def flush(self):
        self.batch(self.DELRULE, 0, self.chain)


def random_octets(random, count=SIZE):
    return bytes(random.getrandbits(8) for _ in range(count))
