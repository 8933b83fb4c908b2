"""The options of `wattq-batsim` and what they say about themselves."""

from __future__ import annotations

from wattq import __version__
from wattq.simulator.batsim.grammar import Option

__all__ = ["BATSIM_VERSION", "HELP", "OPTIONS", "REFUSED", "SIMGRID_VERSION", "version_text"]

BATSIM_VERSION = "v4.2.1"
SIMGRID_VERSION = "3.34.0"

HELP = """\
wattq-batsim: play Batsim 4.2.1's part of a simulation, for a scheduler that speaks Batsim's protocol over ZeroMQ.

Usage:
  wattq-batsim -p FILE [-w FILE]... [options]
  wattq-batsim --help | --version | --simgrid-version

Inputs:
  -p, --platform FILE               the machine: a SimGrid platform (XML)
  -w, --workload FILE               jobs and profiles: Batsim JSON (also SWF; both also as .gz or .xz); repeatable, the
                                    workloads are called w0, w1, ... in this order
  --events FILE                     machines that fail and come back, and events of your own: one JSON object per
                                    line; repeatable
  -m, --master-host NAME            the host of the resource manager, which computes nothing [default: master_host]
  -r, --add-role-to-hosts HOSTS:ROLE
                                    host1,host2:ROLE, where ROLE is master, compute_node or storage; repeatable
  --mmax N                          use the first N compute hosts only; 0 uses all [default: 0]
  --mmax-workload                   use as many compute hosts as the largest 'nb_res' of the workloads

What is simulated:
  -E, --energy                      count energy: power states may be set, two more files are written
  --enable-compute-sharing          jobs may share compute hosts
  --disable-storage-sharing         tell the scheduler that storage hosts are not shared
  --enable-dynamic-jobs             the scheduler may register jobs and profiles
  --acknowledge-dynamic-jobs        answer each registered job with JOB_SUBMITTED
  --enable-profile-reuse            keep the profiles of ended jobs; needs --enable-dynamic-jobs
  --forward-profiles-on-submission  put the profile into JOB_SUBMITTED
  --forward-unknown-events          pass events of unknown type on instead of refusing them

The scheduler:
  -s, --socket-endpoint ENDPOINT    where the scheduler listens [default: tcp://localhost:28000]
  --sched-cfg TEXT                  text for the scheduler, in the first message
  --sched-cfg-file FILE             the same from a file; give one of the two
  --scheduler-timeout SECONDS       give up when a reply takes longer; without it the server waits for ever, as Batsim
                                    does (not an option of Batsim)

Outputs:
  -e, --export PREFIX               put before _jobs.csv, _schedule.csv and the others; may hold folders, which must
                                    exist [default: out]
  --disable-schedule-tracing        do not write PREFIX_schedule.trace
  --disable-machine-state-tracing   do not write PREFIX_machine_states.csv
  -v, --verbosity LEVEL             quiet: errors; network-only: also each message; information: also inputs and
                                    outputs; debug: also what becomes of each message [default: information]
  -q, --quiet                       the same as --verbosity quiet

SimGrid and Redis:
  --sg-cfg NAME:VALUE               a setting of SimGrid that changes nothing here; others are refused by name;
                                    repeatable
  --sg-log CATEGORY.thresh:LEVEL    what is logged, as SimGrid's option of this name; repeatable
  --redis-hostname HOST, --redis-port PORT, --redis-prefix PREFIX
                                    told to the scheduler; Redis itself is not used
                                    [defaults: 127.0.0.1, 6379, default]

Others:
  --dump-execution-context          print endpoint and prefix as one line of JSON, and end
  -h, --help                        print this
  --version                         print Batsim's version, then this program's
  --simgrid-version                 print SimGrid's version, then this program's

Exit: 0 ended or deadlock, 1 no platform file, 2 no workload or events file (3: both), 5 asks for what is not
simulated, 6 the scheduler was silent too long, 7 outputs could not be written, 255 bad options, 130 and 143
interrupted, abort signal (134 in a shell) whatever makes Batsim abort.
"""

OPTIONS = (
    Option("--platform", "-p", "FILE"),
    Option("--workload", "-w", "FILE", repeat=True),
    Option("--events", "", "FILE", repeat=True),
    Option("--master-host", "-m", "NAME", default="master_host"),
    Option("--add-role-to-hosts", "-r", "HOSTS:ROLE", repeat=True),
    Option("--mmax", "", "N", default="0"),
    Option("--mmax-workload"),
    Option("--energy", "-E"),
    Option("--enable-compute-sharing"),
    Option("--disable-storage-sharing"),
    Option("--enable-dynamic-jobs"),
    Option("--acknowledge-dynamic-jobs"),
    Option("--enable-profile-reuse"),
    Option("--forward-profiles-on-submission"),
    Option("--forward-unknown-events"),
    Option("--socket-endpoint", "-s", "ENDPOINT", default="tcp://localhost:28000"),
    Option("--sched-cfg", "", "TEXT"),
    Option("--sched-cfg-file", "", "FILE"),
    Option("--scheduler-timeout", "", "SECONDS"),
    Option("--export", "-e", "PREFIX", default="out"),
    Option("--disable-schedule-tracing"),
    Option("--disable-machine-state-tracing"),
    Option("--verbosity", "-v", "LEVEL", default="information"),
    Option("--quiet", "-q"),
    Option("--sg-cfg", "", "NAME:VALUE", repeat=True),
    Option("--sg-log", "", "CATEGORY.thresh:LEVEL", repeat=True),
    Option("--redis-hostname", "", "HOST", default="127.0.0.1"),
    Option("--redis-port", "", "PORT", default="6379"),
    Option("--redis-prefix", "", "PREFIX", default="default"),
    Option("--dump-execution-context"),
    Option("--help", "-h"),
    Option("--version"),
    Option("--simgrid-version"),
    Option("--enable-redis"),
    Option("--workflow", "-W", "FILE", repeat=True),
    Option("--WS", "", "FILE", repeat=True),
    Option("--workflow-start", "", "FILE", repeat=True),
    Option("--workflow-jobs-limit", "", "N"),
    Option("--ignore-beyond-last-workflow"),
    Option("--no-sched"),
)

_WORKFLOWS = "workflows are not simulated; turn them into a workload, or run real Batsim"
# Options of Batsim that cannot be honoured, with the reason.
REFUSED = {
    "--enable-redis": "there is no Redis data storage here; the protocol carries jobs and profiles without it",
    "--workflow": _WORKFLOWS,
    "--WS": _WORKFLOWS,
    "--workflow-start": _WORKFLOWS,
    "--workflow-jobs-limit": _WORKFLOWS,
    "--ignore-beyond-last-workflow": _WORKFLOWS,
    "--no-sched": "jobs are not run without a scheduler; `wattq run --policy fcfs_fast` does it in one process",
}


def version_text(number: str) -> str:
    """Return the number that tools look for on the first line, and who says so on the second."""
    return (
        f"{number}\nwattq-batsim {__version__}: the protocol, options and results of Batsim "
        f"{BATSIM_VERSION.removeprefix('v')} on SimGrid {SIMGRID_VERSION}\n"
    )
