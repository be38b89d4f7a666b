#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# user_land.sh: sourced by the tests of the package: makes a fresh Debian under $ROOT, builds the package for it, and
# reports what was tried. It runs nothing of weir itself. Needs $SUITE, $ROOT and $BUILDER set, and a Debian mirror.
PASSED=0 FAILED=0

# The package into $ROOT/tmp. In the copy of the user land are only the files of the tree, and ccache's of this machine.
build_package() {
    if grep -q "^VERSION_CODENAME=$SUITE" /etc/os-release; then
        (cd build/release && cpack -G DEB -B "$ROOT/tmp")
        return
    fi
    local cache; cache=$(ccache -k cache_dir)
    mkdir -p "$cache" "$BUILDER/src" "$BUILDER/root/.cache/ccache" &&
        git ls-files -co --exclude-standard | tar -c -T - | tar -x -C "$BUILDER/src" &&
        mount -t proc proc "$BUILDER/proc" && mount --bind "$cache" "$BUILDER/root/.cache/ccache" &&
        chroot "$BUILDER" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C bash -ec '
            . /src/deploy/setup.sh
            weir_install "${WEIR_BUILD_PACKAGES[@]}"
            cd /src
            cmake --preset release -DWEIR_TESTS=OFF
            cmake --build build/release
            cd build/release && cpack -G DEB -B /tmp' &&
        mv "$BUILDER"/tmp/weir_*.deb "$ROOT/tmp/"
}

in_root() { chroot "$ROOT" env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }
# try WHAT COMMAND...: one line of the report.
try() {
    local what=$1; shift
    if "$@" >"$ROOT/tmp/out" 2>&1; then
        PASSED=$((PASSED + 1)); echo "ok   $what"
    else
        FAILED=$((FAILED + 1)); echo "FAIL $what"; sed 's/^/     /' "$ROOT/tmp/out" | tail -n 20
    fi
}
finish() { echo "$PASSED passed, $FAILED failed, 0 skipped"; [ $FAILED = 0 ]; exit; }

# make_user_land [PACKAGES]: a minimal Debian under $ROOT, and where its suite is not this machine's a copy to build in.
make_user_land() {
    local mirror
    mirror=$(grep -rhoE 'https?://[^ ]*debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | grep -v security | head -n 1)
    if ! debootstrap --variant=minbase ${1:+--include="$1"} "$SUITE" "$ROOT" "${mirror:-http://deb.debian.org/debian}" >"$ROOT.log" 2>&1; then
        echo "FAIL debootstrap $SUITE"; tail -n 5 "$ROOT.log"; rm -f "$ROOT.log"; FAILED=1; finish
    fi
    rm -f "$ROOT.log"
    cp /etc/resolv.conf "$ROOT/etc/" 2>/dev/null
    cp /etc/apt/apt.conf.d/*proxy* "$ROOT/etc/apt/apt.conf.d/" 2>/dev/null
    grep -q "^VERSION_CODENAME=$SUITE" /etc/os-release || cp -a "$ROOT" "$BUILDER"
}
