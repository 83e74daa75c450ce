# SPDX-License-Identifier: GPL-2.0-only
"""doctor is never wrong: gateways of many kinds are set up, data of connections without a pin is sent through each, and what doctor
says has to agree; its commands are run, and let nothing through that was held (judging.py)."""

import os
import unittest

from judging import Judge, chosen, count, run_all
from lab import GatewayTest
from scale import size


class Agreement(GatewayTest):
    def test_all_kinds(self):
        judge = Judge()
        self.addCleanup(judge.close)
        only = os.environ.get("TLSCONN_GATEWAY", "")
        run_all(judge, chosen(only))
        self.assertEqual(judge.problems, [], "\n".join(judge.problems))
        if not only:
            agreed, unknown = count(judge.rows, "agreed"), count(judge.rows, "unknown")
            self.assertGreaterEqual(agreed + unknown, size(5, 300, 15))
            # Who says that nothing can be told is never wrong.
            self.assertGreater(agreed, unknown)


if __name__ == "__main__":
    unittest.main()
