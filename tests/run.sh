#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests: the usual tiers, or those named: lint unit kernel kernel-6.1 vm (an upgrade to grown rows, and steps of
# the clock, on 6.1) asan fuzz e2e. Only when named: tsan, install (the package in a fresh Debian 12 and 13, and under
# systemd in a VM), all (the usual tiers and these two), kernels (e2e on Debian's kernels in a VM), bench and scale
# (figures).
# Installs and builds what is missing. Ends with one line: N passed, N failed, N skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/setup.sh

TIERS=("$@")
USUAL=(lint unit kernel kernel-6.1 vm e2e asan fuzz)
[ $# -gt 0 ] || TIERS=("${USUAL[@]}")
[ "${1-}" != all ] || TIERS=("${USUAL[@]}" tsan install)
[ "$(id -u)" = 0 ] || weir_die "the tests make network namespaces and load programs: run them with sudo" 1
PASSED=0 FAILED=0 SKIPPED=0
OUT=$(mktemp -d)
# What killed runs left: labs, and the kernel tests' mounts and cgroups.
sweep() {
    python3 deploy/lab/lab.py || true
    local directory pid
    for directory in /tmp/weir-kernel-*-*; do
        pid=$(cut -d- -f3 <<<"$directory")
        if [ -d "$directory" ] && ! [ -d "/proc/$pid" ]; then
            umount "$directory/bpffs" 2>/dev/null || true
            rm -rf "$directory"
            rmdir "$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)/${directory##*/}" 2>/dev/null || true
        fi
    done
}
trap 'trap - INT TERM; kill -TERM $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; sweep; exit 130' INT TERM
trap 'rm -rf "$OUT"' EXIT

# tier NAME COMMAND...: runs it, shows it, and adds the counts of its last "N passed, N failed, N skipped".
tier() {
    local name=$1 status=0 started=$SECONDS; shift
    weir_say "$name"
    "$@" >"$OUT/$name" 2>&1 &
    wait $! || status=$?
    local counts
    counts=$(grep -aoE '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?' "$OUT/$name" | tail -n 1 || true)
    if [ -z "$counts" ]; then
        local ok bad
        ok=$(grep -aoE '\[  PASSED  \] [0-9]+' "$OUT/$name" | grep -oE '[0-9]+$' | tail -n 1 || true)
        bad=$(grep -aoE '^ ?[0-9]+ FAILED TESTS?' "$OUT/$name" | grep -oE '[0-9]+' | tail -n 1 || true)
        local skipped
        skipped=$(grep -aoE '\[  SKIPPED \] [0-9]+' "$OUT/$name" | grep -oE '[0-9]+$' | tail -n 1 || true)
        counts="${ok:-0} passed, ${bad:-0} failed, ${skipped:-0} skipped"
    fi
    local numbers; read -r -a numbers <<<"$(grep -oE '[0-9]+' <<<"$counts" | tr '\n' ' ')"
    [ $status = 0 ] || [ "${numbers[1]}" != 0 ] || numbers[1]=1
    PASSED=$((PASSED + numbers[0])) FAILED=$((FAILED + numbers[1])) SKIPPED=$((SKIPPED + ${numbers[2]:-0}))
    if [ "${numbers[1]}" != 0 ]; then tail -n 200 "$OUT/$name"; else grep -aE '^(verified|[0-9]+ (picks|torn)|fuzz|skipped)' "$OUT/$name" || true; fi
    printf '   %s: %s (%d s)\n' "$name" "$counts" $((SECONDS - started))
}

# The agent with other layouts, for upgrade tests.
weir_build_changed() {
    python3 tests/tools/changed_build.py >/tmp/weir-build-changed.log 2>&1 ||
        { grep -E 'error|FAILED' /tmp/weir-build-changed.log | head -n 20 >&2; weir_die "the build failed: /tmp/weir-build-changed.log"; }
}

weir_install "${WEIR_BUILD_PACKAGES[@]}" "${WEIR_RUN_PACKAGES[@]}" "${WEIR_TEST_PACKAGES[@]}"
weir_build release
sweep
for name in "${TIERS[@]}"; do
    case $name in
        lint) tier lint tests/lint/run.sh ;;
        unit) tier unit build/release/bin/weir-unit-tests ;;
        kernel) tier kernel build/release/bin/weir-kernel-tests ;;
        kernel-6.1) tier kernel-6.1 tests/tools/vm-run --kernel 6.1 --timeout 1400 -- build/release/bin/weir-kernel-tests ;;
        vm)
            weir_build_changed
            tier vm tests/tools/vm-run --kernel 6.1 --timeout 1200 --mem 2048 --env WEIR_SLOW=10 --env WEIR_MAY_SET_CLOCK=1 -- \
                python3 tests/e2e/in_vm.py ;;
        e2e) weir_build_changed; tier e2e python3 tests/e2e/run.py ;;
        asan)
            weir_build asan
            weir_build_changed
            export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
            tier asan-unit build/asan/bin/weir-unit-tests
            tier asan-kernel build/asan/bin/weir-kernel-tests
            # Without the demo and those that wait for what the kernel does by itself: the agent does there what it does elsewhere.
            tier asan-e2e env WEIR_BIN="$PWD/build/asan/bin" python3 tests/e2e/run.py --but demo least_latency choice zones deadlines failed_connects outlier_blame ;;
        tsan)
            weir_build tsan
            export TSAN_OPTIONS=halt_on_error=1
            # ThreadSanitizer does not know where a kernel with many random bits puts things.
            tier tsan-unit setarch -R build/tsan/bin/weir-unit-tests
            tier tsan-e2e env WEIR_BIN="$PWD/build/tsan/bin" setarch -R python3 tests/e2e/run.py start mesh_files publishing node modes repair ;;
        install)
            weir_install debootstrap
            for suite in bookworm trixie; do tier "install-$suite" tests/install/run.sh "$suite"; done
            tier systemd tests/install/systemd.sh bookworm 6.1 ;;
        fuzz) weir_build fuzz weir-fuzz-mesh weir-fuzz-control weir-fuzz-state; tier fuzz tests/fuzz/run.sh ;;
        bench) tests/bench/run.sh ;;
        scale) python3 tests/bench/scale.py ;;
        kernels)
            weir_build_changed
            for kernel in 6.1 6.12 7.3; do  # emulated, where the machine has no KVM
                tier "e2e-$kernel" tests/tools/vm-run --kernel "$kernel" --timeout 5400 --mem 3072 --env WEIR_SLOW=10 -- \
                    python3 tests/e2e/run.py
            done ;;
        *) weir_die "no tier \"$name\": lint unit kernel kernel-6.1 vm asan fuzz e2e tsan install kernels bench scale" 2 ;;
    esac
done
printf '%d passed, %d failed, %d skipped\n' $PASSED $FAILED $SKIPPED
[ $FAILED = 0 ]
