"""schedule.trace: which job each machine worked for, as a Pajé trace for viewers such as ViTE.

Containers, types and values are named as Batsim names them; the colours, which are random there, are fixed here.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from wattq.simulator import layout as c
from wattq.simulator.outputs import job_times

if TYPE_CHECKING:
    from wattq.simulator.run import Run

__all__ = ["schedule_trace"]

_N_COLOURS = 64
# The kinds of lines, in the order of their numbers, with the fields of each.
_EVENTS = (
    ("PajeDefineContainerType", ("Type string", "Alias string", "Name string")),
    ("PajeCreateContainer", ("Time date", "Type string", "Alias string", "Name string", "Container string")),
    ("PajeDestroyContainer", ("Time date", "Name string", "Type string")),
    ("PajeDefineStateType", ("Alias string", "Type string", "Name string")),
    ("PajeDefineEntityValue", ("Alias string", "Type string", "Name string", "Color color")),
    ("PajeSetState", ("Time date", "Type string", "Container string", "Value string")),
    ("PajeDefineEventType", ("Type string", "Alias string", "Name string")),
    ("PajeNewEvent", ("Time date", "Type string", "Container string", "Value string")),
    ("PajeDefineVariableType", ("Type string", "Alias string", "Name string", "Color string")),
    ("PajeSetVariable", ("Time date", "Type string", "Container string", "Value double")),
)
_TYPES = """\
# Container types creation
1 0 root_ct "Machines"
1 root_ct machine_ct "Machine"
1 0 scheduler_ct "Scheduler"
1 scheduler_ct killer_ct "Killer"

# Event types creation
7 killer_ct kk "Job kill"
7 machine_ct km "Job kill"

# Variable types creation
9 scheduler_ct vu_vt "Utilization" "0.0 0.5 0.0"

"""
_STATES = """\
# States creation
4 machine_state machine_ct "Machine state"

# Creation of the different values the machine state can be
5 w machine_state "Waiting" "0.0 0.0 0.0"
5 l machine_state "Launching" "0.3 0.3 0.3"

# Begin of events
"""


def schedule_trace(run: Run) -> str:
    """Return the Pajé trace of a simulation."""
    hosts = run.platform.host_names
    end_s = float(run.kernel.head[0]["clock_s"])
    parts = [_definitions(), _TYPES, '# Containers creation\n2 0.000000 root_ct root "Machines" 0\n']
    parts += [f'2 0.000000 machine_ct m{k} "{name}" root\n' for k, name in enumerate(hosts)]
    parts.append('2 0.000000 scheduler_ct sc "Scheduler" 0\n2 0.000000 killer_ct k "Killer" sc\n\n')
    parts.append(_STATES)
    parts += [f"6 0.000000 machine_state m{k} w\n" for k in range(len(hosts))]
    parts += _job_lines(run)
    parts.append("\n# End of events, containers destruction\n")
    parts += [f"3 {end_s:.6f} m{k} machine_ct\n" for k in range(len(hosts))]
    parts.append(f"3 {end_s:.6f} root root_ct\n")
    return "".join(parts)


def _definitions() -> str:
    """Return the head of a Pajé file: what the fields of each kind of line are."""
    return "".join(
        f"%EventDef {name} {number}\n" + "".join(f"% {field}\n" for field in fields) + "%EndEventDef\n\n"
        for number, (name, fields) in enumerate(_EVENTS, 1)
    )


def _changes(run: Run) -> Iterator[tuple[float, int, int]]:
    """Yield (date, 0 for an end and 1 for a start, job) of the jobs that ran."""
    jobs = run.kernel.jobs[: run.kernel.head[0]["n_jobs"]]
    finish_s = job_times(jobs).finish_s.astype(np.float64)
    columns = (jobs["state"].tolist(), jobs["start_s"].tolist(), finish_s.tolist())
    for job, (state, start_s, end_s) in enumerate(zip(*columns, strict=True)):
        if state in (c.RUNNING, c.SUCCESS, c.FAILED, c.WALLTIME, c.KILLED):
            yield start_s, 1, job
            if state != c.RUNNING:
                yield end_s, 0, job


def _job_lines(run: Run) -> Iterator[str]:
    """Yield the lines of starts and ends by date, ends first; of jobs that share a host, the oldest one shows."""
    jobs, alloc = run.kernel.jobs, run.kernel.alloc
    on_host: list[list[int]] = [[] for _ in run.platform.host_names]
    for date_s, starts, job in sorted(_changes(run)):
        record = jobs[job]
        first = int(record["iv"])
        pairs = alloc[first : first + int(record["n_iv"])].tolist()
        hosts = [host for low, high in pairs for host in range(low, high + 1)]
        name = _full_id(run, job)
        date = f"{date_s:.6f}"
        if starts:
            yield f'5 j{name} machine_state "{name}" {_colour(job)}\n'
        elif int(record["state"]) in (c.WALLTIME, c.KILLED):
            yield f'8 {date} kk k "{name}"\n'
            yield from (f'8 {date} km m{host} "{name}"\n' for host in hosts)
        for host in hosts:
            before = on_host[host][:1]
            on_host[host].append(job) if starts else on_host[host].remove(job)
            after = on_host[host][:1]
            if after != before:
                yield f"6 {date} machine_state m{host} {f'j{_full_id(run, after[0])}' if after else 'w'}\n"


def _full_id(run: Run, job: int) -> str:
    """Return the full id of a job."""
    job_id, workload, _ = run.job_names(job)
    return f"{workload}!{job_id}"


def _colour(job: int) -> str:
    """Return a colour; jobs that follow one another differ clearly."""
    red, green, blue = colorsys.hsv_to_rgb(job * 23 % _N_COLOURS / _N_COLOURS, 1.0, 1.0)
    return f'"{red:.6f} {green:.6f} {blue:.6f}"'
