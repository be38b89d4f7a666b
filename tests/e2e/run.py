#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the e2e tests, two files at a time, each in a process of its own. run.py [--but] [FILE...]; a file's name
without test_ and .py will do; --but: all others. Ends with N passed, N failed, N skipped."""

import concurrent.futures
import glob
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


RUNNING = set()


def run_file(path):
    process = subprocess.Popen([sys.executable, "-W", "error::ResourceWarning", "-m", "unittest", "-v", os.path.basename(path)[:-3]],
                               cwd=HERE, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    RUNNING.add(process)
    try:
        output, _ = process.communicate(timeout=900 * float(os.environ.get("WEIR_SLOW", "1")))
    except subprocess.TimeoutExpired:
        process.terminate()
        output = process.communicate()[0] + "\nFAILED: it did not come to its end\n"
    RUNNING.discard(process)
    return path, process.returncode, output


def stop(*_):
    for process in list(RUNNING):
        process.terminate()  # it removes its lab, and ends
    for process in list(RUNNING):
        process.wait(30)
    os._exit(143)


def counts(output, status):
    ran = re.search(r"^Ran (\d+) test", output, re.M)
    result = dict(re.findall(r"(failures|errors|skipped)=(\d+)", output))
    failed = int(result.get("failures", 0)) + int(result.get("errors", 0))
    if status and not failed:
        failed = 1
    skipped = int(result.get("skipped", 0))
    return max(0, (int(ran[1]) if ran else 0) - failed - skipped), failed, skipped


def main():
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    names = [re.sub(r"^test_|\.py$", "", name) for name in sys.argv[1:]]
    if not names or names[0] == "--but":
        names = [name for name in sorted(os.path.basename(p)[5:-3] for p in glob.glob(HERE + "/test_*.py")) if name not in names]
    paths = [f"{HERE}/test_{name}.py" for name in names]
    total = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("WEIR_E2E_JOBS", "2"))) as pool:
        for path, status, output in pool.map(run_file, paths):
            one = counts(output, status)
            total = [a + b for a, b in zip(total, one)]
            print(f"-- {os.path.basename(path)}: {one[0]} passed, {one[1]} failed, {one[2]} skipped", flush=True)
            for line in re.findall(r"^.*skipped '.*$", output, re.M):
                print("skipped " + line)
            if one[1]:
                print(output, flush=True)
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    sys.exit(1 if total[1] else 0)


if __name__ == "__main__":
    main()
