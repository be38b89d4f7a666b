#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures weir against direct connections, iptables, nft and HAProxy in interleaved rounds on one CPU; prints
# a table and writes build/bench.json. Names of parts (bench.py has them) run those alone; WEIR_BENCH_ROUNDS
# (default 15) sets the rounds.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/setup.sh
[ "$(id -u)" = 0 ] || weir_die "the bench makes network namespaces and loads programs: run it with sudo" 10
weir_install "${WEIR_BUILD_PACKAGES[@]}" "${WEIR_RUN_PACKAGES[@]}" haproxy iptables nftables
weir_build release
exec python3 tests/bench/bench.py "$@"
