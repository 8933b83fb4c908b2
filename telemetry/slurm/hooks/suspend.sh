#!/bin/sh
# SuspendProgram and ResumeProgram of Slurm, one program; its name says which: idle nodes off, needed nodes on.
#
# Called by slurmctld with a list of nodes, such as n[1-4,8]. Ends with 0 when each node was told, which Slurm notes in
# its log. wattq-hooks.conf beside it says which Python and settings.
case ${0##*/} in
*resume*) hook=resume ;;
*) hook=suspend ;;
esac
umask 077
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
python=python3
case $0 in
*/*) here=${0%/*} ;;
*) here=. ;;
esac
if [ -r "$here/wattq-hooks.conf" ]; then
    while IFS='=' read -r key value; do
        case $key in
        PYTHON) python=$value ;;
        WATTQ_CONFIG)
            WATTQ_CONFIG=$value
            export WATTQ_CONFIG
            ;;
        esac
    done <"$here/wattq-hooks.conf"
fi
cd / || exit 1
exec "$python" -P -m wattq.telemetry.slurm "$hook" "$@" </dev/null
