#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the programs' own --help lists is in their man pages, in the completions of all shells and in docs/cli.md."""

import os
import re
import subprocess
import sys

BIN = os.environ.get("WEIR_BIN", "build/release/bin")
COMPLETIONS = ("deploy/completions/weir.bash", "deploy/completions/_weir", "deploy/completions/weir.fish")


def told(*words):
    return subprocess.run(words, text=True, capture_output=True, check=True).stdout


def flags(text):
    return set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", text, re.M)) - {"--help", "--version", "--help-all"}


def read(path):
    with open(path) as file:
        return file.read()


def read_man(path):
    return re.sub(r"\\f.", " ", read(path)).replace("\\", "")


def main():
    bad = []

    def expect(path, word, text):
        if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text):
            bad.append(f"{path}: has no {word}")

    general = told(BIN + "/weir", "--help")
    commands = re.findall(r"^  ([a-z]+) ", general.split("Subcommands:")[1], re.M)
    pages = {path: read(path) for path in COMPLETIONS + ("docs/cli.md",)}
    pages["deploy/man/weir.1"] = read_man("deploy/man/weir.1")
    for path, text in pages.items():
        for command in commands:
            expect(path, command, text)
            for flag in flags(told(BIN + "/weir", command, "--help")) - flags(general):
                expect(path, flag[2:] if path.endswith(".fish") else "-o" if flag == "--output" else flag, text)
        for flag in flags(general):
            expect(path, flag[2:] if path.endswith(".fish") else flag, text)
    agent = read_man("deploy/man/weir-agent.8")
    for flag in flags(told(BIN + "/weir-agent", "--help")):
        expect("deploy/man/weir-agent.8", flag, agent)
        expect("docs/cli.md", flag, pages["docs/cli.md"])
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
