#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# unit.sh: tries weir-agent.service where systemd is process 1 and the machine may be changed as one likes: a VM of
# tests/install/systemd.sh. Never run it on a machine that is in use.
set -uo pipefail
[ "$(ps -o comm= 1 2>/dev/null || cat /proc/1/comm)" = systemd ] || { echo "process 1 is not systemd" >&2; exit 2; }
B=/run/vm-run/busybox PASSED=0 FAILED=0
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C PAGER=cat SYSTEMD_PAGER=

try() {
    local what=$1; shift
    if "$@" >/tmp/out 2>&1; then
        PASSED=$((PASSED + 1)); echo "ok   $what"
    else
        FAILED=$((FAILED + 1)); echo "FAIL $what"; sed 's/^/     /' /tmp/out | tail -n 20
    fi
}
# within SECONDS COMMAND...: tries it until it succeeds.
within() {
    local until=$((SECONDS + $1)); shift
    until "$@"; do [ $SECONDS -lt $until ] || return 1; sleep 0.5; done
}
pid() { systemctl show -P MainPID weir-agent; }
restarts() { systemctl show -P NRestarts weir-agent; }
is() { [ "$1" = "$2" ] || { echo "\"$1\" is not \"$2\""; false; }; }
# The shell's own client: that of a static busybox looks for the C library of the machine it was built on.
fetch() { timeout 10 bash -c 'exec 3<>/dev/tcp/10.96.0.10/80 && printf "GET / HTTP/1.0\r\n\r\n" >&3 && tail -n 1 <&3'; }
reached() { is "$(fetch)" "$1"; }
unreached() { ! fetch; }
serving() { weir services | grep -q 'orders.shop.*serving'; }
mesh() { # mesh PORT: the service, at the port of its endpoint, installed as an editor does it
    echo "services: {orders.shop: {addresses: [10.96.0.10], ports: [{port: 80, targetPort: $1}], endpoints: [{address: 127.0.0.1}]}}" >/etc/weir/mesh.d/.new
    mv /etc/weir/mesh.d/.new /etc/weir/mesh.d/shop.yaml
}
status_of() { awk -v key="$1:" '$1 == key {print $2}' "/proc/$(pid)/status"; }
restarted_since() { [ "$(restarts)" -gt "$1" ] && weir status | grep -q '^AGENT *running'; }
not() { ! "$@"; }
log_says() { journalctl -u weir-agent --no-pager | grep -qi "$1"; }

$B ip link set lo up
for port in 8081 8082; do mkdir -p "/srv/$port"; echo "$port" >"/srv/$port/index.html"; $B httpd -p "127.0.0.1:$port" -h "/srv/$port"; done

try "the package has enabled it, and it was started at boot" within 60 systemctl -q is-active weir-agent
try "systemd waited for the agent's word" is "$(systemctl show -P Type -P NotifyAccess weir-agent | tr '\n' ' ')" "notify main "
try "no service is in the way of others" within 60 systemctl is-system-running
try "open connections are not charged to it" not log_says "memory cgroup"
mesh 8081
try "it starts again" systemctl restart weir-agent
try "once systemd says started, the mesh is in the kernel" serving
try "a connect reaches the endpoint" reached 8081
try "it has the three capabilities and no other" is "$(status_of CapEff)" "$(printf '%016x' $((1 << 39 | 1 << 12 | 1 << 38)))"
try "and can never have more" is "$(status_of CapBnd) $(status_of NoNewPrivs)" "$(printf '%016x' $((1 << 39 | 1 << 12 | 1 << 38))) 1"
try "its root is read-only" bash -c "! nsenter -t $(pid) -m touch /usr/weir-was-here /etc/weir/weir-was-here"
try "weir check is content with this kernel" weir check
mesh 8082
try "reload is SIGHUP: the same process reads the mesh again" bash -c "before=$(pid); systemctl reload weir-agent && [ \$(systemctl show -P MainPID weir-agent) = \$before ]"
try "new connects take the new port" within 20 reached 8082
before=$(restarts); kill -KILL "$(pid)"
try "a killed agent changes nothing for traffic" reached 8082
try "and is started again" within 30 restarted_since "$before"
before=$(restarts); kill -STOP "$(pid)"
try "a stopped one neither" reached 8082
try "the watchdog finds it, and it is started again" within 120 restarted_since "$before"
try "the journal says why" log_says watchdog
try "it stops" systemctl stop weir-agent
try "the data plane stays at work" reached 8082
try "and the journal says so" log_says 'go on steering'
try "apt removes it" apt-get remove -qy weir
try "what was steered still is" reached 8082
try "apt purges it" apt-get purge -qy weir
try "nothing is steered any more" unreached
try "systemd knows it no longer" bash -c "! systemctl cat weir-agent"
echo "$PASSED passed, $FAILED failed, 0 skipped"
[ $FAILED = 0 ]
