#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what a terminal shows: the pictures in the README, from real output.

usage: picture.py                (as root: runs the shop, writes docs/top.svg and docs/flows.svg)
"""

import html
import os
import sys
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path[:0] = [ROOT + "/deploy/demo", ROOT + "/deploy/lab"]
from demo import Load  # noqa: E402
from lab import Lab, service_yaml  # noqa: E402
from pods import Shop  # noqa: E402

WIDTH, HEIGHT, EDGE = 7.85, 17, 12  # of a character, of a line, around it all; pixels


def picture(command, text):
    """An SVG of a prompt with the command, and what it said."""
    lines = ["$ " + command, *text.rstrip("\n").split("\n")]
    columns = max(len(line) for line in lines)
    spans = "".join(f'<text x="{EDGE}" y="{EDGE + HEIGHT * (i + 0.8):.0f}" xml:space="preserve"{" fill=" + chr(34) + "#8ab4f8" + chr(34) if i == 0 else ""}>'
                    f"{html.escape(line)}</text>\n" for i, line in enumerate(lines))
    width, height = columns * WIDTH + 2 * EDGE, len(lines) * HEIGHT + 2 * EDGE
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}">\n'
            f'<rect width="100%" height="100%" rx="6" fill="#1e1e1e"/>\n'
            f'<g font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="13" fill="#e0e0e0">\n{spans}</g>\n</svg>\n')


def main():
    with Lab() as lab:
        shop = Shop(lab)
        lab.pod("broken")
        mesh = shop.mesh
        shop.mesh = lambda: mesh().replace("workloads:", service_yaml("legacy.shop", ["10.96.0.91"], [lab.pods["broken"].ip]) + "workloads:")
        shop.start()
        shop.make_slow("payments-2")
        with Load(shop.client):
            time.sleep(3)
            top = lab.weir("top", "--once", "--by", "endpoint", "--sort", "p99", "--window", "4s").stdout
        shop.client.connects("10.96.0.91", 80, count=2)
        time.sleep(1)
        flows = lab.weir("flows", "--last", "12", "--workload", "client.shop").stdout
    for name, command, text in (("top", "weir top --by endpoint --sort p99", top), ("flows", "weir flows --last 12 --workload client.shop", flows)):
        with open(f"{ROOT}/docs/{name}.svg", "w") as file:
            file.write(picture(command, text))


if __name__ == "__main__":
    main()
