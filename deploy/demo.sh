#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shows weir at work on this machine: installs what is missing, builds, makes a few pods, steers real
# traffic between them, counts on both sides, and removes everything again, also on Ctrl-C.
#   sudo deploy/demo.sh            one screen a step, Enter goes on
#   sudo deploy/demo.sh --once     no keyboard; exits non-zero if anything shown is wrong
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/setup.sh

case "${1-}" in
    "" | --once) ;;
    -h | --help) sed -n '3,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) weir_die "usage: deploy/demo.sh [--once]" 2 ;;
esac
[ "$(id -u)" = 0 ] || weir_die "the demo makes network namespaces and loads programs: run it with sudo" 10
weir_install "${WEIR_BUILD_PACKAGES[@]}" "${WEIR_RUN_PACKAGES[@]}"
weir_build release weir weir-agent
exec python3 deploy/demo/demo.py "$@"
