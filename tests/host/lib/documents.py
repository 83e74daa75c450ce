# SPDX-License-Identifier: GPL-2.0-only
"""Prints the commands that tests/host/documents runs: where each stands, a tab, the command."""

import sys

sys.path.insert(0, "tests/guest/suite")
import documents  # noqa: E402

for block in documents.all_blocks():
    if block.mark == "sh host":
        for command in block.commands():
            print(f"{block}\t{command}")
