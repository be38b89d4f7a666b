#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds a weir-agent whose tables have other layouts: the next version, for upgrade tests.

usage: changed_build.py            (into build/changed/bin)

Every kind of row changes: fields move, fields come, rows grow, keys too. The headers in maps/abi are
touched, in a copy of the tree; the code is the same, but that closing a socket is slow while sockets move.
"""

import filecmp
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
COPY = ROOT + "/build/changed-source"
# Rows whose fields change places (header, struct, its members in their new order are the reverse), and
# rows that are written as lists of values in the code: those grow at their end.
REVERSED = {"edge.h": ["weir_edge"], "state.h": ["weir_ep_state", "weir_sock"], "udp.h": ["weir_udp_flow"],
            "service.h": ["weir_svc_port", "weir_svc_settings"], "node.h": ["weir_node"],
            "latency.h": ["weir_latency"], "unmanaged.h": ["weir_unmanaged"]}
GROWN = {"edge.h": ["weir_edge_key"], "state.h": ["weir_svc_state", "weir_affinity"], "service.h": ["weir_vip", "weir_endpoint"],
         "workload.h": ["weir_workload"], "udp.h": ["weir_udp_spill_key"], "latency.h": ["weir_histogram"],
         "unmanaged.h": ["weir_unmanaged_key"]}


def members(body):
    """The declarations of a struct's members, without comments."""
    return [m.strip() for m in re.sub(r"/\*.*?\*/", "", body, flags=re.S).split(";") if m.strip()]


def change(text, struct, made):
    pattern = re.compile(r"(struct " + struct + r" \{)(.*?)(\n\};)", re.S)
    assert pattern.search(text), struct
    return pattern.sub(lambda m: m[1] + "".join(f"\n    {line};" for line in made(members(m[2]))) + m[3], text, count=1)


def change_header(path):
    name = os.path.basename(path)
    with open(path) as file:
        text = file.read()
    for struct in REVERSED.get(name, []):
        text = change(text, struct, lambda lines: ["__u64 added_first"] + lines[::-1])
    for struct in GROWN.get(name, []):
        text = change(text, struct, lambda lines: lines + ["__u32 added_last[2]"])
    if name == "udp.h":  # the lock is where the kernel is told it is: anywhere
        text = change(text, "weir_udp_sock", lambda lines: lines[2:3] + lines[:2] + lines[3:])
    if name == "base.h":
        text = re.sub(r"(#define WEIR_ABI_VERSION) (\d+)", lambda m: f"{m[1]} {int(m[2]) + 1}", text)
    text = re.sub(r"^WEIR_ASSERT\(sizeof.*\n", "", text, flags=re.M)
    with open(path, "w") as file:
        file.write(text)


# Where a socket that is closed and one that is taken over may miss each other, this build waits some
# milliseconds while sockets move, so that a test sees both at once.
SLOW = {"bpf/steer/release.bpf.c": r"    socket__finish_before\(sk\);.*\n",
        "bpf/take_udp.bpf.h": r"        if \(before__take_flow\(row, i, &flow\)\) \{\n"}
WAIT = """        if ({when})
            bpf_loop(1 << 21, wait__nothing, NULL, 0);
"""


def slow_down(fresh):
    for path, place in SLOW.items():
        with open(f"{fresh}/{path}", "r+") as file:
            text = file.read()
            when = "closing" if "closing" in text else "weir_sock_at.present"
            text, count = re.subn(place, lambda m: m[0] + WAIT.format(when=when), text)
            assert count == 1, path
            file.seek(0)
            file.write(text)
    with open(f"{fresh}/bpf/before.bpf.h", "r+") as file:
        text = file.read().replace("#endif\n", "static int wait__nothing(__u32 i, void *ctx) {\n    return 0;\n}\n#endif\n")
        file.seek(0)
        file.write(text)


def make_copy():
    fresh = COPY + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    for folder in ("bpf", "maps", "loader", "userspace", "deploy"):
        shutil.copytree(f"{ROOT}/{folder}", f"{fresh}/{folder}")
    for file in ("CMakeLists.txt", "LICENSE", "README.md"):
        shutil.copy2(f"{ROOT}/{file}", fresh)
    for name in os.listdir(fresh + "/maps/abi"):
        change_header(f"{fresh}/maps/abi/{name}")
    slow_down(fresh)
    for file in ("CMakeLists.txt", "bpf/CMakeLists.txt"):  # values that are missing in lists are 0, as is meant
        with open(f"{fresh}/{file}", "r+") as lists:
            text = lists.read().replace(" -Werror", "")
            lists.seek(0)
            lists.truncate()
            lists.write(text)
    # Files that are as they were keep their times, so that only what changed is built.
    for folder, _, names in os.walk(fresh):
        for name in names:
            was = f"{COPY}{folder[len(fresh):]}/{name}"
            if os.path.exists(was) and filecmp.cmp(was, f"{folder}/{name}", shallow=False):
                shutil.copystat(was, f"{folder}/{name}")
    shutil.rmtree(COPY, ignore_errors=True)
    os.rename(fresh, COPY)


def main():
    make_copy()
    build = ROOT + "/build/changed"
    subprocess.run(["cmake", "-S", COPY, "-B", build, "-G", "Ninja", "-DWEIR_TESTS=OFF", "-DCMAKE_BUILD_TYPE=Debug",
                    "-DCMAKE_CXX_FLAGS_DEBUG=-O0", "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=0"], check=True, stdout=subprocess.DEVNULL)
    sys.exit(subprocess.run(["cmake", "--build", build, "--target", "weir-agent"]).returncode)


if __name__ == "__main__":
    main()
