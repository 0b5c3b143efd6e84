#!/bin/bash
# Tries `sereno service` with a real systemd user manager, in namespaces of its own: nothing of this
# machine's systemd is touched. Needs root, systemd and a cgroup2 mount. Not a part of `make test`.
#   packaging/try-systemd.sh [path of sereno]
set -eu
SERENO=$(readlink -f "${1:-.venv/bin/sereno}")

if [ -z "${SERENO_TRY_INSIDE:-}" ]; then
    root=$(mktemp -d /tmp/sereno-systemd-XXXXXX)
    tree=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    group=$tree/sereno-try-$$
    mkdir "$group"
    trap 'find "$group" -depth -type d -exec rmdir {} + || true; rm -rf "$root"' EXIT
    # A process in the group is made the first of new namespaces, where the group is the root.
    SERENO_TRY_INSIDE=$tree bash -c 'echo $$ > "$0/cgroup.procs"
        exec unshare --pid --mount --cgroup --fork --kill-child "$@"' \
        "$group" bash "$0" "$SERENO" "$root"
    exit
fi

mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user/0
umount -l "$SERENO_TRY_INSIDE"
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ROOT=$2
export XDG_RUNTIME_DIR=/run/user/0 HOME=$ROOT container=test SERENO_LISTEN=127.0.0.1:0
unset SERENO_HOME SERENO_TRY_INSIDE
cd "$ROOT"
/lib/systemd/systemd --user >"$ROOT/systemd.log" 2>&1 &

fail() { echo "FAILED: $*" >&2; systemctl --user --no-pager status sereno >&2 || true; exit 1; }
until_true() { for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; fail "$*"; }
pid() { systemctl --user show sereno -p MainPID --value; }
state() { systemctl --user show sereno -p ActiveState --value; }
busy() { [ "$("$SERENO" ls -g | grep -c busy)" = "$2" ] || fail "a turn did not outlive $1"; echo "ok: $1"; }
is_other() { local now; now=$(pid); [ "$now" -gt 1 ] && [ "$now" != "$1" ]; }
signal() { [ "$2" -gt 1 ] && kill "$1" "$2"; }

until_true systemctl --user is-system-running
mkdir -m 700 .sereno
printf '[daemon]\nlisten = []\n' > .sereno/config.toml
"$SERENO" daemon start
"$SERENO" run -d --provider demo "wait 600s" >/dev/null
"$SERENO" service install
busy "install beside a daemon in the background" 1
# This one lives in the control group of the service.
agent=$("$SERENO" run -d --provider demo "stream 3000 tools every 20ms")
systemctl --user restart sereno
busy "systemctl restart" 2
old=$(pid); signal -KILL "$old"; until_true is_other "$old"; until_true "$SERENO" daemon status
busy "kill -9" 2
old=$(pid); systemctl --user reload sereno; "$SERENO" daemon restart
[ "$(pid)" = "$old" ] && [ "$(state)" = active ] || fail "reload and restart inside"
busy "reload, and a restart from inside" 2
mkdir -p .config/systemd/user/sereno.service.d
printf '[Service]\nWatchdogSec=3\n' > .config/systemd/user/sereno.service.d/quick.conf
systemctl --user daemon-reload; systemctl --user restart sereno
old=$(pid); signal -STOP "$old"; until_true is_other "$old"; until_true "$SERENO" daemon status
busy "the watchdog" 2
"$SERENO" wait "$agent" >/dev/null
seen=$("$SERENO" logs "$agent" --tail 9999 | grep -o 'event [0-9]*')
[ "$(echo "$seen" | wc -l)" = 3000 ] && [ "$(echo "$seen" | sort -u | wc -l)" = 3000 ] \
    || fail "an event is missing, or there twice"
echo "ok: 3000 events, each once"
echo 'nonsense = 1' >> .sereno/config.toml
systemctl --user reload sereno; [ "$(state)" = active ] || fail "a reload of a bad file"
systemctl --user restart sereno 2>/dev/null && fail "a start with a bad file"
sleep 5; [ "$(state)" = failed ] || fail "exit code 2 is not tried again"
sed -i '/nonsense/d' .sereno/config.toml
"$SERENO" service install >/dev/null; echo "ok: refused by the configuration, and back"
"$SERENO" daemon stop >/dev/null; sleep 5; [ "$(state)" = inactive ] || fail "daemon stop"
echo "ok: daemon stop stays"
"$SERENO" service install >/dev/null
"$SERENO" service uninstall
[ "$(pgrep -fc sereno.core.providers.demo)" = 2 ] || fail "uninstall ended an agent"
echo "ok: uninstall leaves the agents alive"
echo "All of it. The rest ends with these namespaces."
