# SPDX-License-Identifier: GPL-2.0-only
"""How much a test does: what CI has time for on an emulated machine, or all of it with TLSCONN_FULL=1, as in

    TLSCONN_FULL=1 tests/lab/vm --memory 3072 --timeout 7200 'python3 -B -m unittest discover -v -s tests/guest/suite -p test_load.py'

docs/testing.md has the figures of such a run."""

import os
import sys

FULL = os.environ.get("TLSCONN_FULL") == "1"
# User Mode Linux has neither the second processor nor all targets.
UML = not os.uname().release.endswith("amd64")


def size(ci, full):
    return full if FULL else ci


def tell(*words):
    """A figure, for whoever reads the log."""
    print("   ", *words, file=sys.stderr, flush=True)
