#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the fuzzers side by side, 20 s each (WEIR_FUZZ_SECONDS; WEIR_FUZZ_RUNS=1000000: that many inputs
# instead). A crash leaves its input in build/.
set -uo pipefail
cd "$(dirname "$0")/../.."
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM
limit=(-max_total_time="${WEIR_FUZZ_SECONDS:-20}")
[ -z "${WEIR_FUZZ_RUNS-}" ] || limit=(-runs="$WEIR_FUZZ_RUNS")
declare -A running
for target in mesh control state; do
    mkdir "$work/$target"
    "build/fuzz/bin/weir-fuzz-$target" "${limit[@]}" -timeout=5 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1 \
        -dict=tests/fuzz/weir.dict -artifact_prefix="build/fuzz-$target-" "$work/$target" "tests/fuzz/corpus/$target" \
        >"$work/$target.log" 2>&1 &
    running[$target]=$!
done
for target in mesh control state; do
    if wait "${running[$target]}"; then
        passed=$((passed + 1))
        printf 'fuzz %s: %s inputs, clean\n' "$target" \
            "$(grep -aoE 'number_of_executed_units: [0-9]+' "$work/$target.log" | grep -oE '[0-9]+')"
    else
        failed=$((failed + 1))
        tail -n 40 "$work/$target.log"
    fi
done
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
