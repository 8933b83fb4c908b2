"""A live Slurm at one moment: queue, nodes and reservations, from its own commands."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable

from wattq.errors import SlurmError
from wattq.schedulers.slurm.command import Ask
from wattq.schedulers.slurm.jobs import Job, Node, Reservation, Snapshot
from wattq.schedulers.slurm.queue_json import parse_queue_json
from wattq.schedulers.slurm.queue_text import QUEUE_WORDS, parse_queue_text
from wattq.schedulers.slurm.words import date_s, duration_s

__all__ = ["JSON_WORDS", "NODE_WORDS", "RESERVATION_WORDS", "parse_nodes", "parse_reservations", "read_snapshot"]

JSON_WORDS = ("squeue", "-a", "--json")
NODE_WORDS = ("sinfo", "-a", "-h", "-N", "-o", "%N|%T|%C|%R|%a|%l")
RESERVATION_WORDS = ("scontrol", "-o", "show", "reservation")
_STATE = re.compile(r"([a-z_+]+)([^a-z_+]*)$")
_KEY = re.compile(r"(\w+)=(\S*)")


def read_snapshot(ask: Ask, clock: Callable[[], float] = time.time) -> Snapshot:
    """Ask a Slurm for its queue, nodes and reservations.

    Args:
        ask: runs its commands.
        clock: tells Unix seconds.

    Raises:
        SlurmError: a command fails or answers what cannot be understood.
    """
    told, notes = _read_queue(ask)
    jobs = tuple(job for job in told if not job.over)
    nodes = parse_nodes(ask(NODE_WORDS))
    if not nodes:
        raise SlurmError(f"{' '.join(NODE_WORDS)}: Slurm tells of no node; check sinfo by hand")
    return Snapshot(clock(), jobs, nodes, parse_reservations(ask(RESERVATION_WORDS)), notes)


def _read_queue(ask: Ask) -> tuple[tuple[Job, ...], tuple[str, ...]]:
    """Return the queue, from JSON where Slurm was built with it."""
    try:
        return parse_queue_json(ask(JSON_WORDS)), ()
    except SlurmError as error:
        jobs = parse_queue_text(ask(QUEUE_WORDS))
        return jobs, (f"the queue was read as text, for {str(error).partition(';')[0]}",)


def parse_nodes(text: str) -> tuple[Node, ...]:
    """Return the nodes of `NODE_WORDS`, which has one line for each node and partition.

    Raises:
        SlurmError: a line cannot be understood.
    """
    found: dict[str, Node] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            node = _node(line, number)
            before = found.get(node.name)
            found[node.name] = node if before is None else _joined(before, node)
    return tuple(found[name] for name in sorted(found))


def _node(line: str, number: int) -> Node:
    cells = [cell.strip() for cell in line.split("|")]
    state = _STATE.match(cells[1]) if len(cells) == 6 else None
    try:
        if state is None:
            raise ValueError(line)
        cpus = int(cells[2].rpartition("/")[2])
        up, limit_s = cells[4] == "up", duration_s(cells[5])
    except ValueError:
        raise SlurmError(f"sinfo, line {number}: '{line[:80]}' cannot be understood; try sinfo by hand") from None
    flags = state[2] + "".join(sign for sign in "+" if sign in state[1])
    return Node(cells[0], state[1].strip("+"), flags, max(cpus, 1), (cells[3],) if up else (), limit_s if up else 0.0)


def _joined(one: Node, other: Node) -> Node:
    partitions = (*one.partitions, *(name for name in other.partitions if name not in one.partitions))
    return Node(one.name, one.state, one.flags, one.cpus, partitions, max(one.max_s, other.max_s))


def parse_reservations(text: str) -> tuple[Reservation, ...]:
    """Return the reservations of ``scontrol -o show reservation``.

    Raises:
        SlurmError: a line that begins as one cannot be understood.
    """
    return tuple(
        _reservation(line, number)
        for number, line in enumerate(text.splitlines(), 1)
        if line.startswith("ReservationName=")
    )


def _reservation(line: str, number: int) -> Reservation:
    values: dict[str, str] = {}
    for key, value in _KEY.findall(line):
        values.setdefault(key, value)
    try:
        start_s, end_s = date_s(values["StartTime"]), date_s(values["EndTime"])
        nodes = "" if values["Nodes"] == "(null)" else values["Nodes"]
        return Reservation(
            values["ReservationName"],
            -math.inf if start_s is None else start_s,
            math.inf if end_s is None else end_s,
            nodes,
            values["State"] == "ACTIVE",
        )
    except (KeyError, ValueError, OverflowError):
        raise SlurmError(
            f"scontrol show reservation, line {number}: '{line[:80]}' cannot be understood; try it by hand"
        ) from None
