#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rules of the house as tests: format, include arrows, sizes, names, README commands, clang-tidy.
set -uo pipefail
cd "$(dirname "$0")/../.."
passed=0 failed=0
check() {
    local name=$1; shift
    local out
    if out=$("$@" 2>&1); then passed=$((passed + 1)); else failed=$((failed + 1)); printf -- '-- %s:\n%s\n' "$name" "$out"; fi
}
files() { git ls-files -co --exclude-standard "$@"; }

check format bash -c 'git ls-files -co --exclude-standard "*.cpp" "*.h" "*.c" | xargs clang-format-19 --dry-run --Werror'
check arrows python3 tests/lint/arrows.py
check sizes python3 tests/lint/sizes.py
check readme python3 tests/lint/readme.py
check help python3 tests/lint/help.py
check man bash -c 'for f in deploy/man/*; do out=$(groff -man -ww -z "$f" 2>&1); [ -z "$out" ] || { echo "$out"; exit 1; }; done'
check shell bash -c 'for f in $(git ls-files -co --exclude-standard "*.sh" "*.bash" "deploy/debian/p*" .ci/run); do bash -n "$f" || exit 1; done'
check python bash -c 'python3 -m py_compile $(git ls-files -co --exclude-standard "*.py")'
check tidy bash -c 'git ls-files -co --exclude-standard "maps/*.cpp" "loader/*.cpp" "userspace/*.cpp" |
    xargs -P 2 -n 1 clang-tidy-19 -p build/release --quiet 2>/dev/null | grep -E "(error|warning):" | sort -u > /tmp/weir-tidy.$$ ; cat /tmp/weir-tidy.$$; ! [ -s /tmp/weir-tidy.$$ ]'
rm -f /tmp/weir-tidy.*
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
