# SPDX-License-Identifier: GPL-2.0-only
"""rust-analyzer.py REPO CACHE ROOT OBJECTS: reads a rust-project.json of the build root, and prints one for this machine, with
the module in it. OBJECTS: where the module was built, below REPO. A file that it names and that is not there ends it."""

import json
import os
import sys

repo, cache, root, objects = sys.argv[1:]
# What the module uses, as rust/Makefile has it for those of the kernel.
USED = ("core", "kernel", "pin_init", "zerocopy", "zerocopy_derive")


def here(value):
    """Paths of the build root as this machine has them."""
    if isinstance(value, dict):
        return {name: here(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [here(inner) for inner in value]
    if isinstance(value, str) and value.startswith("/"):
        for inside, outside in (("/src/", repo), ("/cache/", cache), ("/", root)):
            if value.startswith(inside):
                path = os.path.realpath(f"{outside}/{value[len(inside):]}")
                if not os.path.exists(path):
                    sys.exit(f"{path} is not there: build the module first (tests/lab/build stock)")
                return path
    return value


project = json.load(sys.stdin)
crates = project["crates"]
numbers = {crate["display_name"]: number for number, crate in enumerate(crates)}
crates.append({
    **crates[numbers["kernel"]],
    "display_name": "xt_tlsconn",
    "root_module": "/src/kmod/tlsconn.rs",
    "is_workspace_member": True,
    "cfg": crates[numbers["kernel"]]["cfg"] + ["MODULE"],
    "env": {"TLSCONN_BINDINGS": f"/src/{objects}/kmod/bindings_generated.rs"},
    "deps": [{"crate": numbers[name], "name": name} for name in USED],
    "source": {"include_dirs": ["/src/kmod", f"/src/{objects}/kmod"], "exclude_dirs": []},
})
json.dump(here(project), sys.stdout, indent=1)
print()
