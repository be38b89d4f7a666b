#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# systemd.sh SUITE KERNEL: installs the package into a fresh user land of that Debian with systemd and boots it on that
# Debian's kernel in a VM, where tests/install/unit.sh tries the unit. Nothing of it runs on this machine's kernel.
# Needs root and a Debian mirror.
set -uo pipefail
cd "$(dirname "$0")/../.."
SUITE=${1:?which suite: bookworm or trixie} KERNEL=${2:?which kernel: 6.1 or 6.12}
ROOT=$(mktemp -d /tmp/weir-systemd-XXXXXX)
BUILDER=$ROOT-builder

cleanup() {
    umount "$ROOT/proc" "$BUILDER/root/.cache/ccache" "$BUILDER/proc" 2>/dev/null
    # Never across a mount that would not go.
    grep -qF " $ROOT" /proc/mounts || rm -rf "$ROOT" "$BUILDER"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

. tests/install/user_land.sh

make_user_land systemd,systemd-sysv,kmod
mount -t proc proc "$ROOT/proc"
try "the package is built" build_package
try "apt installs it with what it needs" in_root sh -c 'apt-get update -q && apt-get install -qy --no-install-recommends /tmp/weir_*.deb'
umount "$ROOT/proc"
cp tests/install/unit.sh "$ROOT/root/"
[ $FAILED = 0 ] || finish
# Emulated, where the machine has no KVM: a second there is several here.
tests/tools/vm-run --kernel "$KERNEL" --root "$ROOT" --timeout 900 --mem 2048 -- bash /root/unit.sh | tee "$ROOT/tmp/report"
numbers=$(grep -oE '^[0-9]+ passed, [0-9]+ failed' "$ROOT/tmp/report" | grep -oE '[0-9]+' | tr '\n' ' ')
read -r passed failed <<<"${numbers:-0 1}"
PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
finish
