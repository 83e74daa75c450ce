# SPDX-License-Identifier: GPL-2.0-only
"""measure.py RUNS WHAT COMMAND...: runs a command so many times, its output thrown away, and prints a row of a table: the least
wall time and processor time of them, and the most memory."""

import os
import subprocess
import sys
import time

runs, what, *command = sys.argv[1:]
walls, processors, memory = [], [], []
for _ in range(int(runs)):
    begun = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    walls.append(time.monotonic() - begun)
    processors.append(used.ru_utime + used.ru_stime)
    memory.append(used.ru_maxrss)
    if status:
        sys.exit(f"{' '.join(command)}: exit {os.waitstatus_to_exitcode(status)}")
print(f"| {what} | {min(walls):.2f} | {min(processors):.2f} | {max(memory) // 1024} |")
