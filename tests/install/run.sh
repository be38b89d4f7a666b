#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SUITE (bookworm or trixie): installs the package into a fresh user land of that Debian (debootstrap), runs
# what it installed against this machine's kernel at a cgroup of its own, and purges it: nothing may be left. Where
# the suite is not this machine's, the package is built in a copy of that user land. Needs root and a Debian mirror.
set -uo pipefail
cd "$(dirname "$0")/../.."
SUITE=${1:?which suite: bookworm or trixie}
ROOT=$(mktemp -d /tmp/weir-install-XXXXXX)
CGROUP2=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
NAME=${ROOT##*/} BUILDER=$ROOT-builder
AGENT=

cleanup() {
    [ -z "$AGENT" ] || kill -KILL "$AGENT" 2>/dev/null
    wait 2>/dev/null
    umount -R "$ROOT/sys" 2>/dev/null
    umount "$ROOT/proc" 2>/dev/null
    umount "$BUILDER/root/.cache/ccache" "$BUILDER/proc" 2>/dev/null
    grep -qF " $BUILDER/" /proc/mounts || rm -rf "$BUILDER"
    rmdir "$CGROUP2/$NAME" 2>/dev/null
    # Never across a mount that would not go.
    mountpoint -q "$ROOT/sys" || mountpoint -q "$ROOT/proc" || rm -rf "$ROOT"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

. tests/install/user_land.sh

make_user_land
mount -t proc proc "$ROOT/proc"
mount -t sysfs sysfs "$ROOT/sys"
mount -t bpf bpf "$ROOT/sys/fs/bpf"
mount --bind "$CGROUP2" "$ROOT/sys/fs/cgroup"
mkdir "$CGROUP2/$NAME"
AT=/sys/fs/cgroup/$NAME

hooks() { bpftool cgroup show "$CGROUP2/$NAME" | grep -c weir_; }
has_hooks() { [ "$(hooks)" = "$1" ]; }
files() { in_root find / -xdev -name '*weir*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/tmp/*' -not -path '/var/log/*' -not -path '/var/cache/*'; }
is_left() { local found; found=$(files); echo "$found"; [ -n "$found" ]; }
nothing_left() { ! is_left; }
answers() { for _ in $(seq 50); do in_root weir status "$@" | grep -q '^AGENT *running' && return 0; sleep 0.1; done; in_root weir status "$@"; return 1; }

try "the package is built" build_package
try "apt installs it with what it needs" in_root sh -c 'apt-get update -q && apt-get install -qy --no-install-recommends /tmp/weir_*.deb'
try "weir runs" in_root weir --version
try "weir-agent runs" in_root weir-agent --version
try "the group weir is there" in_root getent group weir
try "the unit is there" test -f "$ROOT/usr/lib/systemd/system/weir-agent.service" -o -f "$ROOT/lib/systemd/system/weir-agent.service"
echo 'services: {orders.shop: {addresses: [10.96.0.10], ports: [{port: 80}], endpoints: [{address: 10.0.0.2}]}}' >"$ROOT/etc/weir/mesh.d/shop.yaml"
try "the mesh is valid" in_root weir validate
chroot "$ROOT" /usr/bin/weir-agent --cgroup "$AT" --listen 127.0.0.1:0 >"$ROOT/tmp/agent.log" 2>&1 &
AGENT=$!
try "the agent runs on this kernel, with every path at its default" answers
try "the service is served" bash -c "chroot $ROOT weir services | grep -q 'orders.shop.*serving'"
try "the hooks are attached" has_hooks 10
kill -TERM "$AGENT"; wait "$AGENT" 2>/dev/null; AGENT=
try "they stay when the agent leaves" has_hooks 10
try "apt removes it" in_root apt-get remove -qy weir
try "a removal leaves the data plane at work" has_hooks 10
try "apt purges it" in_root apt-get purge -qy weir
try "a purge detaches everything" has_hooks 0
try "the pins are gone" test ! -e "$ROOT/sys/fs/bpf/weir"
rm -f "$ROOT"/tmp/weir_*.deb "$ROOT/etc/weir/mesh.d/shop.yaml"; rmdir "$ROOT/etc/weir/mesh.d" "$ROOT/etc/weir" 2>/dev/null
try "no file is left, but for those of the user" nothing_left
try "the group is gone" bash -c "! chroot $ROOT getent group weir"
finish
