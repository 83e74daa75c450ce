# SPDX-License-Identifier: GPL-2.0-only
"""Runs both tlsconnctl in a root that has nothing but them and a capture: the one without shared libraries does what it does outside."""

import pathlib
import shutil
import subprocess
import tempfile

import captures

with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder) / "root"
    root.mkdir()
    shutil.copy(captures.make(pathlib.Path(folder)), root / "made.pcap")
    subprocess.run(["gzip", "--keep", root / "made.pcap"], check=True)
    shutil.copy("build/static/tlsconnctl", root / "static")
    shutil.copy("build/bin/tlsconnctl", root / "shared")

    def run(*command, **where):
        return subprocess.run(command, capture_output=True, text=True, **where)

    for words in (["-j", "inspect", "made.pcap"], ["inspect", "made.pcap.gz", "--packets"], ["inspect", "made.pcap", "--explain"],
                  ["-j", "rules"], ["inspect", "missing.pcap"], ["--version"]):
        inside, outside = run("chroot", root, "/static", *words), run("/src/build/bin/tlsconnctl", *words, cwd=root)
        results = [(done.returncode, done.stdout, done.stderr) for done in (inside, outside)]
        assert results[0] == results[1], (words, results)
        assert inside.returncode in (0, 1), (words, results)
    assert "name.example" in run("chroot", root, "/static", "inspect", "made.pcap").stdout
    # That nothing else is there is seen by the other one.
    assert run("chroot", root, "/shared", "--version").returncode not in (0, 1), "there are libraries in an empty root"
