#!/bin/sh
# Prolog and epilog of Slurm, one program; its name says which. The prolog notes the start of a job and the counters
# of energy, caps GPUs, begins the keeper; the epilog notes the end and the counters, and gives GPUs their caps back.
#
# Ends with 0 whatever happens, and within the time box: a hook that fails drains the node, one that is slow delays the
# job. Needs no PATH and no environment. wattq-hooks.conf beside it says which Python, time box, settings and log.
case ${0##*/} in
*epilog*) hook=epilog ;;
*) hook=prolog ;;
esac
trap 'exit 0' EXIT HUP INT TERM
umask 077
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
python=python3
box=5
log=/var/log/slurm/energy
case $0 in
*/*) here=${0%/*} ;;
*) here=. ;;
esac
if [ -r "$here/wattq-hooks.conf" ]; then
    # Read, not run: a mistake in it must not end this script.
    while IFS='=' read -r key value; do
        case $key in
        PYTHON) python=$value ;;
        TIME_BOX) box=$value ;;
        LOG_DIR) log=$value ;;
        WATTQ_CONFIG)
            WATTQ_CONFIG=$value
            export WATTQ_CONFIG
            ;;
        esac
    done <"$here/wattq-hooks.conf"
fi
case $box in
'' | *[!0-9.]* | *.*.* | .) box=5 ;;
esac
log=$log/hooks.log
( : >>"$log" ) 2>/dev/null || log=/dev/null

say() {
    { printf '%s %s[%s]: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$hook" "$$" "$1" >>"$log"; } 2>/dev/null
}

# The job's folder belongs to its user: nothing of it may be found by Python.
cd / || exit 0
if command -v timeout >/dev/null 2>&1; then
    timeout -k 1 "$box" "$python" -P -m wattq.telemetry.slurm "$hook" </dev/null >/dev/null 2>>"$log"
    code=$?
else
    "$python" -P -m wattq.telemetry.slurm "$hook" </dev/null >/dev/null 2>>"$log" &
    child=$!
    (
        sleep "$box"
        kill -9 "$child"
    ) >/dev/null 2>&1 &
    watch=$!
    wait "$child"
    code=$?
    kill "$watch" 2>/dev/null
fi
if [ "$code" -ne 0 ]; then
    say "job ${SLURM_JOB_ID:-unknown}: $python ended with $code (124, 137: out of time; 127: not found)"
fi
exit 0
