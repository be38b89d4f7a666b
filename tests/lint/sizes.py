#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small files with one idea each: lines per file and per function, and what every file begins with."""

import re
import subprocess
import sys

LIMITS = (("bpf.c", 150), (".h", 150), (".cpp", 400), (".py", 400), (".sh", 400))
FUNCTION_LINES = 60
TABLES = {"tests/kernel/core_eval.h"}  # one switch over every function of bpf/core


def functions(lines):
    """(first line, length) of top-level braces blocks that are functions."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"^[A-Za-z].*\)( const)?( noexcept)?( override)? \{$", line) or (
                start is None and re.match(r"^\s+.*\)( const)? \{$", line) and number > 1 and re.match(r"^[A-Za-z][^;{]*$", lines[number - 2])):
            start = number
        elif line.rstrip() == "}" and start:
            yield start, number - start
            start = None


def main():
    bad = []
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], text=True, capture_output=True).stdout.split()
    for path in listed:
        limit = next((n for suffix, n in LIMITS if path.endswith(suffix)), None)
        if limit is None or path in TABLES:
            continue
        with open(path) as file:
            lines = file.read().split("\n")
        if len(lines) - 1 > limit:
            bad.append(f"{path}: {len(lines) - 1} lines, more than {limit}: split it")
        if not any("SPDX-License-Identifier" in line for line in lines[:3]):
            bad.append(f"{path}: no SPDX line")
        if path.startswith(("bpf/", "maps/abi/")) and "GPL-2.0-only OR BSD-2-Clause" not in "".join(lines[:3]):
            bad.append(f"{path}: kernel code and its contract are dual licensed")
        if path.endswith((".cpp", ".c", ".h")):
            for start, length in functions(lines):
                if length > FUNCTION_LINES:
                    bad.append(f"{path}:{start}: a function of {length} lines, more than {FUNCTION_LINES}")
    top = {path.split("/")[0] for path in listed}
    allowed = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "bpf", "maps", "loader", "userspace", "deploy", "tests", "docs"}
    bad += [f"{name}: not at the top level" for name in top if name not in allowed and not name.startswith(".")]
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
