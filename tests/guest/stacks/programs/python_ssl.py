# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on Python's ssl module; pump.py has its ways."""

import contextlib
import os
import ssl
import tempfile

import pump

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Library:
    def __init__(self, given):
        self.given = given
        server = given.role == "server"
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        self.context.minimum_version = self.context.maximum_version = VERSIONS[given.version]
        self.context.set_alpn_protocols([given.alpn])
        if given.cert:
            self.context.load_cert_chain(given.cert, given.key)
        if not server:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE
        elif given.ask:
            self.context.load_verify_locations(os.path.join(os.path.dirname(given.cert), "clients.pem"))
            self.context.verify_mode = ssl.CERT_OPTIONAL
        if "SSLKEYLOGFILE" in os.environ:
            self.context.keylog_filename = os.environ["SSLKEYLOGFILE"]
        self.newest = None

    def begin(self, raw, resume):
        return Tls(self, raw, resume)


class Tls:
    before = b""

    def __init__(self, library, raw, resume):
        self.library = library
        server = library.given.role == "server"
        self.tls = library.context.wrap_socket(
            raw.dup(), server_side=server, do_handshake_on_connect=False,
            server_hostname=None if server else library.given.name,
            session=library.newest if resume else None)

    @staticmethod
    def waiting(step, *parts):
        try:
            return step(*parts)
        except ssl.SSLWantReadError:
            raise pump.Wait() from None
        except ssl.SSLWantWriteError:
            raise pump.Wait(write=True) from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""

    def handshake(self):
        self.waiting(self.tls.do_handshake)

    def told(self):
        return {"version": self.tls.version().removeprefix("TLSv"), "cipher": self.tls.cipher()[0],
                "resumed": self.tls.session_reused, "alpn": self.tls.selected_alpn_protocol(), "early": False}

    def read(self):
        octets = self.waiting(self.tls.recv, pump.CHUNK)
        # A ticket of TLS 1.3 comes in front of the data.
        self.library.newest = self.tls.session
        return octets

    def write(self, octets):
        return self.waiting(self.tls.send, octets)

    def farewell(self):
        with contextlib.suppress(OSError):
            self.tls.unwrap()


def configure():
    """What the module has no words for is in the configuration that its library reads when it is loaded, and the
    library is loaded by now: the program begins anew."""
    given = pump.arguments()
    lines = []
    if given.retry:
        lines.append("Groups = P-384")
    if given.padding:
        lines.append("RecordPadding = 512")
    if not lines or "OPENSSL_CONF" in os.environ:
        return
    text = "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = defaults\n[defaults]\n"
    with tempfile.NamedTemporaryFile("w", suffix=".cnf", delete=False) as file:
        file.write(text + "\n".join(lines) + "\n")
    os.environ["OPENSSL_CONF"] = file.name
    with open("/proc/self/cmdline", "rb") as words:
        os.execv("/proc/self/exe", words.read().decode().rstrip("\0").split("\0"))


if __name__ == "__main__":
    configure()
    pump.main(Library)
