# SPDX-License-Identifier: GPL-2.0-only
"""Who pays for connections: the memory cgroup of who turned tracking on, and one bound for all users without privilege."""

import pathlib
import unittest

import slabs
from lab import GatewayTest, listed, load, loaded, run, unload, wait_for
from scale import size, tell
from tenant import Tenant

CGROUPS = pathlib.Path("/tmp/cgroups")
OF_MODULE = "tlsconn_connection", "tlsconn_handshake", "tlsconn_kept", "tlsconn_session"


def taken():
    """Bytes of our caches, as far as they have lines of their own; what they share with others counts too."""
    total = 0
    for line in pathlib.Path("/proc/slabinfo").read_text().splitlines():
        name, *columns = line.split()
        if name in OF_MODULE:
            total += int(columns[1]) * int(columns[2])
    return total


class Memory(GatewayTest):
    def setUp(self):
        # Once the namespaces have gone: the other tests have the module with its defaults.
        self.addCleanup(lambda: (unload(), load()))
        super().setUp()
        conntrack = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_max")
        before = conntrack.read_text()
        conntrack.write_text("262144")
        self.addCleanup(conntrack.write_text, before)

    def module(self, *parameters):
        if loaded():
            unload()
        run("modprobe", "xt_tlsconn", *parameters)

    def tenant(self, cgroup=None):
        tenant = Tenant(cgroup)
        self.addCleanup(tenant.close)
        return tenant

    def cgroup(self, limit):
        CGROUPS.mkdir(exist_ok=True)
        if not (CGROUPS / "cgroup.controllers").exists():
            run("mount", "-t", "cgroup2", "none", str(CGROUPS))
            self.addCleanup(run, "umount", "-l", str(CGROUPS))
        if "memory" not in (CGROUPS / "cgroup.controllers").read_text():
            self.skipTest("this kernel has no memory cgroups")
        (CGROUPS / "cgroup.subtree_control").write_text("+memory")
        group = CGROUPS / "tenant"
        group.mkdir()
        self.addCleanup(lambda: wait_for(lambda: self.removed(group)))
        (group / "memory.max").write_text(str(limit))
        swap = group / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")
        return group

    @staticmethod
    def removed(group):
        try:
            group.rmdir()
        except OSError:
            return False
        return True

    def test_the_memory_of_packets_is_of_who_has_them_tracked(self):
        limit, connections = size((32 << 20, 12000), (64 << 20, 40000))
        self.module()
        group = self.cgroup(limit)
        tenant = self.tenant(group)
        before = taken()
        tenant.begin(0, connections)
        grown = taken() - before
        stats = tenant.stats()
        current = int((group / "memory.current").read_text())
        tell(f"{connections} connections begun under a limit of {limit >> 20} MiB: {stats['connections-now']} tracked, "
             f"{stats['allocation-failures']} without memory, caches grew by {grown >> 10} KiB, charged {current >> 10} KiB")
        self.assertLessEqual(grown, limit)
        self.assertLessEqual(current, limit)
        # The limit was reached, and the program that the packets come from lives.
        self.assertGreater(current, limit * 9 // 10)
        self.assertGreater(stats["allocation-failures"] + stats["lost-table-full"], 0)
        # Others have what they need.
        self.hold()
        client = self.connect(self.server())
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established"), client.listed())

    def test_namespaces_of_unprivileged_users_share_a_bound(self):
        bound, each = 400, 300
        self.module(f"max_connections_unprivileged={bound}")
        tenants = [self.tenant() for _ in range(3)]
        for tenant in tenants:
            tenant.begin(0, each)
        stats = [tenant.stats() for tenant in tenants]
        now = [one["connections-now"] for one in stats]
        self.assertEqual(sum(now), bound, now)
        self.assertEqual(now[0], each)
        # What found no room was counted; a new connection takes the place of an older one of the same namespace.
        self.assertGreater(sum(one["connections-full"] for one in stats), 0)
        self.hold()
        client = self.connect(self.server())
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established"), listed("--all"))
        # What one gives up another has.
        tenants[0].close()
        self.assertTrue(wait_for(lambda: slabs.in_use().get("tlsconn_connection", 0) <= bound - each + 10))
        tenants[2].begin(1000, 1000 + each)
        self.assertEqual(tenants[2].stats()["connections-now"], bound - now[1])


if __name__ == "__main__":
    unittest.main()
