# SPDX-License-Identifier: GPL-2.0-only
"""Results of a run, as it prints them."""

import json


def read(path):
    """Its objects: first what the run says about itself, then the cells. A run that is cut off ends in half a line, and guests
    print other lines too."""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict):
                yield told
