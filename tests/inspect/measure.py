# SPDX-License-Identifier: GPL-2.0-only
"""What inspect takes for a capture: measure.py [--write DOCUMENT] RUNS TOOL CAPTURE PACKED SHARE. Each command is run so many
times, all of them in turn, its output thrown away: the least, the median and the largest wall time and processor time, and the most
memory. SHARE is a capture with a tenth of CAPTURE's connections, for tshark. Cold: the file is not in the page cache when a run begins,
though what the disk is made of may have it."""

import argparse
import datetime
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

COMMAND = "tests/inspect/time --write"
BEGIN = f"<!-- Written by {COMMAND}; what is changed by hand up to the end mark is lost. -->\n"
END = f"<!-- End of what {COMMAND} writes. -->\n"
FIELDS = ("tcp.stream", "tls.handshake.extensions_server_name", "tls.handshake.ciphersuite")
READ = "import sys\nwith open(sys.argv[1], 'rb', buffering=0) as file:\n    while file.read(1 << 20):\n        pass"


def drop(path):
    """Takes a file out of the page cache."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run(command):
    """Seconds by the clock, seconds of processors, and KiB of memory."""
    begun = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"error: {' '.join(command)}: exit {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss


def commands(args):
    """What is run, with the file that it reads and whether that is cold."""
    inspect = [args.tool, "inspect"]
    yield "`cat`", args.capture, ["cat", args.capture], False
    yield "a program that reads 1 MiB at a time", args.capture, [sys.executable, "-c", READ, args.capture], False
    yield "`inspect`", args.capture, [*inspect, args.capture], False
    yield "`inspect --json`", args.capture, [*inspect, "--json", args.capture], False
    yield "`inspect --summary --timeout 20s`", args.capture, [*inspect, "--summary", "--timeout", "20s", args.capture], False
    yield "`cat`, cold", args.capture, ["cat", args.capture], True
    yield "`inspect`, cold", args.capture, [*inspect, args.capture], True
    yield "`zstdcat` of a .zst", args.packed, ["zstdcat", args.packed], False
    yield "`inspect` of a .zst", args.packed, [*inspect, args.packed], False
    yield "`inspect` of a tenth", args.share, [*inspect, args.share], False
    if shutil.which("tshark"):
        fields = [word for field in FIELDS for word in ("-e", field)]
        yield ("`tshark` of a tenth, three fields of hellos", args.share,
               ["tshark", "-n", "-r", args.share, "-Y", "tls.handshake", "-T", "fields", *fields], False)
    else:
        print("SKIP: tshark is not here, its time is left out", file=sys.stderr)


def measured(args):
    whole = list(commands(args))
    runs = {what: [] for what, *_ in whole}
    for _ in range(args.runs):
        for what, path, command, is_cold in whole:
            if is_cold:
                drop(path)
            else:
                run(["cat", path])
            runs[what].append(run(command))
    return runs


def three(values):
    return f"{min(values):.2f} / {statistics.median(values):.2f} / {max(values):.2f}"


def text(args, runs, load):
    size = os.stat(args.capture).st_size
    rows = ["| what | wall s: least / median / most | processor s | MiB |", "|---|---:|---:|---:|"]
    for what, values in runs.items():
        walls, processors, memory = zip(*values)
        rows.append(f"| {what} | {three(walls)} | {three(processors)} | {max(memory) // 1024} |")
    date = datetime.datetime.now(datetime.timezone.utc).date()
    count = os.cpu_count()
    return (f"{date}, {size / 1e6:,.0f} MB, {args.runs} runs of each in turn, with {count} processors. Load average before: {load[0]:.1f}, "
            f"after: {os.getloadavg()[0]:.1f};\nabove 1 the machine had other work, and times by the clock are longer for it.\n\n"
            + "\n".join(rows) + "\n\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=pathlib.Path, metavar="DOCUMENT")
    parser.add_argument("runs", type=int)
    for name in ("tool", "capture", "packed", "share"):
        parser.add_argument(name)
    args = parser.parse_args()
    load = os.getloadavg()
    found = text(args, measured(args), load)
    print(found, end="")
    if args.write:
        before, mark, rest = args.write.read_text(encoding="utf-8").partition(BEGIN)
        behind = rest.partition(END)
        if not mark or not behind[1]:
            sys.exit(f"error: {args.write} lacks the marks between which it is written")
        args.write.write_text(f"{before}{BEGIN}\n{found}{END}{behind[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
