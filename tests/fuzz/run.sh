#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the fuzzers, 20 s each (WEIR_FUZZ_RUNS=1000000: that many inputs instead). A crash leaves its input in build/.
set -uo pipefail
cd "$(dirname "$0")/../.."
passed=0 failed=0
for target in mesh control state; do
    work=$(mktemp -d)
    limit=(-max_total_time="${WEIR_FUZZ_SECONDS:-20}")
    [ -z "${WEIR_FUZZ_RUNS-}" ] || limit=(-runs="$WEIR_FUZZ_RUNS")
    if out=$("build/fuzz/bin/weir-fuzz-$target" "${limit[@]}" -timeout=5 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1 \
        -dict=tests/fuzz/weir.dict -artifact_prefix="build/fuzz-$target-" "$work" "tests/fuzz/corpus/$target" 2>&1); then
        passed=$((passed + 1))
        printf 'fuzz %s: %s inputs, clean\n' "$target" "$(grep -oE 'number_of_executed_units: [0-9]+' <<<"$out" | grep -oE '[0-9]+')"
    else
        failed=$((failed + 1))
        tail -n 40 <<<"$out"
    fi
    rm -rf "$work"
done
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
