#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing to build weir (and, with --tests, to test it), and builds it. Sourced by
# deploy/demo.sh and tests/run.sh; may be run by itself. Needs root only to install packages.
set -euo pipefail

WEIR_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

weir_say() { printf '\033[1m==\033[0m %s\n' "$*"; }
weir_die() { printf 'weir: %s\n' "$*" >&2; exit "${2:-1}"; }

# Debian 12's own libboost-dev is 1.74.
WEIR_BOOST=libboost-dev
! grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release || WEIR_BOOST=libboost1.81-dev
WEIR_BUILD_PACKAGES=(g++ cmake ninja-build ccache pkg-config clang-19 bpftool libbpf-dev libelf-dev
    zlib1g-dev "$WEIR_BOOST" libexpected-dev libyaml-dev libspdlog-dev libfmt-dev prometheus-cpp-dev
    libcurl4-openssl-dev libcli11-dev nlohmann-json3-dev libgtest-dev libgmock-dev dpkg-dev file)
WEIR_RUN_PACKAGES=(python3 iproute2 curl procps nginx-light redis-server redis-tools
    postgresql dnsmasq-base wrk)
WEIR_TEST_PACKAGES=(haproxy prometheus iptables nftables clang-tidy-19 clang-format-19 libclang-rt-19-dev
    dnsutils dnsperf iperf3 lintian dpkg-dev groff-base systemd qemu-system-x86 busybox-static kmod zstd debian-archive-keyring git python3-jsonschema)

# weir_install PACKAGE...: those that are not there yet.
weir_install() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || weir_die "these packages are missing, and only root can install them: ${missing[*]}"
    weir_say "installing ${#missing[@]} packages: ${missing[*]}"
    # Services of these packages must not start by themselves: only the programs are wanted. In a
    # subshell, so that the policy goes away with it, also on Ctrl-C.
    (
        policy=/usr/sbin/policy-rc.d mark="# of weir's deploy/setup.sh"
        if [ ! -e "$policy" ] || grep -qF "$mark" "$policy"; then
            trap 'rm -f "$policy"' EXIT
            trap 'exit 130' INT TERM
            printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
            chmod +x "$policy"
        fi
        apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
    ) >/tmp/weir-apt.log 2>&1 || { tail -n 20 /tmp/weir-apt.log >&2; weir_die "apt-get could not install them; its last words are above"; }
}

# weir_build PRESET [TARGET...]
weir_build() {
    local preset=$1; shift
    weir_say "building (preset $preset; the first time takes some minutes)"
    cd "$WEIR_ROOT"
    cmake --preset "$preset" >"/tmp/weir-cmake-$preset.log" 2>&1 ||
        { tail -n 20 "/tmp/weir-cmake-$preset.log" >&2; weir_die "cmake failed"; }
    local targets=()
    [ $# = 0 ] || targets=(--target "$@")
    cmake --build "build/$preset" "${targets[@]}" >"/tmp/weir-build-$preset.log" 2>&1 &
    local pid=$! last=""
    while kill -0 $pid 2>/dev/null; do
        sleep 2
        local now; now=$(grep -oE '^\[[0-9]+/[0-9]+\]' "/tmp/weir-build-$preset.log" | tail -n 1 || true)
        if [ -n "$now" ] && [ "$now" != "$last" ] && [ -t 1 ]; then printf '\r   %s ' "$now"; last=$now; fi
    done
    [ ! -t 1 ] || printf '\r'
    wait $pid || { grep -E 'error|FAILED' "/tmp/weir-build-$preset.log" | head -n 20 >&2; weir_die "the build failed: /tmp/weir-build-$preset.log"; }
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    weir_install "${WEIR_BUILD_PACKAGES[@]}"
    weir_build release
    weir_say "done: $WEIR_ROOT/build/release/bin/weir and weir-agent"
fi
