#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What README.md and docs/ say exists, exists: files that are named, commands and flags of the programs,
metrics. The longer commands are run by tests/e2e/test_readme.py."""

import glob
import os
import re
import subprocess
import sys

BIN = os.environ.get("WEIR_BIN", "build/release/bin")


def main():
    bad = []
    texts = {path: open(path).read() for path in ["README.md", *sorted(glob.glob("docs/*.md"))]}
    helps = {}
    commands = re.findall(r"^  (\w+) ", subprocess.run([BIN + "/weir", "--help"], text=True, capture_output=True).stdout, re.M)
    for name in commands:
        helps[name] = subprocess.run([BIN + "/weir", name, "--help"], text=True, capture_output=True).stdout
    agent = subprocess.run([BIN + "/weir-agent", "--help"], text=True, capture_output=True).stdout
    main_help = subprocess.run([BIN + "/weir", "--help"], text=True, capture_output=True).stdout
    for path, text in texts.items():
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            if not os.path.exists(os.path.join(os.path.dirname(path), link)):
                bad.append(f"{path}: links to {link}, which is not there")
        for name in re.findall(r"(?<![\w/.-])((?:deploy|tests|docs|bpf|maps|loader|userspace)/[\w./-]+\w)", text):
            if not os.path.exists(name):
                bad.append(f"{path}: names {name}, which is not there")
        for command, rest in re.findall(r"`(?:sudo )?weir (\w+)([^`]*)`", text):
            if command not in helps:
                bad.append(f"{path}: there is no `weir {command}`")
                continue
            for flag in re.findall(r"--[\w-]+", rest):
                if flag not in helps[command] and flag not in main_help:
                    bad.append(f"{path}: `weir {command}` has no {flag}")
        for flag in re.findall(r"weir-agent (--\w[\w-]+)", text):
            if flag not in agent:
                bad.append(f"{path}: weir-agent has no {flag}")
    cli = texts.get("docs/cli.md", "")
    for name in commands:
        if f"weir {name}" not in cli:
            bad.append(f"docs/cli.md: says nothing of `weir {name}`")
    codes = open("loader/exit_codes.h").read()
    for name, number in re.findall(r"(kExit\w+) = (\d+)", codes):
        if not re.search(rf"^\| {number} \|", cli, re.M):
            bad.append(f"docs/cli.md: exit code {number} ({name}) is not documented")
    exporter = "".join(open(path).read() for path in sorted(glob.glob("userspace/observe/metrics/*.cpp")))
    for name in set(re.findall(r'"((?:istio|weir)_[a-z_]+)"', exporter)):
        if name not in texts.get("docs/metrics.md", ""):
            bad.append(f"docs/metrics.md: says nothing of {name}")
    for name in set(re.findall(r"\b((?:istio_tcp|weir_[a-z]+)_[a-z_]+)\b", texts.get("docs/metrics.md", ""))):
        if f'"{name}"' not in exporter and not name.startswith(("weir_connect", "weir_sock", "weir_svc", "weir_ep", "weir_cg")):
            bad.append(f"docs/metrics.md: names {name}, which is not exported")
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
