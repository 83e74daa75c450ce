# SPDX-License-Identifier: GPL-2.0-only
"""The ways to hold application data that are compared: each as it is loaded on the gateway, lets one connection through, and
is taken away again. The old recipe and tlsconn's are those of the evasion table."""

import datetime
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "guest/suite"))

from evasions import MARK, OldRecipe, Tlsconn  # noqa: E402
from lab import on, run, wait_for  # noqa: E402

RULES = pathlib.Path(__file__).parent / "hold.rules"


class Nothing:
    """No rule at all, and no conntrack."""
    name = "no rules"

    def load(self):
        pass

    def unload(self):
        pass

    def pin(self, talk):
        pass


class Suricata(OldRecipe):
    """Everything forwarded goes to Suricata; a connection that carries the mark does not."""
    name = "suricata"
    queues = 1

    def load(self):
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "connmark", "--mark", MARK, "-j", "ACCEPT")
        where = ["--queue-num", "0"] if self.queues == 1 else ["--queue-balance", f"0:{self.queues - 1}"]
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-j", "NFQUEUE", *where)


class Engine:
    """Suricata at the gateway's queues, with Debian's configuration but for what is said here."""

    def __init__(self, queues=1, rules=RULES):
        self.queues, self.rules = queues, rules
        self.counted = {}

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        options = {
            # Else nothing is looked at once it is encrypted.
            "app-layer.protocols.tls.encryption-handling": "full",
            "unix-command.filename": f"{self.folder.name}/command",
        }
        command = ["ip", "netns", "exec", "gateway", "suricata", "-c", "/etc/suricata/suricata.yaml", "-S", str(self.rules),
                   "-l", self.folder.name, "--runmode", "workers"]
        for name, value in options.items():
            command += ["--set", f"{name}={value}"]
        for queue in range(self.queues):
            command += ["-q", str(queue)]
        self.log = pathlib.Path(self.folder.name, "output")
        with self.log.open("w") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        if not wait_for(lambda: "Engine started" in self.log.read_text() or self.process.poll() is not None) \
                or self.process.poll() is not None or re.search(r"^E", self.log.read_text(), re.MULTILINE):
            self.end()
            raise SystemExit(f"error: suricata does not start:\n{self.text}")
        return self

    def cpu(self):
        """Seconds of a processor that it has taken."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def __exit__(self, *_):
        self.end()
        # Written once more at the end.
        found = re.findall(r"^(\S+)\s*\| Total\s*\| (\d+)", pathlib.Path(self.folder.name, "stats.log").read_text(), re.MULTILINE)
        self.counted = {name: int(value) for name, value in found}
        self.folder.cleanup()

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.text = self.log.read_text()


def versions():
    """Of what is compared, and of what it runs on."""
    def said(*command):
        return re.search(r"\d[\w.]*\d", run(*command).stdout)[0]

    with open("/proc/cpuinfo") as processors:
        cpus = len(re.findall(r"^processor\b", processors.read(), re.MULTILINE))
    return {"date": datetime.date.today().isoformat(), "kernel": os.uname().release, "processors": cpus,
            "iptables": said("iptables", "--version"), "suricata": said("suricata", "-V"), "openssl": said("openssl", "version"),
            "tlsconn": said("tlsconnctl", "--version")}


WAYS = (OldRecipe, Suricata, Tlsconn)
