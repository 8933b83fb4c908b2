#!/bin/sh
# energy_monitor.sh JOB [SECONDS]: a log of 16 columns of this node while a job runs on it (every 30 s).
#
# Ends with 0 whatever happens, when the job does. Needs no PATH and no environment. wattq-hooks.conf beside it says
# which Python, settings and log.
hook=monitor
trap 'exit 0' EXIT HUP INT TERM
umask 077
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
python=python3
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
        LOG_DIR) log=$value ;;
        WATTQ_CONFIG)
            WATTQ_CONFIG=$value
            export WATTQ_CONFIG
            ;;
        esac
    done <"$here/wattq-hooks.conf"
fi
log=$log/hooks.log
( : >>"$log" ) 2>/dev/null || log=/dev/null

say() {
    { printf '%s %s[%s]: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$hook" "$$" "$1" >>"$log"; } 2>/dev/null
}

# The job's folder belongs to its user: nothing of it may be found by Python.
cd / || exit 0
"$python" -P -m wattq.telemetry.slurm "$hook" "${1:-}" "${2:-30}" </dev/null 2>>"$log"
code=$?
if [ "$code" -ne 0 ]; then
    say "job ${1:-unknown}: $python ended with $code (127: not found)"
fi
exit 0
