#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes go one way only: which folder may include which, as the architecture has it."""

import re
import subprocess
import sys

# Folder -> folders it may include (itself always). The longest prefix of a file's path decides.
ALLOWED = {
    "maps/abi": set(),
    "maps": {"maps/abi"},
    "bpf/core": {"maps/abi"},
    "bpf": {"maps/abi", "bpf/core"},
    "loader": {"maps", "maps/abi"},
    "userspace/model": {"maps", "maps/abi", "bpf/core"},
    "userspace/source": {"userspace/model", "maps", "maps/abi"},
    "userspace/node": {"maps", "maps/abi", "loader"},
    "userspace/reconcile": {"userspace/model", "userspace/node", "loader", "maps", "maps/abi", "bpf/core"},
    "userspace/observe": {"userspace/model", "maps", "maps/abi", "bpf/core"},
    "userspace/control": {"loader", "userspace/observe", "userspace/reconcile", "userspace/model", "maps", "maps/abi"},
    "userspace/agent": None,  # everything
    "userspace/cli": None,
    "tests": None,
}
SKELETONS = {"loader/steer.cpp", "loader/idle.cpp", "loader/identity.cpp", "loader/observe.cpp", "loader/migrate.cpp"}
CLI11 = {"userspace/cli/main.cpp", "userspace/agent/main.cpp", "userspace/agent/flags.h"}


def folder(path):
    return max((f for f in ALLOWED if path.startswith(f + "/")), key=len, default=None)


def resolve(path, include):
    parts = path.split("/")[:-1] if include.startswith((".",)) or "/" not in include else []
    for part in include.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def main():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.cpp", "*.h", "*.c"], text=True, capture_output=True)
    bad = []
    for path in listed.stdout.split():
        where = folder(path)
        if where is None:
            bad.append(f"{path}: in no folder of the architecture")
            continue
        with open(path) as file:
            for number, line in enumerate(file, 1):
                found = re.match(r'#include ([<"])([^>"]+)', line)
                if not found:
                    continue
                quoted, name = found[1] == '"', found[2]
                if name.endswith(".skel.h") and path not in SKELETONS and where != "tests":
                    bad.append(f"{path}:{number}: only {', '.join(sorted(SKELETONS))} see skeletons")
                if name.startswith("CLI/") and path not in CLI11:
                    bad.append(f"{path}:{number}: only main files include CLI11")
                if not quoted:
                    continue
                target = resolve(path, name)
                if where.startswith("bpf") or where == "maps/abi" or path.endswith(".bpf.c") or path.endswith("core_eval.h"):
                    target = resolve(path, "./" + name)
                to = folder(target)
                if where != "tests" and to == "tests":
                    bad.append(f"{path}:{number}: includes a test, {name}")
                elif ALLOWED[where] is not None and to is not None and to != where and to not in ALLOWED[where]:
                    bad.append(f"{path}:{number}: {where} may not include {to} ({name})")
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
