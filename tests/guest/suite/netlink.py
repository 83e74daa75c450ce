# SPDX-License-Identifier: GPL-2.0-only
"""The netlink family as docs/netlink/tlsconn.yaml describes it, for tests that ask often: a process for each question is
slow under emulation."""

import pathlib
import re
import socket
import struct

from lab import inside

HERE = pathlib.Path(__file__).parent
HEADER = (HERE.parents[2] / "kmod/uapi/tlsconn_netlink.h").read_text()
NETLINK_GENERIC = 16
GENL_ID_CTRL, CTRL_GETFAMILY, CTRL_FAMILY_ID, CTRL_FAMILY_NAME = 16, 3, 1, 2
ERROR, DONE = 2, 3
REQUEST, MULTI, ACK, DUMP, CAPPED, ACK_TLVS = 1, 2, 4, 0x300, 0x100, 0x200
SOL_NETLINK, NETLINK_EXT_ACK, NETLINK_CAP_ACK = 270, 11, 10
NESTED = 0x8000


def numbers():
    """The header's names and what they stand for; its enumerations count from 0 or from what their first says."""
    found = {}
    for body in re.findall(r"^enum[^{]*\{(.*?)^\};", HEADER, re.M | re.S):
        number = 0
        for name, value in re.findall(r"^\t(\w+)(?: = (\d+))?,", body, re.M):
            number = int(value) if value else number
            found[name.removeprefix("TLSCONN_")] = number
            number += 1
    return found


N = numbers()


class Refused(Exception):
    """The kernel's no: its number, and its words."""

    def __init__(self, number, words):
        super().__init__(number, words)
        self.number, self.words = number, words


def attribute(kind, value=b""):
    if isinstance(value, int):
        value = struct.pack("=I" if value < 1 << 32 else "=Q", value)
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def attributes(octets):
    """Numbers and values, in order."""
    while len(octets) >= 4:
        length, kind = struct.unpack_from("=HH", octets)
        yield kind & 0x3FFF, octets[4:length]
        octets = octets[(length + 3) & ~3:]


def uint(octets):
    return int.from_bytes(octets, "little")


class Netlink:
    """A socket of a host. `most`: octets that are read at once, of which the kernel makes its messages of a dump."""

    def __init__(self, host="gateway", most=65536):
        self.most = most
        with inside(host):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.socket.bind((0, 0))
        self.sequence = 0
        answer = self.ask(CTRL_GETFAMILY, attribute(CTRL_FAMILY_NAME, b"tlsconn\0"), family=GENL_ID_CTRL)
        self.family = uint(dict(attributes(answer[0]))[CTRL_FAMILY_ID])

    def close(self):
        self.socket.close()

    def message(self, command, payload=b"", flags=REQUEST | ACK, family=None, version=1):
        self.sequence += 1
        body = struct.pack("=BBH", command, version, 0) + payload
        return struct.pack("=IHHII", 16 + len(body), family or self.family, flags, self.sequence, 0) + body

    def ask(self, command, payload=b"", flags=REQUEST | ACK, family=None):
        """The objects of an answer, each as its attributes. `empty`: how many messages of a dump said nothing of any, as
        none of those that the kernel had looked at was wanted."""
        self.empty = 0
        self.socket.send(self.message(command, payload, flags, family))
        objects = []
        while True:
            octets = self.socket.recv(self.most)
            while octets:
                length, kind, flags, sequence, _ = struct.unpack_from("=IHHII", octets)
                body, octets = octets[16:length], octets[(length + 3) & ~3:]
                if sequence != self.sequence:
                    continue
                if kind not in (ERROR, DONE):
                    if body[4:]:
                        objects.append(body[4:])
                    else:
                        self.empty += 1
                    continue
                error = -struct.unpack_from("=i", body)[0]
                if error > 0:
                    behind = 20 if kind == ERROR else 4
                    told = dict(attributes(body[behind:])) if flags & ACK_TLVS else {}
                    raise Refused(error, told.get(1, b"").rstrip(b"\0").decode())
                return objects

    def dump(self, command, payload=b""):
        return self.ask(command, payload, REQUEST | DUMP)

    def ids(self, payload=b""):
        """Of the connections, in the order in which they come."""
        key = N["A_CONNECTION_ID"]
        return [uint(dict(attributes(one))[key]) for one in self.dump(N["CMD_CONNECTION_GET"], payload)]

    def pin(self, connection, name=b"default", mark=0x54000000, mask=0xFF000000):
        """Binds a pin, from wherever it is."""
        self.ask(N["CMD_PIN_SET"], attribute(N["A_PIN_NAME"], name + b"\0") + attribute(N["A_PIN_MARK"], mark)
                 + attribute(N["A_PIN_MASK"], mask) + attribute(N["A_PIN_REPLACE"])
                 + attribute(N["A_PIN_CONNECTION"], connection))
