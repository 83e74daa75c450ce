# SPDX-License-Identifier: GPL-2.0-only
"""How much a test does: what CI has time for on an emulated machine, or all of it with TLSCONN_FULL=1, as in

    TLSCONN_FULL=1 tests/lab/vm --memory 3072 --timeout 7200 'python3 -B tests/guest/suite test_load'

docs/testing.md says what such a run does."""

import os
import sys
import unittest

FULL = os.environ.get("TLSCONN_FULL") == "1"
# In CI's size, but nothing is left to User Mode Linux alone.
EVERYWHERE = os.environ.get("TLSCONN_EVERYWHERE") == "1"
# Whose kernel it is, as the lab says: a folder of tests/lab/flavours.
KIND = os.environ.get("TLSCONN_KIND", "stock")
# User Mode Linux has neither the second processor nor all targets; debug kernels have its configuration.
UML = KIND != "stock"


def size(ci, full, uml=None):
    """What to do on the stock kernel in CI, and in full; User Mode Linux may do with less in CI."""
    if FULL:
        return full
    return uml if UML and uml is not None else ci


def mostly_uml(test):
    """CI runs it in User Mode Linux, where it costs little."""
    return unittest.skipUnless(UML or FULL or EVERYWHERE, "make test has it in User Mode Linux, make test-full here too")(test)


def tell(*words):
    """A figure, for whoever reads the log."""
    print("   ", *words, file=sys.stderr, flush=True)
