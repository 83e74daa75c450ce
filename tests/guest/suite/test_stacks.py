# SPDX-License-Identifier: GPL-2.0-only
"""A few TLS stacks through the gateway, in parallel and resumed; tests/stacks/run has all of them."""

import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "stacks"))

import course  # noqa: E402
import gateway  # noqa: E402
import peers  # noqa: E402
from lab import GatewayTest  # noqa: E402
from peer import PORTS, Case, Place  # noqa: E402
from stream import SMALL, Backend  # noqa: E402


class Stacks(GatewayTest):
    def pair(self, client, server, version, mode="resumed"):
        """What is held, and what comes once it is pinned; then the same of a session that is resumed."""
        gateway.hold()
        place = Place.make(self.directory.name)
        backend = Backend()
        self.addCleanup(backend.close)
        case, port = Case(version, mode), next(PORTS)
        running = peers.stack(server).serve(case, place, port, backend.port)
        self.addCleanup(running.close)
        modes = ["full", "resumed"] if mode == "resumed" else [mode]
        connecting = peers.stack(client).connect(case, place, port)
        self.addCleanup(connecting.close)
        results = course.run(connecting, running, case, place, backend, port, modes, SMALL)
        for mode in modes:
            with self.subTest(mode):
                self.assertEqual((results[mode].get("why"), results[mode]["result"]), (None, "pass"))
                self.assertEqual(results[mode]["passed"], 0)

    def test_openssl_with_gnutls(self):
        self.pair("openssl", "gnutls", "1.3")

    def test_gnutls_with_nss(self):
        self.pair("gnutls", "nss", "1.3")

    def test_nss_with_python(self):
        self.pair("nss", "python", "1.2")

    def test_python_with_openssl(self):
        self.pair("python", "openssl", "1.2")

    def test_early_data_of_openssl(self):
        self.pair("openssl", "openssl", "1.3", "early")

    def test_padded_records(self):
        self.pair("gnutls", "openssl", "1.3", "padding")


if __name__ == "__main__":
    unittest.main()
